import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
} from "graphql";
import type { Context } from "./context.js";
import { NotFoundFailure } from "./failure.js";
import { ruleOf } from "./guard.js";
import type { Root } from "./roots.js";
import { namedBy } from "./verdict.js";

/**
 * Judges every root field of a mutation before any of them runs, by what the document and its variables say: with one that
 * is forbidden, none runs. It only ever refuses; what it lets pass is judged again inside each field's own transaction.
 * @returns the answer of a refused document, null for one that may run
 */
export async function foresee(
  schema: GraphQLSchema,
  roots: readonly Root[],
  variables: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<ExecutionResult | null> {
  const planned = roots.flatMap(({ key, node }) => {
    const field = schema.getMutationType()?.getFields()[node.name.value];
    const guarded = field && ruleOf(field);
    return guarded ? [{ key, node, ...guarded, args: getArgumentValues(field, node, variables) }] : [];
  });
  await ctx.operation.read(planned.flatMap(({ rule, args }) => namedBy(rule, args)));
  const refused = planned.flatMap(({ key, node, shield, args }) => {
    const verdict = shield.executeRule(undefined, args, ctx, {} as GraphQLResolveInfo, {});
    // What is not found is a failure of its own field, and stops nobody else.
    if (verdict === true || verdict instanceof NotFoundFailure || !(verdict instanceof GraphQLError)) return [];
    return [new GraphQLError(verdict.message, { nodes: node, path: [key], extensions: verdict.extensions })];
  });
  await ctx.operation.end();
  if (refused.length === 0) return null;

  const keys = new Set(refused.map((error) => error.path?.[0]));
  const spared = planned
    .filter(({ key }) => !keys.has(key))
    .map(
      ({ key, node }) =>
        new GraphQLError("Not run: another field of this document was refused.", {
          nodes: node,
          path: [key],
          extensions: { code: "NOT_RUN" },
        }),
    );
  return { data: Object.fromEntries(roots.map(({ key }) => [key, null])), errors: [...refused, ...spared] };
}
