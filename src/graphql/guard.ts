import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from "graphql";
import type { Purpose } from "../tenancy/session.js";
import type { Answering } from "./answering.js";
import type { Context } from "./context.js";
import { ForbiddenError } from "./errors.js";
import { Failure, NotFoundFailure } from "./failure.js";
import { gateFor, passes, setGate } from "./gate.js";
import { isGiven } from "./named.js";
import type { Finds, Policy, Rule, Where } from "./policy.js";
import { namedBy, type ShieldRule, toShield, type Verdict } from "./verdict.js";

/**
 * Puts every rule in front of the field it guards, and leaves all other fields as they are. Changes the schema in place.
 * @returns the rules that can deny, by the coordinate of their field
 * @throws Error that names every field without a rule, every rule without a field, and what to write instead
 */
export function guard(schema: GraphQLSchema, policies: readonly Policy[]): ReadonlyMap<string, Rule> {
  const problems: string[] = [];
  const rules = collect(policies, problems);
  problems.push(...uncovered(schema, rules), ...misplaced(schema, rules));
  if (problems.length > 0) throw new Error(`The policy does not fit the schema:\n- ${problems.join("\n- ")}`);

  const guarded = new Map<string, Rule>();
  for (const [coordinate, rule] of rules.fields) {
    const [type, name] = coordinate.split(".") as [string, string];
    const field = (schema.getType(type) as GraphQLObjectType).getFields()[name]!;
    if ("finds" in rule && rule.finds) FINDS.set(field, rule.finds);
    if (!denies(rule) && type !== schema.getMutationType()?.name) continue;
    const shield = toShield(coordinate, rule);
    GUARDS.set(field, { field, rule, shield });
    const judged = behind(rule, shield, field);
    field.resolve = type === schema.getMutationType()?.name ? asChange(field, rule, judged) : judged;
    guarded.set(coordinate, rule);
  }
  return guarded;
}

/** What stands in front of a field. */
export interface Guard {
  readonly field: GraphQLField<unknown, unknown>;
  readonly rule: Rule;
  readonly shield: ShieldRule;
}

const GUARDS = new WeakMap<object, Guard>();
const FINDS = new WeakMap<object, Finds>();

/** For whoever judges before anything runs; undefined where nothing stands in front of the field. */
export const guardOf = (field: GraphQLField<unknown, unknown>): Guard | undefined => GUARDS.get(field);

/** Where the arguments of a field name what it answers; undefined where they do not. */
export const findsOf = (field: GraphQLField<unknown, unknown>): Finds | undefined => FINDS.get(field);

interface Rules {
  readonly fields: ReadonlyMap<string, Rule>;
  readonly inherited: ReadonlySet<string>;
}

/** Every rule by the coordinate of its field, `Organization.memberships`, from all features. */
function collect(policies: readonly Policy[], problems: string[]): Rules {
  const fields = new Map<string, Rule>();
  const inherited = new Set<string>();
  for (const policy of policies) {
    for (const [type, rules] of Object.entries(policy)) {
      if (rules === "inherited") inherited.add(type);
      else {
        for (const [field, rule] of Object.entries(rules)) {
          const coordinate = `${type}.${field}`;
          if (fields.has(coordinate)) problems.push(`${coordinate} has two rules. Keep one.`);
          fields.set(coordinate, rule);
        }
      }
    }
  }
  return { fields, inherited };
}

/** Fields that nobody decided about. */
function uncovered(schema: GraphQLSchema, rules: Rules): string[] {
  return objectTypes(schema).flatMap((type) => {
    if (rules.inherited.has(type.name) || isCarrier(schema, type)) return [];
    return Object.keys(type.getFields())
      .filter((field) => !rules.fields.has(`${type.name}.${field}`))
      .map(
        (field) => `${type.name}.${field} has no rule. Write one in the policy of its feature, or list it as visible.`,
      );
  });
}

/** Rules that would guard nothing, or take down more than their own field. */
function misplaced(schema: GraphQLSchema, rules: Rules): string[] {
  const problems: string[] = [];
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  for (const name of rules.inherited) {
    const type = schema.getType(name);
    if (!type) problems.push(`${name} is inherited and does not exist. Remove it from the policy.`);
    else if (!isObjectType(type))
      problems.push(
        `${name} is not an object type, and its policy would guard nothing. Write rules on the types that implement it.`,
      );
    else if (roots.includes(type))
      problems.push(`${name} is where a request begins and inherits from nobody. Give each of its fields a rule.`);
    else if (isNode(type))
      problems.push(
        `${name} is reached by node(id) and cannot be inherited. Give each of its fields a rule, or list it as visible.`,
      );
  }
  for (const [coordinate, rule] of rules.fields) {
    const [name, fieldName] = coordinate.split(".") as [string, string];
    const type = schema.getType(name);
    if (!type) problems.push(`${coordinate} has a rule and does not exist. Remove the rule.`);
    else if (!isObjectType(type))
      problems.push(
        `${coordinate} has a rule, but ${name} is not an object type, so nothing would enforce it. Write it on the types that implement ${name}.`,
      );
    else if (rules.inherited.has(name))
      problems.push(`${name} is inherited, and ${coordinate} has a rule as well. Keep one of the two.`);
    else {
      const field = type.getFields()[fieldName];
      if (!field) problems.push(`${coordinate} has a rule and does not exist. Remove the rule.`);
      else if (rule.kind === "visible" && roots.includes(type))
        problems.push(
          `${coordinate} is where a request begins: there is no row that could be visible. Give it a rule.`,
        );
      else if (denies(rule) && isNonNullType(field.type))
        problems.push(
          `${coordinate} has a rule and is not nullable: a denial would take down what is around it. Make it nullable.`,
        );
      else if ("finds" in rule && rule.finds && !hasArgument(field, rule.finds))
        problems.push(`${coordinate} finds what ${rule.finds.join(".")} names, which is not among its arguments.`);
      else if (rule.kind === "may") {
        if (rule.self && !hasArgument(field, rule.self))
          problems.push(`${coordinate} has a rule about ${rule.self.join(".")}, which is not among its arguments.`);
        if (rule.withdrawsBy && !hasArgument(field, rule.withdrawsBy))
          problems.push(`${coordinate} withdraws by ${rule.withdrawsBy.join(".")}, which is not among its arguments.`);
        for (const { where } of rule.also ? [rule, rule.also] : [rule])
          problems.push(...astray(coordinate, where, field, roots.includes(type)));
      }
    }
  }
  return problems;
}

