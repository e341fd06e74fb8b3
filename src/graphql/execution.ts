import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { AnswerLostError } from "../database/errors.js";
import type { IdentityError } from "../identity/errors.js";
import { admission, coded } from "./admission.js";
import { asText } from "./asked.js";
import type { Context } from "./context.js";
import { Documents } from "./documents.js";
import { type ExecuteArgs, execute as executeCompiled } from "./executor/execute.js";
import { bytesCompiled } from "./executor/kept.js";
import { isTooLarge, Size } from "./executor/size.js";
import { errorAt, foresee, namedIn, wantedAhead } from "./foresight.js";
import { withRoots } from "./introspection.js";
import type { DocumentLimits } from "./limits.js";
import { isAnsweredOutside, isIntrospection, isWithoutTenant, needsOf } from "./needs.js";
import { checkLengths, type Plan, type Root, withVariables } from "./plan.js";
import { bytesPlanned, planOf } from "./plans.js";
import { isTransient, withoutStatus } from "./present.js";

export interface Settings {
  readonly limits: DocumentLimits;
  /** The schema that introspection shows to a caller. */
  readonly visible: (ctx: Context) => Promise<GraphQLSchema>;
  /** Says why the viewer was denied what they were, in the errors' extensions. */
  readonly explain: (ctx: Context, errors: readonly GraphQLError[]) => Promise<readonly GraphQLError[]>;
  /** Ours, unless another is being tried. */
  readonly execute?: Execute;
}

export type Execute = (args: ExecuteArgs) => ExecutionResult | PromiseLike<ExecutionResult>;

type Args = ExecutionArgs & { readonly contextValue: Context };

/**
 * Takes a document from its text to its answer: refuses hostile ones before they cost anything, parses and validates each
 * text once, and gives every operation the tenant sessions that it needs, and no longer than it needs them.
 */
export function execution(settings: Settings): Plugin<Context> {
  const documents = new Documents(settings.limits);
  const count = ({ schema, document }: ExecutionArgs) =>
    documents.count(document, bytesPlanned(document) + bytesCompiled(schema, document));
  return {
    ...admission(settings.limits, documents),
    onExecute({ setExecuteFn, args }) {
      const asked = args as unknown as Args;
      setExecuteFn(() => run(asked, settings).finally(() => count(asked)));
    },
  };
}

async function run(args: Args, settings: Settings): Promise<ExecutionResult> {
  const { contextValue: ctx } = args;
  try {
    ctx.deadline.start();
    let told = await tell(args, settings);
    // Nothing of it has left, a query changes nothing, and a change is not made again.
    while (ctx.operation.mustAskAgain()) told = await tell(args, settings);
    return told;
  } finally {
    ctx.deadline.stop();
    // What was read is read: the answer does not wait for the session's end.
    void ctx.operation.end();
  }
}

async function tell(args: Args, settings: Settings): Promise<ExecutionResult> {
  const { contextValue: ctx } = args;
  const result = await answer(args, settings);
  if (!ctx.explains || !result.errors) return result;
  // What is answered stays answered, also where the reason for a denial cannot be read.
  return { ...result, errors: await settings.explain(ctx, result.errors).catch(() => result.errors!) };
}

/** What was answered in parts, in the order in which it was asked for; null where a part is, for then all is. */
function joined(roots: readonly Root[], one: ExecutionResult["data"], other: ExecutionResult["data"]) {
  if (!one || !other) return null;
  const all = { ...one, ...other };
  return Object.fromEntries(roots.filter(({ key }) => key in all).map(({ key }) => [key, all[key]]));
}

/** What of an operation is about the token alone; in place of all else, why there is no tenant to read it in. */
async function answerOutside(
  args: Args,
  settings: Settings,
  { operation, roots }: Plan,
  { message, code }: IdentityError,
) {
  const refused = new Map(roots.filter((root) => !isWithoutTenant(root)).map((root) => [root.key, root]));
  const own = withRoots(args.document, operation, roots.filter(isWithoutTenant), args.schema);
  const { data, errors } = await answer({ ...args, document: own }, settings);
  const none = Object.fromEntries([...refused.keys()].map((key) => [key, null]));
  // Without the status of a refused request, which this one is not.
  const why = new GraphQLError(message, { extensions: { code } });
  return {
    data: joined(roots, data, none),
    errors: join(
      errors,
      [...refused.values()].map(({ key, node }) => errorAt(node, [key], why)),
    ),
  };
}

