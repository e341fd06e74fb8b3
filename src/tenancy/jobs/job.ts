import type { TenantId } from "../../ids.js";
import type { JOB_KINDS, JOB_STATES } from "../directory/jobs.js";
import type { Isolation } from "../directory/table.js";
import { CANCELLATIONS, cancellerIn } from "./cancellation.js";

export type JobKind = (typeof JOB_KINDS)[number];
export type JobState = (typeof JOB_STATES)[number];

/** Somebody who is to own a new tenant. */
export interface NewOwner {
  /** Normalised. */
  readonly email: string;
  readonly name: string;
  /** Who they are to those who vouch for people; null where nobody can tell yet. */
  readonly signIn: { readonly issuer: string; readonly subject: string } | null;
}

/** What is to be done, with all that it takes: the part of a job that only those with the installation's key can read. */
export type Order =
  | {
      readonly kind: "CREATE" | "SIGN_UP";
      readonly name: string;
      readonly owner: NewOwner;
      readonly isolation: Isolation;
      /** Null for `main`, or the first in which nobody lives where it is to have one of its own. */
      readonly database: string | null;
    }
  | { readonly kind: "RENAME"; readonly slug: string | null; readonly name: string | null }
  | { readonly kind: "SUSPEND" | "RESUME" | "ERASE" }
  | {
      readonly kind: "MOVE";
      readonly isolation: Isolation;
      readonly database: string | null;
      readonly keepSeconds: number;
    };

/** What a job says of itself from the beginning, for all who may read the directory. */
export interface JobHead {
  readonly id: string;
  readonly kind: JobKind;
  readonly slug: string;
  readonly askedBy: Buffer;
  readonly operator: string | null;
  readonly slot: number | null;
  readonly askedAt: Date;
}

/** A job, and how far it is. */
export interface Job extends JobHead {
  readonly state: JobState;
  /** How often a worker has begun it. */
  readonly attempts: number;
  /** The operator who cancelled it, before anybody began it; null where nobody did. */
  readonly cancelledBy: string | null;
  readonly phase: string | null;
  readonly done: number | null;
  readonly total: number | null;
  /** What came of it, in words; null before. */
  readonly outcome: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** Of `tenantry.jobs`, by that name. */
export const JOB_COLUMNS = `id, kind, slug, asked_by, operator, slot, asked_at, state, attempts, phase, done, total, outcome,
  started_at, ended_at, ${CANCELLATIONS}`;

const instant = (value: unknown): Date | null => (value === null ? null : new Date(value as string));
const count = (value: unknown): number | null => (value === null ? null : Number(value));
const text = (value: unknown): string | null => (value === null ? null : String(value));

/** @param key that seals jobs: what was cancelled without it was not cancelled */
export const toJob = (key: Buffer, row: Record<string, unknown>): Job => ({
  id: String(row.id),
  kind: row.kind as JobKind,
  slug: String(row.slug),
  askedBy: Buffer.from(row.asked_by as Uint8Array),
  operator: text(row.operator),
  slot: count(row.slot),
  askedAt: new Date(row.asked_at as string),
  state: row.state as JobState,
  attempts: Number(row.attempts),
  cancelledBy: cancellerIn(key, row),
  phase: text(row.phase),
  done: count(row.done),
  total: count(row.total),
  outcome: text(row.outcome),
  startedAt: instant(row.started_at),
  endedAt: instant(row.ended_at),
});

/** What a seal holds: the order, and the tenant that it is about, whatever is called by its slug later. */
export interface Sealed {
  readonly tenantId: TenantId;
  readonly order: Order;
}
