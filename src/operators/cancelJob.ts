import { z } from "zod";
import { NotFoundFailure } from "../graphql/failure.js";
import { isUuid } from "../ids.js";
import { JobBegunError } from "../tenancy/jobs/desk.js";
import type { Job, JobKind } from "../tenancy/jobs/job.js";
import { change, JobEndedFailure, JobStartedFailure } from "./change.js";

const UNDOES: Readonly<Record<JobKind, string>> = {
  CREATE: "`eraseTenant` removes the tenant.",
  SIGN_UP: "`eraseTenant` removes the tenant.",
  RENAME: "`renameTenant` gives it its former slug and name again.",
  SUSPEND: "`resumeTenant` lets people in again.",
  RESUME: "`suspendTenant` keeps people out again.",
  MOVE: "`moveTenant` brings it back.",
  ERASE: "Nothing undoes it.",
};

const AT = ["input", "id"];

function tooLate({ kind, state }: Job): JobStartedFailure | JobEndedFailure {
  const undone = UNDOES[kind];
  if (state === "FAILED") return new JobEndedFailure("It has failed: `outcome` says what was done of it.", AT);
  if (state === "DONE") return new JobEndedFailure(`It is done. ${undone}`, AT);
  return new JobStartedFailure(`A worker has begun it, and finishes what was begun. Wait for its end. ${undone}`, AT);
}

change("cancelJob", {
  description:
    "Takes back a job that nobody has begun: nobody begins it any more, and it ends as FAILED within a second of a worker's. Cancelling it again changes nothing.",
  input: (t) => ({ id: t.id({ required: true, description: "The job." }) }),
  form: z.object({ id: z.string() }),
  async handIn({ id }, { desk, asking }) {
    const job = isUuid(id)
      ? await desk.cancel(asking, id).catch((error) => {
          throw error instanceof JobBegunError ? tooLate(error.job) : error;
        })
      : null;
    if (job) return job;
    throw new NotFoundFailure("There is no job of this id now. `jobs` lists them.", AT);
  },
});