async function answer(args: Args, settings: Settings): Promise<ExecutionResult> {
  const { document, operationName, variableValues, contextValue: ctx, schema } = args;
  const { limits, visible, execute: given = executeCompiled } = settings;
  const operation = getOperationAST(document, operationName)!;
  const definitions = operation.variableDefinitions ?? [];
  // Each error repeats the whole value, so that the second is not worth its price.
  const { errors, coerced } = getVariableValues(schema, definitions, variableValues ?? {}, {
    maxErrors: 1,
    hideSuggestions: true,
  });
  if (errors) return { errors: [coded(errors[0]!, "BAD_USER_INPUT")] };

  const size = new Size(limits);
  // Whatever is read for the answer counts with it.
  ctx.operation.size = size;
  const execute = (from: GraphQLSchema, asked: DocumentNode, size: Size) =>
    given({ schema: from, document: asked, operationName, contextValue: ctx, variableValues, size });
  const part = (from: GraphQLSchema, some: readonly Root[], size: Size) =>
    execute(from, withRoots(document, operation, some, from), size);
  let plan: Plan | null = null;
  try {
    plan = withVariables(planOf(schema, document, operation), coerced);
    const { roots } = plan;
    const needs = needsOf(plan);
    checkLengths(plan, coerced);
    // Before the operation holds a session of its own, so that none is ever waited for while holding another.
    // Where one of them cannot be read, that is for the field to say which asks for them.
    if (needs.choices && needs.tenant) await ctx.choices().catch(() => {});
    const isChange = operation.operation === "mutation";
    // The only field of a mutation is judged where it runs.
    let question: string | null = null;
    const isForeseen = needs.tenant && (!isChange || roots.length > 1);
    if (isForeseen) {
      const named = namedIn(plan, coerced);
      // Who wants to be told why asks for more than the document does.
      const expected = ctx.explains ? 0 : plan.before.statements;
      if (isChange) await ctx.operation.read(named);
      else {
        const isWhole = !ctx.explains && !needs.introspection && !needs.identity;
        question = isWhole ? `${plan.before.nth} ${JSON.stringify(variableValues ?? {})}` : null;
        const wanted = wantedAhead(plan, coerced);
        const body = await ctx.operation.query(named, { fields: plan.fields, expected, wanted, question });
        if (body !== null) {
          ctx.onRemembered?.(question!);
          return asText(body);
        }
      }
      const stopped = foresee(plan, coerced, ctx);
      if (stopped) return stopped;
      if (isChange) await ctx.operation.end();
    }
    // Asked again, a document must come to the same change; and who wants to be told why asks for more than it does.
    ctx.operation.isAnsweredAhead = plan.before.isAhead && isChange && roots.length === 1 && !ctx.explains;
    if (!needs.introspection) {
      const result = await execute(schema, document, size);
      if (isChange) {
        if (ctx.operation.mustAskAgain()) plan.before.isAhead = false;
        return afterCommit(result, ctx.operation.isChanged);
      }
      plan.before.statements = Math.max(plan.before.statements, ctx.operation.statements);
      const told = ctx.operation.remember(result);
      if (told !== result) ctx.onRemembered?.(question!);
      return told;
    }

    const own = roots.filter((root) => !isIntrospection(root));
    const data = await part(schema, own, size);
    const shown = await part(await visible(ctx), roots.filter(isIntrospection), new Size(limits));
    return { data: joined(roots, data.data, shown.data), errors: join(data.errors, shown.errors) };
  } catch (error) {
    if (plan && isAnsweredOutside(error, plan)) return answerOutside(args, settings, plan, error);
    return {
      errors: [error instanceof GraphQLError ? error : new GraphQLError("", { originalError: error as Error })],
    };
  }
}

/**
 * Below its root field a mutation is an answer: what fails there comes after the commit, and undoes nothing. A request of which
 * something was done is none that was refused, whatever became of the rest. What is read beside a failure follows nothing that was done.
 */
function afterCommit({ errors, ...result }: ExecutionResult, isChanged: boolean): ExecutionResult {
  if (!errors) return result;
  const isAnswered = Object.values(result.data ?? {}).some((value) => value !== null);
  const told = errors.map((error) => {
    const isBelow = (error.path?.length ?? 0) > 1;
    if (isChanged && ((isBelow && isTransient(error)) || isTooLarge(error)))
      return new GraphQLError("", { nodes: error.nodes, path: error.path, originalError: new AnswerLostError(error) });
    return isBelow || isAnswered ? withoutStatus(error) : error;
  });
  return { ...result, errors: told };
}

const join = (a: readonly GraphQLError[] = [], b: readonly GraphQLError[] = []) =>
  a.length + b.length > 0 ? [...a, ...b] : undefined;
