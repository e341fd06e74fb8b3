import { execute, type GraphQLSchema } from "graphql";
import { builder } from "../../src/graphql/builder.js";
import { guard } from "../../src/graphql/guard.js";
import { anyone, type Policy, type Rule, visible } from "../../src/graphql/policy.js";
import { policies } from "../../src/schema.js";
import { attempt, describeAccess, GUARDED, openStage } from "../support/access.js";

describeAccess();

/** The policies with another rule for one field; without any, where there is none. */
function withRule(coordinate: string, rule: Rule | null): Policy[] {
  const [type, field] = coordinate.split(".") as [string, string];
  return policies.map((policy: Policy) => {
    const own = policy[type];
    if (typeof own !== "object" || !(field in own)) return policy;
    const { [field]: _, ...rest } = own;
    return { ...policy, [type]: rule ? { ...rest, [field]: rule } : rest };
  });
}

const decided = policies.flatMap((policy: Policy) =>
  Object.entries(policy).flatMap(([type, rules]) =>
    rules === "inherited" ? [] : Object.keys(rules).map((field) => `${type}.${field}`),
  ),
);
const inheriting = policies.flatMap((policy: Policy) =>
  Object.entries(policy).flatMap(([type, rules]) => (rules === "inherited" ? [type] : [])),
);

describe("a policy without one of its rules", () => {
  const schema = builder.toSchema({ sortSchema: false });

  it.each(decided)("does not start: %s", (coordinate) => {
    expect(() => guard(schema, withRule(coordinate, null))).toThrow(`${coordinate} has no rule.`);
  });

  it.each(inheriting)("does not start: %s", (type) => {
    const without = policies.map(({ [type as never]: _, ...rest }: Policy) => rest);

    expect(() => guard(schema, without)).toThrow(`- ${type}.`);
  });
});

describe("a rule that lets everybody in", () => {
  let weakened: GraphQLSchema;
  let opened: Awaited<ReturnType<typeof openStage>>;
  beforeAll(async () => {
    opened = await openStage({ execute: (args) => execute({ ...args, schema: weakened }) });
  });
  afterAll(() => opened.gateway.close());

  function weaken(coordinate: string) {
    const isRoot = /^(Query|Mutation)\./.test(coordinate);
    weakened = builder.toSchema({ sortSchema: false });
    guard(weakened, withRule(coordinate, isRoot ? anyone : visible("field").field));
  }

  it.each(GUARDED.filter(([, rule]) => rule.kind === "may"))("is noticed: %s", async (coordinate, rule) => {
    weaken(coordinate);

    const { outcome, expected } = await attempt(opened, coordinate, rule, "a member without it");

    expect(outcome).not.toEqual(expected);
  });

  it.each(GUARDED.filter(([, rule]) => rule.kind === "signedIn"))(
    "still finds no tenant to read in without a viewer: %s",
    async (coordinate, rule) => {
      weaken(coordinate);

      const { outcome, expected } = await attempt(opened, coordinate, rule, "signed out");

      expect(outcome).toEqual(expected);
    },
  );
});
