import { sql } from "drizzle-orm";
import {
  bytea,
  check,
  foreignKey,
  index,
  integer,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { TenantId } from "../../ids.js";
import { instant } from "../table.js";
import { directory } from "./table.js";

export const JOB_KINDS = ["CREATE", "RENAME", "SUSPEND", "RESUME", "MOVE", "ERASE", "SIGN_UP"] as const;
export const JOB_STATES = ["QUEUED", "RUNNING", "DONE", "FAILED"] as const;

/** How many tenants somebody may have by signing up, those that are being made included. */
export const MOST_SIGN_UPS = 3;

/**
 * What operators, and people who sign up, ask for: `tenantry work` does it. The door's login adds rows, and changes none.
 * What is to be done is sealed, so that this table has nobody's name or address in it, and a row that was not written
 * by somebody with the installation's key is not acted upon.
 */
export const jobs = directory.table(
  "jobs",
  {
    id: uuid().primaryKey(),
    kind: text().$type<(typeof JOB_KINDS)[number]>().notNull(),
    /** Null before there is such a tenant, and when it is gone. */
    tenantId: uuid().$type<TenantId>(),
    /** What the tenant was called when this was asked for. */
    slug: text().notNull(),
    /** The keyed digest of who asked. */
    askedBy: bytea().notNull(),
    /** What the settings call the operator who asked; null for somebody who signs up. */
    operator: text(),
    /** Which of their tenants it is to somebody who signs up. */
    slot: smallint(),
    /** Taken away when it has ended, so that it cannot be done again. */
    sealed: bytea(),
    askedAt: instant().notNull(),
    state: text().$type<(typeof JOB_STATES)[number]>().notNull().default("QUEUED"),
    /** How often a worker has begun it. */
    attempts: integer().notNull().default(0),
    /** What is being done at the moment, and how far that is. */
    phase: text(),
    done: integer(),
    total: integer(),
    /** What came of it, in words. */
    outcome: text(),
    startedAt: instant(),
    endedAt: instant(),
  },
  (t) => [
    // One after the other: what is asked of a tenant next may depend on what comes of this.
    uniqueIndex("jobs_open_key").on(t.slug).where(sql`${t.endedAt} is null`),
    // As many tenants as there are slots, whoever asks how often at once.
    uniqueIndex("jobs_sign_up_key").on(t.askedBy, t.slot).where(sql`${t.slot} is not null and ${t.state} <> 'FAILED'`),
    index("jobs_by_tenant").on(t.tenantId),
    check("jobs_kind", sql`${t.kind} in ('CREATE', 'RENAME', 'SUSPEND', 'RESUME', 'MOVE', 'ERASE', 'SIGN_UP')`),
    check("jobs_state", sql`${t.state} in ('QUEUED', 'RUNNING', 'DONE', 'FAILED')`),
    check("jobs_ended", sql`(${t.state} in ('DONE', 'FAILED')) = (${t.endedAt} is not null)`),
    check("jobs_sealed", sql`(${t.sealed} is null) = (${t.endedAt} is not null)`),
    check("jobs_slot", sql`(${t.kind} = 'SIGN_UP') = (${t.slot} is not null) and ${t.slot} between 1 and 3`),
    check("jobs_operator", sql`(${t.kind} = 'SIGN_UP') = (${t.operator} is null)`),
  ],
);

/**
 * Jobs that an operator takes back. A job is begun or cancelled, and never both: whoever adds a row here waits for a worker who
 * is about to begin it, and a worker leaves alone what it finds here. Sealed as the jobs are, so that a row that was not
 * written by somebody with the installation's key cancels nothing.
 */
export const jobCancellations = directory.table(
  "job_cancellations",
  {
    jobId: uuid().notNull(),
    /** No two are alike. */
    sealed: bytea().notNull(),
    /** The keyed digest of who cancelled it. */
    askedBy: bytea().notNull(),
    /** What the settings call them. */
    operator: text().notNull(),
    askedAt: instant().notNull(),
  },
  (t) => [
    // Not one of each job: otherwise whoever cannot seal could keep others from cancelling.
    primaryKey({ name: "job_cancellations_pkey", columns: [t.jobId, t.sealed] }),
    foreignKey({ name: "job_cancellations_job_fkey", columns: [t.jobId], foreignColumns: [jobs.id] }).onDelete(
      "cascade",
    ),
  ],
);
