import { AnswerLostError, ConnectionLostError, OutcomeUnknownError, refuseOn } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import type { Leases } from "../../database/leases.js";
import { once } from "../../database/once.js";
import { newId, type TenantId } from "../../ids.js";
import { MOST_SIGN_UPS } from "../directory/jobs.js";
import { inTransaction } from "../migrations/transaction.js";
import { type Asking, sealCancellation } from "./cancellation.js";
import { JOB_COLUMNS, type Job, type JobHead, type JobKind, type JobState, type Order, toJob } from "./job.js";
import { seal } from "./seal.js";

/** Something else is still to be done with what has this slug. */
export class JobOpenError extends Error {
  override readonly name = "JobOpenError";
}

/** A worker has begun it, or it has ended: it is not cancelled any more. */
export class JobBegunError extends Error {
  override readonly name = "JobBegunError";
  constructor(readonly job: Job) {
    super("The job was begun.");
  }
}

/** Somebody has as many tenants by signing up as one may. */
export class TooManyTenantsError extends Error {
  override readonly name = "TooManyTenantsError";
}

/** Of the jobs of all: those of one tenant by what it was called, or in some states; older than one. */
export interface JobFilter {
  readonly slug?: string | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

const INSERT = `insert into tenantry.jobs (id, kind, tenant_id, slug, asked_by, operator, slot, sealed, asked_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

const FIND = `select ${JOB_COLUMNS} from tenantry.jobs where id = $1`;

const CANCEL = `insert into tenantry.job_cancellations (job_id, sealed, asked_by, operator, asked_at)
  values ($1, $2, $3, $4, $5)`;

/** Where jobs are handed in and asked about, through the login that reads the directory. It does none of them. */
export class JobDesk {
  /** @param key derived for this purpose, 32 bytes */
  constructor(
    private readonly door: Leases,
    private readonly key: Buffer,
  ) {}

  /**
   * Hands in an order of an operator's about a tenant.
   * @throws JobOpenError
   */
  ask(asking: Asking, slug: string, tenantId: TenantId, order: Order): Promise<Job> {
    return this.#insert(toHead(asking, order.kind, slug, null), tenantId, order);
  }

  /**
   * Hands in somebody's wish for a tenant of their own.
   * @throws TooManyTenantsError when they have as many as one may
   * @throws JobOpenError
   */
  async signUp(digest: Buffer, slug: string, order: Extract<Order, { kind: "CREATE" | "SIGN_UP" }>): Promise<Job> {
    for (let slot = 1; slot <= MOST_SIGN_UPS; slot++) {
      const head = toHead({ digest, operator: null }, "SIGN_UP", slug, slot);
      const job = await this.#insert(head, newId<TenantId>(), { ...order, kind: "SIGN_UP" }).catch((error) => {
        if (error instanceof TooManyTenantsError) return null;
        throw error;
      });
      if (job) return job;
    }
    throw new TooManyTenantsError("As many tenants as one may have by signing up.");
  }

  /**
   * Cancels a job that nobody has begun: nobody begins it from then on. What is cancelled already stays as it is.
   * @returns the cancelled job, which the next worker ends; null where there is none of this id
   * @throws JobBegunError
   */
  async cancel(asking: Asking, id: string): Promise<Job | null> {
    const lease = await this.door.acquire("");
    try {
      return await inTransaction(lease, async () => {
        const before = await this.#find(lease, id);
        if (!before || before.cancelledBy !== null) return before;
        const now = new Date();
        const sealed = sealCancellation(this.key, id, asking, now);
        // Its key into the jobs waits for a worker who is about to begin the job, and lets none begin it until the commit.
        await lease.run(CANCEL, [id, sealed, asking.digest, asking.operator, now.toISOString()]);
        const job = (await this.#find(lease, id))!;
        if (job.state === "QUEUED" && job.attempts === 0) return job;
        throw new JobBegunError(job);
      });
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      throw new OutcomeUnknownError("The job may have been cancelled.", { cause: error });
    } finally {
      lease.release();
    }
  }

  async find(id: string): Promise<Job | null> {
    const [row] = await once(this.door, FIND, [id]);
    return row ? toJob(this.key, row) : null;
  }

  /** Newest first. */
  async list({ slug, states, before, limit }: JobFilter): Promise<Job[]> {
    const rows = await once(
      this.door,
      `select ${JOB_COLUMNS} from tenantry.jobs
       where ($1::text is null or slug = $1) and ($2::text is null or state = any (string_to_array($2, ',')))
         and ($3::uuid is null or id < $3) order by id desc limit $4`,
      [slug ?? null, states?.join() ?? null, before ?? null, limit],
    );
    return rows.map((row) => toJob(this.key, row));
  }

  /** Those that somebody handed in by signing up, oldest first: of the failed ones the last few. */
  async signUpsOf(digest: Buffer): Promise<Job[]> {
    const rows = await once(
      this.door,
      `select ${JOB_COLUMNS} from tenantry.jobs where asked_by = $1 and slot is not null order by id desc limit 20`,
      [digest],
    );
    return rows.map((row) => toJob(this.key, row)).reverse();
  }

  /** Whether a slug is a tenant's, or ever was, or is about to be. */
  async isTaken(slug: string): Promise<boolean> {
    const [row] = await once(
      this.door,
      `select exists (select from tenantry.slugs where slug = $1)
         or exists (select from tenantry.jobs where slug = $1 and ended_at is null) as taken`,
      [slug],
    );
    return row?.taken === true;
  }

  async #find(lease: Lease, id: string): Promise<Job | null> {
    const [row] = await lease.run(FIND, [id]);
    return row ? toJob(this.key, row) : null;
  }

  async #insert(head: JobHead, tenantId: TenantId, order: Order): Promise<Job> {
    const { id, kind, slug, askedBy, operator, slot, askedAt } = head;
    const sealed = seal(this.key, head, { tenantId, order });
    const values = [id, kind, tenantId, slug, askedBy, operator, slot, sealed, askedAt.toISOString()];
    await refuseOn(
      {
        jobs_open_key: () => new JobOpenError(`Something else is still to be done with ${slug}.`),
        jobs_sign_up_key: () => new TooManyTenantsError("This place is taken."),
      },
      once(this.door, INSERT, values),
    ).catch((error) => {
      if (!(error instanceof ConnectionLostError)) throw error;
      throw new OutcomeUnknownError("The job may have been handed in.", { cause: error });
    });
    const job = await this.find(id).catch((error) => {
      throw new AnswerLostError(error);
    });
    return job!;
  }
}

const toHead = ({ digest, operator }: Asking, kind: JobKind, slug: string, slot: number | null): JobHead => ({
  id: newId<never>(),
  kind,
  slug,
  askedBy: digest,
  operator,
  slot,
  askedAt: new Date(),
});
