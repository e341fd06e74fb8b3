import type { Settings } from "../../config.js";
import { isAway, thrownByDriver } from "../../database/errors.js";
import { Clerk, type Taken } from "../../tenancy/jobs/clerk.js";
import type { Job } from "../../tenancy/jobs/job.js";
import { JobForgedError } from "../../tenancy/jobs/seal.js";
import { type Recovered, recoverOverdue } from "../../tenancy/move/recover.js";
import type { Owners } from "../../tenancy/owners.js";
import { TenantBusyError } from "../../tenancy/tenants/record.js";
import { isForPeople, RefusedError } from "../explain.js";
import { carryOut } from "./carryOut.js";

/** A job that kills its worker must not do so for ever. */
const MOST_ATTEMPTS = 5;
/** One that has waited for longer may be nobody's wish any more. */
const GOOD_FOR_MS = 7 * 86_400_000;
/** For how long a job is left alone when others are at its tenant, or its database is away. */
const LEFT_FOR_MS = 5000;
const FORGET_EACH_MS = 3_600_000;
/** A tenant whose move was interrupted may not be able to change anything until somebody looks. */
const RECOVER_EACH_MS = 60_000;

export interface WorkerOptions {
  readonly owners: Owners;
  readonly settings: Settings;
  /** Derived for the seals of jobs, 32 bytes. */
  readonly key: Buffer;
  readonly onBegin: (job: Job) => void;
  readonly onTold: (job: Job, phase: string, done?: number, of?: number) => void;
  readonly onEnd: (job: Job, state: "DONE" | "FAILED" | "QUEUED", outcome: string, fault: unknown) => void;
  /** What became of a move that nobody brought to its end, or of an old home that was to be kept no longer. */
  readonly onRecovered: (recovered: Recovered) => void;
}

/** Does jobs, one after the other. */
export class Worker {
  #clerk: Clerk | null = null;
  readonly #left = new Map<string, number>();
  #forgetsAt = 0;
  #recoversAt = 0;
  #isRecovering = false;

  constructor(private readonly options: WorkerOptions) {}

  /**
   * Does the next job, if there is one.
   * @returns what became of it: null when there was none, `QUEUED` when it was put back
   * @throws Error when the directory cannot be reached: the job, if one was begun, is taken again
   */
  async next(): Promise<"DONE" | "FAILED" | "QUEUED" | null> {
    const { owners, key } = this.options;
    try {
      this.#clerk ??= await Clerk.open(owners, key);
      await this.endCancelled();
      const now = performance.now();
      for (const [id, until] of this.#left) if (until < now) this.#left.delete(id);
      const taken = await this.#clerk.take([...this.#left.keys()]);
      if (taken) return await this.#do(this.#clerk, taken);
      if (now >= this.#forgetsAt) {
        await this.#clerk.forgetEnded();
        this.#forgetsAt = now + FORGET_EACH_MS;
      }
      await this.recover();
      return null;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends what was cancelled meanwhile: also to be called while a job is done, which may take long. */
  async endCancelled(): Promise<void> {
    for (const job of (await this.#clerk?.endCancelled()) ?? []) this.options.onEnd(job, "FAILED", job.outcome!, null);
  }

  /**
   * Each minute, brings to their end the moves that were interrupted: also to be called while a job is done. Does nothing while that is
   * under way.
   */
  async recover(): Promise<void> {
    if (this.#isRecovering || performance.now() < this.#recoversAt) return;
    this.#isRecovering = true;
    // Connections of its own, for those of the jobs may be at work.
    const owners = this.options.owners.apart();
    try {
      for (const one of await recoverOverdue(owners)) this.options.onRecovered(one);
      this.#recoversAt = performance.now() + RECOVER_EACH_MS;
    } finally {
      this.#isRecovering = false;
      await owners.close();
    }
  }

  async close(): Promise<void> {
    await this.#clerk?.close();
    this.#clerk = null;
  }

  async #do(clerk: Clerk, taken: Taken): Promise<"DONE" | "FAILED" | "QUEUED"> {
    const { job, attempts } = taken;
    const { onBegin, onEnd } = this.options;
    onBegin(job);
    try {
      const outcome = await this.#carryOut(clerk, taken);
      await clerk.end(taken, "DONE", outcome);
      onEnd(job, "DONE", outcome, null);
      return "DONE";
    } catch (thrown) {
      const error = thrownByDriver(thrown);
      const isBusy = error instanceof TenantBusyError;
      if (isBusy || (isAway(error) && attempts < MOST_ATTEMPTS)) {
        await clerk.putBack(taken, isBusy);
        this.#left.set(job.id, performance.now() + LEFT_FOR_MS);
        onEnd(job, "QUEUED", (error as Error).message, null);
        return "QUEUED";
      }
      // What others say may hold a statement, and the values in it.
      const words =
        isForPeople(error) || isAway(error)
          ? (error as Error).message
          : "Something went wrong. The worker's log has the rest.";
      await clerk.end(taken, "FAILED", words);
      onEnd(job, "FAILED", words, isForPeople(error) ? null : thrown);
      return "FAILED";
    }
  }

  async #carryOut(clerk: Clerk, { job, sealed, attempts }: Taken): Promise<string> {
    const { settings, onTold } = this.options;
    if (!sealed) throw new JobForgedError();
    if (attempts > MOST_ATTEMPTS)
      throw new RefusedError(`Given up: ${MOST_ATTEMPTS} workers ended in the middle of it.`);
    if (Date.now() - job.askedAt.getTime() > GOOD_FOR_MS)
      throw new RefusedError("Given up: it waited for more than a week. Ask for it again.");
    // Connections of its own, for those that were lost in a job before are not opened again.
    const owners = this.options.owners.apart();
    try {
      return await carryOut(sealed, {
        owners,
        settings,
        slug: job.slug,
        isAgain: attempts > 1,
        tell: (phase, done, of) => {
          clerk.tell(job.id, phase, done, of);
          onTold(job, phase, done, of);
        },
      });
    } finally {
      await owners.close();
    }
  }
}
