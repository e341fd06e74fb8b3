import { execute, type GraphQLObjectType } from "graphql";
import type { BuiltInPermission } from "../../src/access/catalogue.js";
import { builder } from "../../src/graphql/builder.js";
import { guard } from "../../src/graphql/guard.js";
import { VisibleSchemas } from "../../src/graphql/introspection.js";
import { anyone, type Policy, type Rule, root, visible } from "../../src/graphql/policy.js";
import { type GuardedSchema, policies } from "../../src/schema.js";
import { PERMISSIONS } from "../oracle/facts.js";
import { GUARDED, openStage, verdictOn } from "../support/access.js";
import { changedPolicies, harmlessSchemaWith } from "../support/policies.js";
import { callersOf, isHiddenWithout, LOOK } from "../support/stage.js";

/** Whether to try every permission in place of each rule's own, and to say who noticed. */
const ALL = process.env.TENANTRY_RULES === "all";

const SIGNED_OUT = "the schema that is shown to who is signed out";

const decided = policies.flatMap((policy: Policy) =>
  Object.entries(policy).flatMap(([type, rules]) =>
    rules === "inherited" ? [] : Object.keys(rules).map((field) => `${type}.${field}`),
  ),
);
const inheriting = policies.flatMap((policy: Policy) =>
  Object.entries(policy).flatMap(([type, rules]) => (rules === "inherited" ? [type] : [])),
);

/** Everything that could be wrong about a rule, as a rule that has it wrong. */
function faultsOf(coordinate: string, rule: Rule): [fault: string, changed: Rule][] {
  const isRoot = /^(Query|Mutation)\./.test(coordinate);
  const deleted: [string, Rule] = ["deleted", isRoot ? anyone : visible("field").field];
  if (rule.kind !== "may") return [deleted];
  // Whoever sees such a thing holds what its rules ask for, and can look around there.
  const isImplied = (one: string) => isHiddenWithout(rule) && LOOK.includes(one);
  const others = PERMISSIONS.filter((one) => one !== rule.permission && !isImplied(one)) as BuiltInPermission[];
  const { besides, self, also, ...plain } = rule;
  return [
    deleted,
    ...(ALL ? others : others.slice(0, 1)).map((permission): [string, Rule] => [
      `asks for ${permission}`,
      { ...rule, permission },
    ]),
    ["the other reach", { ...rule, reach: rule.reach === "SUBTREE" ? "ORGANIZATION" : "SUBTREE" }],
    ...(rule.where.from === "root" ? [] : [["asks in the root", { ...rule, where: root }] as [string, Rule]]),
    ...(besides ? [["asks for nothing besides", { ...plain, ...(self && { self }) }] as [string, Rule]] : []),
    ...(self ? [["not about oneself", { ...plain, ...(besides && { besides }) }] as [string, Rule]] : []),
    ...(also ? [["asks on one side only", { ...plain, ...(besides && { besides }) }] as [string, Rule]] : []),
    ...(also
      ? faultsOf("Mutation.other", also).flatMap(([fault, changed]): [string, Rule][] =>
          changed.kind === "may" ? [[`on the other side ${fault}`, { ...rule, also: changed }]] : [],
        )
      : []),
  ];
}

describe("a policy without one of its rules", () => {
  const schema = builder.toSchema({ sortSchema: false });

  it.each(decided)("does not start: %s", (coordinate) => {
    expect(() => guard(schema, changedPolicies({ [coordinate]: null }))).toThrow(`${coordinate} has no rule.`);
  });

  it.each(inheriting)("does not start: %s", (type) => {
    const without = policies.map(({ [type as never]: _, ...rest }: Policy) => rest);

    expect(() => guard(schema, without)).toThrow(`- ${type}.`);
  });
});

describe("a rule", () => {
  let served: GuardedSchema;
  let opened: Awaited<ReturnType<typeof openStage>>;
  const caught: string[] = [];
  beforeAll(async () => {
    opened = await openStage({ execute: (args) => execute({ ...args, schema: served.schema }) });
  });
  afterAll(async () => {
    await opened.gateway.close();
    if (ALL) process.stderr.write(`\n${caught.join("\n")}\n${caught.length} wrong rules\n`);
  });

  /** Who is told anything else by a field than its rule should say; null where nobody is. */
  async function whoNotices(coordinate: string, rule: Rule, changed: Rule): Promise<string | null> {
    served = harmlessSchemaWith({ [coordinate]: changed });
    for (const kind of callersOf(rule)) {
      const { said, right } = await verdictOn(opened, coordinate, rule, kind);
      if (said !== right) return kind;
    }
    const [type, field] = coordinate.split(".") as [string, string];
    const shown = new VisibleSchemas(served.schema, served.rules).for(null).schema.getType(type) as
      | GraphQLObjectType
      | undefined;
    return shown && field in shown.getFields() ? SIGNED_OUT : null;
  }

  it.each(GUARDED)("is as its callers find it: %s", async (coordinate, rule) => {
    expect(await whoNotices(coordinate, rule, rule)).toBeNull();
  });

  it.each(GUARDED)("that is wrong in any way is noticed: %s", async (coordinate, rule) => {
    const survivors: string[] = [];

    for (const [fault, changed] of faultsOf(coordinate, rule)) {
      const noticer = await whoNotices(coordinate, rule, changed);
      caught.push(`${coordinate}, ${fault} -> ${noticer ?? "NOBODY"}`);
      if (noticer === null) survivors.push(fault);
    }

    expect(survivors).toEqual([]);
  });
});