/** Why a rule would not find the organization that it asks about. */
function astray(coordinate: string, where: Where, field: GraphQLField<unknown, unknown>, isRoot: boolean): string[] {
  if (where.from === "source" && isRoot)
    return [`${coordinate} has a rule about its source, and where a request begins there is none. Name an argument.`];
  if (where.from === "args" && !isRoot)
    return [
      `${coordinate} has a rule about its arguments, which are looked up where a request begins only. Ask about its source.`,
    ];
  if (where.from === "args" && !hasArgument(field, where.path))
    return [`${coordinate} has a rule about ${where.path.join(".")}, which is not among its arguments.`];
  return [];
}

type Resolve = GraphQLFieldResolver<unknown, Context>;

/** What a field answers once its rule has let it through. */
function behind(rule: Rule, shield: ShieldRule, field: GraphQLField<unknown, Context>): Resolve {
  const resolve = field.resolve ?? defaultFieldResolver;
  const judged: Resolve = (source, args, ctx, info) => {
    const verdict = shield.executeRule(source, args, ctx, info, {});
    return verdict === true ? resolve(source, args, ctx, info) : refuse(verdict, info);
  };
  if (rule.kind !== "may" || rule.where.from !== "source" || rule.also) return judged;
  // Whoever is let through is judged once for all fields of a row; whoever is not is told why by the rule itself.
  const gate = gateFor(rule);
  if (resolve === defaultFieldResolver && field.args.length === 0) setGate(field, gate);
  return (source, args, ctx, info) =>
    passes(gate, source, ctx) ? resolve(source, args, ctx, info) : judged(source, args, ctx, info);
}

/** Ends a field that its rule did not let through. What a query names and does not find is null; a change says so. */
function refuse(verdict: Verdict, { operation, parentType, fieldName }: GraphQLResolveInfo): null {
  if (operation.operation === "query" && verdict instanceof NotFoundFailure) return null;
  throw verdict instanceof Error ? verdict : new ForbiddenError(`${parentType.name}.${fieldName}`, null);
}

/** A root field of a mutation: judged inside the transaction that changes, on access that was read after its lock. */
function asChange(field: GraphQLField<unknown, Context>, rule: Rule, judged: Resolve): Resolve {
  const result = getNamedType(field.type);
  const answering = field.extensions.answering as Answering | undefined;
  const failures = new Set(isUnionType(result) ? result.getTypes().map((type) => type.name) : []);
  return async (source, args, ctx, info) => {
    const purpose = purposeOf(rule, args);
    const run = async () => judged(source, args, ctx, info);
    try {
      // What needs no tenant has no transaction of one.
      return await (rule.kind === "identified"
        ? run()
        : ctx.operation.change(purpose, namedBy(rule, args), run, answering));
    } catch (error) {
      if (error instanceof Failure && failures.has(error.name)) return error.toMember();
      throw error;
    }
  };
}

function purposeOf(rule: Rule, args: unknown): Purpose {
  if (rule.kind === "may" && rule.withdrawsBy && !isGiven(args, rule.withdrawsBy)) return "change";
  return ("purpose" in rule && rule.purpose) || "change";
}

const denies = ({ kind }: Rule): boolean => kind === "may" || kind === "signedIn" || kind === "identified";

const objectTypes = (schema: GraphQLSchema): GraphQLObjectType[] =>
  Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith("__"),
  );

const isNode = (type: GraphQLObjectType): boolean => type.getInterfaces().some(({ name }) => name === "Node");

/**
 * Types that hold nothing of their own: pages of a list, results of a change, failures. Known by how they are reached, not
 * by their names.
 */
function isCarrier(schema: GraphQLSchema, type: GraphQLObjectType): boolean {
  if (type.name === "PageInfo" || type.getInterfaces().some(({ name }) => name === "Failure")) return true;
  const fields = Object.keys(type.getFields()).sort().join();
  if (fields === "edges,nodes,pageInfo" || fields === "cursor,node") return true;
  const results = Object.values(schema.getMutationType()?.getFields() ?? {}).map((field) => getNamedType(field.type));
  return results.some((result) => isUnionType(result) && result.getTypes()[0] === type);
}

function hasArgument(field: GraphQLField<unknown, unknown>, path: readonly string[]): boolean {
  let inputs: readonly { name: string; type: unknown }[] = field.args;
  for (const key of path) {
    const input = inputs.find(({ name }) => name === key);
    if (!input) return false;
    const type = getNamedType(input.type as never) as unknown as {
      getFields?: () => Record<string, { name: string; type: unknown }>;
    };
    inputs = Object.values(type.getFields?.() ?? {});
  }
  return true;
}
