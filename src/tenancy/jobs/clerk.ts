import type { Connection } from "../../database/connection.js";
import type { Lease } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";
import { JOB_COLUMNS, type Job, type Sealed, toJob } from "./job.js";
import { open } from "./seal.js";

/** A job that this process does, and nobody else. */
export interface Taken {
  readonly job: Job;
  /** Null where the row's seal does not fit it. */
  readonly sealed: Sealed | null;
  /** How often it was begun, this time included. */
  readonly attempts: number;
}

const HELD = "hashtextextended('tenantry job ' || $1, 0)";
const TELL_EACH_MS = 250;
const KEPT_DAYS = 30;

/**
 * Takes jobs, and writes down what becomes of them. Each is held by a lock of the connection, which ends with this process
 * however that ends: then somebody else takes it again.
 */
export class Clerk {
  #toldAt = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly key: Buffer,
    private readonly lease: Lease,
    private readonly connection: Connection,
  ) {}

  /** @param key derived for this purpose, 32 bytes */
  static async open(owners: Owners, key: Buffer): Promise<Clerk> {
    const { lease, connection } = await owners.connect(MAIN);
    return new Clerk(key, lease, connection);
  }

  /**
   * The first job that waits, or whose worker is gone; null when there is none.
   * @param but those that are to be left for now
   */
  take(but: readonly string[]): Promise<Taken | null> {
    return this.#inTurn(() => this.#take(but));
  }

  #take(but: readonly string[]): Promise<Taken | null> {
    return inTransaction(this.lease, async () => {
      for (const passed = [...but]; ; ) {
        const [row] = await this.lease.run(
          `select ${JOB_COLUMNS}, sealed from tenantry.jobs
           where ended_at is null and id <> all (string_to_array($1, ',')::uuid[])
           order by id limit 1 for update skip locked`,
          [passed.join()],
        );
        if (!row) return null;
        const job = toJob(this.key, row);
        const [held] = await this.lease.run(`select pg_try_advisory_lock(${HELD}) as is_ours`, [job.id]);
        if (held?.is_ours !== true) {
          passed.push(job.id);
          continue;
        }
        // Read when the row is this transaction's: whoever cancels the job has done so before, or waits for its end.
        if (await this.#isCancelled(job)) {
          await this.#letGo(job);
          passed.push(job.id);
          continue;
        }
        await this.lease.run(
          `update tenantry.jobs set state = 'RUNNING', attempts = attempts + 1, phase = null, done = null, total = null,
             started_at = coalesce(started_at, clock_timestamp()) where id = $1`,
          [job.id],
        );
        return { job, sealed: this.#open(job, row.sealed), attempts: job.attempts + 1 };
      }
    });
  }

  /**
   * Ends what was cancelled. A worker does so beside what it does, for the next job of that tenant can only be asked for then.
   * @returns those jobs, as they are then
   */
  endCancelled(): Promise<Job[]> {
    return this.#inTurn(() => this.#endCancelled());
  }

  async #endCancelled(): Promise<Job[]> {
    const rows = await this.lease.run(
      `select ${JOB_COLUMNS} from tenantry.jobs where state = 'QUEUED'
         and exists (select from tenantry.job_cancellations c where c.job_id = jobs.id)`,
    );
    const ended: Job[] = [];
    for (const { id, cancelledBy } of rows.map((row) => toJob(this.key, row))) {
      if (cancelledBy === null) continue;
      const [row] = await this.lease.run(
        `update tenantry.jobs set state = 'FAILED', outcome = $2, sealed = null, ended_at = clock_timestamp(),
           tenant_id = (select t.id from tenantry.tenants t where t.id = jobs.tenant_id)
         where id = $1 and state = 'QUEUED' and ended_at is null returning ${JOB_COLUMNS}`,
        [id, `Cancelled by ${cancelledBy}, before anybody began it.`],
      );
      if (row) ended.push(toJob(this.key, row));
    }
    return ended;
  }

  /** One after the other: what is sent while somebody has a transaction open on the connection would be part of that. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Writes down how far a job is, a few times a second at most. Nobody waits for it. */
  tell(id: string, phase: string, done: number | null = null, total: number | null = null): void {
    const now = Date.now();
    if (now - this.#toldAt < TELL_EACH_MS && done !== total) return;
    this.#toldAt = now;
    this.lease
      .run("update tenantry.jobs set phase = $2, done = $3, total = $4 where id = $1", [id, phase, done, total])
      .catch(() => {});
  }

  /** Writes down what came of a job, and takes away what was to be done. Its tenant stays noted where there is one now. */
  async end({ job, sealed }: Taken, state: "DONE" | "FAILED", outcome: string): Promise<void> {
    await this.lease.run(
      `update tenantry.jobs set state = $2, outcome = $3, sealed = null, ended_at = clock_timestamp(), phase = null,
         tenant_id = (select id from tenantry.tenants where id = $4) where id = $1`,
      [job.id, state, outcome, sealed?.tenantId ?? null],
    );
    await this.#letGo(job);
  }

  /**
   * Leaves a job to be done later.
   * @param isUntried whether that is as if it had not been begun
   */
  async putBack({ job }: Taken, isUntried: boolean): Promise<void> {
    await this.lease.run(
      "update tenantry.jobs set state = 'QUEUED', attempts = attempts - $2::int, phase = null, done = null, total = null where id = $1",
      [job.id, Number(isUntried)],
    );
    await this.#letGo(job);
  }

  /**
   * Forgets what ended long ago. A tenant that somebody made by signing up stays noted as long as it is there: it counts among
   * those that they may have.
   */
  async forgetEnded(): Promise<void> {
    await this.lease.run(
      `delete from tenantry.jobs where ended_at < clock_timestamp() - make_interval(days => ${KEPT_DAYS})
         and (kind <> 'SIGN_UP' or state = 'FAILED')`,
    );
  }

  async close(): Promise<void> {
    this.lease.release();
    await this.connection.close();
  }

  async #isCancelled({ id }: Job): Promise<boolean> {
    const [row] = await this.lease.run(`select ${JOB_COLUMNS} from tenantry.jobs where id = $1`, [id]);
    return toJob(this.key, row!).cancelledBy !== null;
  }

  async #letGo({ id }: Job): Promise<void> {
    await this.lease.run(`select pg_advisory_unlock(${HELD})`, [id]);
  }

  #open(job: Job, bytes: unknown): Sealed | null {
    try {
      return open(this.key, job, Buffer.from(bytes as Uint8Array));
    } catch {
      return null;
    }
  }
}
