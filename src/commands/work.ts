import { readSettings } from "../config.js";
import { describeFault } from "../graphql/present.js";
import { deriveKey } from "../identity/key.js";
import { JOBS_KEY } from "../tenancy/jobs/seal.js";
import type { Recovered } from "../tenancy/move/recover.js";
import { withOwnersOf } from "./database.js";
import { EXIT } from "./explain.js";
import { ownKey } from "./key.js";
import { openLog } from "./log.js";
import { print, progress } from "./progress.js";
import { sendMail } from "./work/mail.js";
import { stopping } from "./work/stopping.js";
import { Worker } from "./work/worker.js";

export interface WorkOptions {
  readonly once?: boolean;
  readonly json?: boolean;
}

const LOOK_EACH_MS = 500;

/** What is said of a move that nobody asked to be looked at. */
const RECOVERED: Partial<Record<Recovered["outcome"], string>> = {
  TAKEN_BACK: "a move was interrupted. It is in its old home, and nothing is left of the new one.",
  COMPLETED: "a move was interrupted. It is in its new home.",
  REMOVED: "the old home, which was to be kept no longer, is removed.",
};

/**
 * `tenantry work`: does what operators, and people who sign up, ask for, sends the mail that waits, and each minute brings
 * to their end moves that were interrupted and removes old homes that were kept for as long as they were to be. Asked to end, it takes
 * no more jobs and finishes the one at hand; when that takes too long, or this process is killed, the next worker goes on with it.
 */
export async function workCommand({ once, json }: WorkOptions): Promise<void> {
  const settings = readSettings(process.env);
  const log = openLog(settings.TENANTRY_LOG_LEVEL);
  const stop = stopping();
  const say = (line: string, data: object) => print(`${json ? JSON.stringify({ at: new Date(), ...data }) : line}\n`);
  let isWhole = true;
  await withOwnersOf(settings, async (owners) => {
    const installation = await ownKey(settings, owners);
    const key = deriveKey(installation, JOBS_KEY);
    let bar: { readonly phase: string; readonly tell: ReturnType<typeof progress> } | null = null;
    const worker = new Worker({
      owners,
      settings,
      key,
      onBegin: ({ id, kind, slug }) => say(`${kind} ${slug} …`, { job: id, kind, slug, state: "RUNNING" }),
      onTold: (_job, phase, done, of) => {
        if (done === undefined || of === undefined) return;
        if (bar?.phase !== phase) bar = { phase, tell: progress(phase) };
        bar.tell(done, of);
      },
      onEnd: ({ id, kind, slug }, state, outcome, fault) => {
        bar = null;
        say(`${kind} ${slug}: ${state}. ${outcome}`, { job: id, kind, slug, state, outcome });
        if (fault) log.error({ job: id, fault: describeFault(fault) }, "a job failed");
      },
      onRecovered: ({ slug, outcome, reason }) => {
        const words = RECOVERED[outcome];
        if (words) say(`${slug}: ${words}`, { slug, recovered: outcome });
        if (outcome !== "FAILED") return;
        isWhole = false;
        log.error({ slug, fault: describeFault(reason) }, "a move could not be brought to its end");
      },
    });
    const doJobs = async () => {
      while (!stop.isAsked) {
        const ended = await worker.next().catch((error) => {
          if (once) throw error;
          log.error({ fault: describeFault(error) }, "the directory cannot be reached");
          return null;
        });
        if (ended !== null && ended !== "DONE") isWhole = false;
        if (ended !== null) continue;
        if (once) break;
        await stop.orAfter(LOOK_EACH_MS);
      }
    };
    /** Does something over and over while a job is at hand, which may take hours. */
    const beside = async (work: () => Promise<void>) => {
      for (; !stop.isAsked && !once; await stop.orAfter(LOOK_EACH_MS))
        // Whoever does the jobs says that the directory is away.
        await work().catch(() => {});
    };
    try {
      await Promise.all([
        doJobs(),
        beside(() => worker.endCancelled()),
        beside(() => worker.recover()),
        sendMail({ settings, owners, key: installation, log, stop, once: once ?? false }),
      ]);
    } finally {
      await worker.close();
      stop.end();
    }
  });
  if (once && !isWhole) process.exitCode = EXIT.partly;
}
