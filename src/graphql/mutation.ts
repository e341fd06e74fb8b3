import type { InputFieldMap, ObjectRef } from "@pothos/core";
import type { z } from "zod";
import type { Ahead } from "./ahead.js";
import type { Answering } from "./answering.js";
import { builder } from "./builder.js";
import type { Context } from "./context.js";
import { type Failure, type FailureMember, InvalidInputFailure, NotFoundFailure } from "./failure.js";

export const FailureInterface = builder.interfaceRef<FailureMember>("Failure").implement({
  description: "Something the caller can act on. Every member of a result that is not the payload.",
  resolveType: (failure) => failure.__typename,
  fields: (t) => ({
    code: t.exposeString("code", { description: "Stable: what programs branch on." }),
    message: t.exposeString("message", { description: "Says what to do." }),
    field: t.stringList({
      nullable: true,
      description: "Path into the input; null when no single field is at fault.",
      resolve: (failure) => failure.field as string[] | null,
    }),
  }),
});

type FailureClass = new (message: string, field?: readonly string[]) => Failure;
const types = new Map<FailureClass, ObjectRef<never, FailureMember>>();

type OwnFields<Member> = NonNullable<
  Parameters<ReturnType<typeof builder.objectRef<Member>>["implement"]>[0]["fields"]
>;

/** Declares a failure as a type of the schema, once; with fields of its own where it says more than every failure does. */
export function failureType<Member extends FailureMember = FailureMember>(
  failure: FailureClass,
  description: string,
  fields?: OwnFields<Member>,
): void {
  const { name } = new failure("");
  const ref = builder.objectRef<Member>(name);
  ref.implement({ description, interfaces: [FailureInterface], ...(fields && { fields }) } as never);
  types.set(failure, ref as never);
}

failureType(
  InvalidInputFailure,
  "A value cannot be taken as it is. `field` says which, `message` what would be right.",
);
failureType(NotFoundFailure, "What the input names does not exist, or is not visible to the caller.");

/** What a payload holds, read once it is changed: null in place of what the viewer does not see, or not any more. */
export interface MutationPayload<Payload> {
  readonly description: string;
  readonly fields: OwnFields<Payload>;
  /** What is likely to be read for them. */
  readonly ahead?: Ahead;
  /** As `Answering` has it; never, where it is left out. */
  readonly keepsAccess?: Answering["keepsAccess"];
}

type InputBuilder = Parameters<Parameters<typeof builder.inputType>[1]["fields"]>[0];

/**
 * A root field of the mutation: one `input`, checked by `form`, and one result union whose first member is the payload.
 * `change` runs inside the transaction that the guard opened.
 * @returns its input, for a mutation that makes many such changes at once
 */
export function mutation<Input, Payload extends object>(
  name: string,
  options: {
    readonly description: string;
    readonly input: (t: InputBuilder) => InputFieldMap;
    readonly form: z.ZodType<Input>;
    readonly payload: MutationPayload<Payload>;
    readonly failures: readonly FailureClass[];
    readonly change: (input: Input, ctx: Context) => Promise<Payload>;
  },
): ReturnType<typeof builder.inputType> {
  const title = name[0]!.toUpperCase() + name.slice(1);
  const input = builder.inputType(`${title}Input`, { description: `What \`${name}\` takes.`, fields: options.input });
  const payload = builder.objectRef<Payload>(`${title}Payload`);
  const { ahead, keepsAccess, ...shown } = options.payload;
  const answering: Answering | undefined = ahead && { ahead, keepsAccess: keepsAccess ?? (() => false) };
  payload.implement(shown as never);
  const members = options.failures.map((failure) => types.get(failure)!);
  const result = builder.unionType(`${title}Result`, {
    description: `What \`${name}\` answers: the payload, or why nothing was changed.`,
    types: [payload, ...members] as never,
    resolveType: (value) => ("__typename" in value ? (value as FailureMember).__typename : `${title}Payload`),
  });
  builder.mutationField(name, (t) =>
    t.field({
      type: result as never,
      nullable: true,
      description: options.description,
      extensions: { answering },
      args: { input: t.arg({ type: input as never, required: true, description: "What to change." }) },
      resolve: async (_root, args, ctx) => options.change(check(options.form, args.input), ctx) as never,
    }),
  );
  return input;
}

/**
 * The input as the form understands it.
 * @throws InvalidInputFailure for the first value that cannot be taken, with its path
 */
function check<Input>(form: z.ZodType<Input>, input: unknown): Input {
  const { success, data, error } = form.safeParse(input);
  if (success) return data;
  const [issue] = error.issues;
  throw new InvalidInputFailure(issue!.message, ["input", ...issue!.path.map(String)]);
}
