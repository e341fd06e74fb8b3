import {
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLResolveInfo,
  getArgumentValues,
} from "graphql";
import type { Ahead, WantedAhead } from "./ahead.js";
import type { Context } from "./context.js";
import { NotFoundFailure } from "./failure.js";
import { findsOf } from "./guard.js";
import { type Name, namesIn, valueIn } from "./named.js";
import { MOST_IDS } from "./nodeId.js";
import type { Plan, Root, Variables } from "./plan.js";
import { namedBy } from "./verdict.js";

/** What becomes of a root field, where that is decided before it runs. */
interface Decided {
  readonly value: unknown;
  readonly errors: readonly GraphQLError[];
}

/** Everything that the access of an operation has to tell where it stands, by the ids that its arguments name. */
export function namedIn(plan: Plan, variables: Variables): Name[] {
  return [
    ...plan.guarded.flatMap(({ node, guards }) =>
      [...guards.values()]
        .filter(({ rule }) => rule.kind === "may" && rule.where.from === "args")
        .flatMap((guard) => namedBy(guard.rule, argsOf(guard.field, node, plan, variables) ?? {})),
    ),
    ...plan.roots.flatMap((root) => foundBy(root, plan, variables)?.names ?? []),
  ];
}

/** What the root fields of a query read first, whatever the viewer may do. */
export function wantedAhead(plan: Plan, variables: Variables): WantedAhead {
  const wanted = new Map<Ahead, Set<string>>();
  for (const { field, node } of plan.roots) {
    const what = field?.extensions.ahead as Ahead | undefined;
    const args = field && what && argsOf(field, node, plan, variables);
    const key = args ? what.keyOf(args) : null;
    if (!what || key === null) continue;
    const keys = wanted.get(what);
    if (keys) keys.add(key);
    else wanted.set(what, new Set([key]));
  }
  return wanted;
}

/**
 * Judges before anything runs what the document, its variables and the access decide. It only ever refuses; what it lets
 * pass is judged again where it runs, each field of a mutation in its own transaction.
 * @returns the answer of a mutation of which a field is refused, and of a query of which all is; null for what may run
 */
export function foresee(plan: Plan, variables: Variables, ctx: Context): ExecutionResult | null {
  const roots = [...new Map(plan.roots.map((root) => [root.key, root])).values()];
  const decided = roots.map((root) => ({ root, answer: decide(root, plan, variables, ctx) }));
  const errors = decided.flatMap(({ answer }) => answer?.errors ?? []);
  const isStopped =
    plan.operation.operation === "mutation" ? errors.length > 0 : decided.every(({ answer }) => answer !== null);
  if (!isStopped) return null;

  const spared = decided
    .filter(({ answer }) => answer === null)
    .map(({ root }) => errorAt(root.node, [root.key], NOT_RUN));
  const data = Object.fromEntries(decided.map(({ root, answer }) => [root.key, answer?.value ?? null]));
  return { data, ...(errors.length > 0 && { errors: [...errors, ...spared] }) };
}

const NOT_RUN = new GraphQLError("Not run: another field of this document was refused.", {
  extensions: { code: "NOT_RUN" },
});

/** Null for what is still open. */
function decide(root: Root, plan: Plan, variables: Variables, ctx: Context): Decided | null {
  if (root.node.name.value === "__typename") return { value: [...root.on][0], errors: [] };
  const [guard] = root.guards.values();
  if (guard) {
    const args = argsOf(guard.field, root.node, plan, variables);
    const verdict = args && guard.shield.executeRule(undefined, args, ctx, NO_INFO, {});
    // What a mutation does not find is a failure of its own field, and stops nobody else.
    if (verdict instanceof NotFoundFailure) return plan.operation.operation === "query" ? NOTHING : null;
    if (verdict instanceof GraphQLError) return { value: null, errors: [errorAt(root.node, [root.key], verdict)] };
  }
  return decideFound(root, plan, variables, ctx);
}

const NO_INFO = {} as GraphQLResolveInfo;
const NOTHING: Decided = { value: null, errors: [] };

/** What a root finds by id, where nothing is asked of it but what the viewer may not know. */
function decideFound(root: Root, plan: Plan, variables: Variables, ctx: Context): Decided | null {
  const { scope } = ctx.operation;
  const found = scope && foundBy(root, plan, variables);
  if (!found) return null;
  const answers = found.names.map((name, index): Decided | null => {
    const place = scope.named.get(name)?.place;
    if (!place || !scope.access.sees(place)) return NOTHING;
    const errors: GraphQLError[] = [];
    for (const { node, guard, key } of found.below) {
      const args = argsOf(guard.field, node, plan, variables);
      const verdict = args && guard.shield.executeRule(place, args, ctx, NO_INFO, {});
      if (!(verdict instanceof GraphQLError)) return null;
      errors.push(errorAt(node, [root.key, ...(found.isList ? [index] : []), key], verdict));
    }
    return { value: Object.fromEntries(found.below.map(({ key }) => [key, null])), errors };
  });
  if (answers.includes(null)) return null;
  const values = answers.map((answer) => answer!.value);
  return { value: found.isList ? values : values[0], errors: answers.flatMap((answer) => answer!.errors) };
}

/** Organizations that a root finds by their ids, of which nothing is asked but fields with a rule; null for any other root. */
function foundBy({ key: rootKey, field, node: rootNode }: Root, plan: Plan, variables: Variables) {
  const finds = field && findsOf(field);
  const args = finds && argsOf(field, rootNode, plan, variables);
  const names = args && namesIn(args, finds, "Organization");
  if (!names || names.length > MOST_IDS) return null;
  const asked = plan.below.filter(({ path, on }) => path[0] === rootKey && on.has("Organization"));
  const below = [...new Map(asked.map((one) => [one.path[1]!, one]))].flatMap(([key, { node, guards }]) => {
    const guard = guards.get("Organization");
    return guard ? [{ key, node, guard }] : [];
  });
  const isOnlyGuarded = below.length > 0 && asked.every(({ guards }) => guards.has("Organization"));
  return isOnlyGuarded ? { names, below, isList: Array.isArray(valueIn(args, finds)) } : null;
}

/**
 * The arguments of a field. Null where they cannot be taken, which a query says where it runs.
 * @throws GraphQLError in a mutation, of which then nothing is run
 */
function argsOf(field: GraphQLField<unknown, unknown>, node: FieldNode, plan: Plan, variables: Variables) {
  try {
    return getArgumentValues(field, node, variables);
  } catch (error) {
    if (plan.operation.operation === "mutation") throw error;
    return null;
  }
}

export const errorAt = (node: FieldNode, path: readonly (string | number)[], { message, extensions }: GraphQLError) =>
  new GraphQLError(message, { nodes: node, path, extensions });
