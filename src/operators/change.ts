import type { InputFieldMap } from "@pothos/core";
import type { z } from "zod";
import { SlugUnavailableFailure } from "../features/organizations/takeSlug.js";
import { Failure, type FailureMember, InvalidInputFailure, NotFoundFailure } from "../graphql/failure.js";
import type { ListedTenant } from "../tenancy/directory/listing.js";
import { JobOpenError } from "../tenancy/jobs/desk.js";
import type { Job as JobShape } from "../tenancy/jobs/job.js";
import { builder, type OperatorContext } from "./builder.js";
import { Job } from "./types.js";

export class JobOpenFailure extends Failure {
  override readonly name = "JobOpenFailure";
  readonly code = "JOB_OPEN";
}

export class JobStartedFailure extends Failure {
  override readonly name = "JobStartedFailure";
  readonly code = "JOB_STARTED";
}

export class JobEndedFailure extends Failure {
  override readonly name = "JobEndedFailure";
  readonly code = "JOB_ENDED";
}

const FailureInterface = builder.interfaceRef<FailureMember>("Failure").implement({
  description: "Something the caller can act on. Nothing was handed in, or cancelled.",
  resolveType: ({ __typename }) => __typename,
  fields: (t) => ({
    code: t.exposeString("code", { description: "Stable: what programs branch on." }),
    message: t.exposeString("message", { description: "Says what to do." }),
    field: t.stringList({
      nullable: true,
      description: "Path into the input; null when no single field is at fault.",
      resolve: ({ field }) => field as string[] | null,
    }),
  }),
});

const failures = (
  [
    [InvalidInputFailure, "A value cannot be taken as it is. `field` says which, `message` what would be right."],
    [NotFoundFailure, "There is no such tenant, or job, now."],
    [SlugUnavailableFailure, "The slug is in use, was in use, or is reserved. Choose another."],
    [
      JobOpenFailure,
      "Something else is still to be done with this tenant. Wait for it, or cancel it with `cancelJob`.",
    ],
    [
      JobStartedFailure,
      "A worker has begun the job: it cannot be cancelled. Wait for its end; `message` says what undoes it.",
    ],
    [JobEndedFailure, "The job has ended: there is nothing to cancel. `message` says what undoes it."],
  ] as const
).map(([failure, description]) => {
  const ref = builder.objectRef<FailureMember>(new failure("").name);
  ref.implement({ description, interfaces: [FailureInterface] } as never);
  return ref;
});

const Payload = builder.objectRef<{ readonly job: JobShape }>("JobPayload").implement({
  description: "What was handed in, or cancelled.",
  fields: (t) => ({
    job: t.field({ type: Job, description: "The job, to be asked about by its id.", resolve: ({ job }) => job }),
  }),
});

const Result = builder.unionType("JobResult", {
  description: "What every change answers: the job that was handed in, or cancelled, or why none was.",
  types: [Payload, ...failures] as never,
  resolveType: (value) => ("__typename" in (value as object) ? (value as FailureMember).__typename : "JobPayload"),
});

export type InputBuilder = Parameters<Parameters<typeof builder.inputType>[1]["fields"]>[0];

/** A field of the mutation: one `input`, checked by `form`, and a job in answer. */
export function change<Input>(
  name: string,
  options: {
    readonly description: string;
    readonly input: (t: InputBuilder) => InputFieldMap;
    readonly form: z.ZodType<Input>;
    readonly handIn: (input: Input, ctx: OperatorContext) => Promise<JobShape>;
  },
): void {
  const title = name[0]!.toUpperCase() + name.slice(1);
  const input = builder.inputType(`${title}Input`, { description: `What \`${name}\` takes.`, fields: options.input });
  builder.mutationField(name, (t) =>
    t.field({
      type: Result as never,
      nullable: true,
      description: options.description,
      args: { input: t.arg({ type: input as never, required: true, description: "What to do." }) },
      resolve: async (_root, args, ctx) => {
        try {
          const { success, data, error } = options.form.safeParse(args.input);
          if (success) return { job: await options.handIn(data, ctx) } as never;
          const [issue] = error.issues;
          throw new InvalidInputFailure(issue!.message, ["input", ...issue!.path.map(String)]);
        } catch (error) {
          if (error instanceof Failure) return error.toMember() as never;
          if (error instanceof JobOpenError)
            return new JobOpenFailure(`${error.message} Wait for it, or cancel it with \`cancelJob\`, and ask again.`, [
              "input",
              "slug",
            ]).toMember() as never;
          throw error;
        }
      },
    }),
  );
}

/** @throws NotFoundFailure */
export async function getTenant({ listing }: OperatorContext, slug: string): Promise<ListedTenant> {
  const tenant = await listing.find(slug);
  if (tenant) return tenant;
  throw new NotFoundFailure(`There is no tenant ${slug} now. \`tenants\` lists them.`, ["input", "slug"]);
}
