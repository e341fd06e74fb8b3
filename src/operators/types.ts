import { JOB_KINDS, JOB_STATES } from "../tenancy/directory/jobs.js";
import { type ListedTenant, TENANT_STATUSES } from "../tenancy/directory/listing.js";
import type { Job as JobShape } from "../tenancy/jobs/job.js";
import { builder } from "./builder.js";

/** An enum of these values, each with its words. */
const enumOf = <Value extends string>(
  name: string,
  description: string,
  values: readonly Value[],
  words: Readonly<Record<Value, string>>,
) =>
  builder.enumType(name, {
    description,
    values: Object.fromEntries(values.map((value) => [value, { description: words[value] }])) as Record<
      Value,
      { description: string }
    >,
  });

export const TenantStatus = enumOf("TenantStatus", "Who gets into a tenant.", TENANT_STATUSES, {
  CREATING: "Nobody yet: it is being made.",
  ACTIVE: "Its people.",
  SUSPENDED: "Nobody, until it is resumed.",
  ERASING: "Nobody any more: it is being erased.",
});

export const Isolation = enumOf("Isolation", "How a tenant is kept apart.", ["SHARED", "SCHEMA", "DATABASE"], {
  SHARED: "By its id in every row.",
  SCHEMA: "By a schema of its own.",
  DATABASE: "By a database of its own.",
});

const JobKind = enumOf("JobKind", "What is to be done.", JOB_KINDS, {
  CREATE: "Make a tenant.",
  RENAME: "Give it another slug, another name, or both.",
  SUSPEND: "Let nobody in.",
  RESUME: "Let people in again.",
  MOVE: "Bring it to another home.",
  ERASE: "Remove everything of it.",
  SIGN_UP: "Make a tenant for somebody who signed up.",
});

export const JobState = enumOf("JobState", "How far a job is.", JOB_STATES, {
  QUEUED:
    "Nobody has begun it, or it was put back because others were at its tenant. With `cancelledBy`, nobody begins it any more.",
  RUNNING: "A worker is at it; one that was killed is followed by another.",
  DONE: "It is done.",
  FAILED: "It was not done, or not wholly: `outcome` says why.",
});

export const Tenant = builder.objectRef<ListedTenant>("Tenant").implement({
  description: "A customer of the product, and where it lives.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its uuid." }),
    slug: t.exposeString("slug", { description: "What it is called by requests." }),
    status: t.expose("status", { type: TenantStatus, description: "Who gets into it." }),
    isolation: t.expose("isolation", { type: Isolation, description: "How it is kept apart." }),
    database: t.exposeString("database", { description: "What the settings call the database it lives in." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
  }),
});

export const Job = builder.objectRef<JobShape>("Job").implement({
  description: "Something that was asked for, and what became of it.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "What to ask `job` about." }),
    kind: t.expose("kind", { type: JobKind, description: "What is to be done." }),
    slug: t.exposeString("slug", { description: "What the tenant was called when this was asked for." }),
    operator: t.exposeString("operator", {
      nullable: true,
      description: "Who asked, as the settings name them; null for somebody who signed up.",
    }),
    state: t.expose("state", { type: JobState, description: "How far it is." }),
    cancelledBy: t.exposeString("cancelledBy", {
      nullable: true,
      description:
        "Who cancelled it, as the settings name them: nobody has begun it, nor will. A worker ends it, as FAILED, within a second.",
    }),
    phase: t.exposeString("phase", { nullable: true, description: "What is being done at the moment, in words." }),
    done: t.exposeInt("done", { nullable: true, description: "How many of `total` are done, in this phase." }),
    total: t.exposeInt("total", { nullable: true, description: "Of how many; null where there is nothing to count." }),
    outcome: t.exposeString("outcome", { nullable: true, description: "What came of it, in words; null before." }),
    askedAt: t.expose("askedAt", { type: "DateTime", description: "When it was asked for." }),
    startedAt: t.expose("startedAt", {
      type: "DateTime",
      nullable: true,
      description: "When a worker first began it; null before.",
    }),
    endedAt: t.expose("endedAt", { type: "DateTime", nullable: true, description: "When it ended; null before." }),
  }),
});
