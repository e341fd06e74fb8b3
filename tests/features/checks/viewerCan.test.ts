import { execute } from "graphql";
import { GUARDED, openStage, verdictOn } from "../../support/access.js";
import { harmlessSchemaWith, LET_THROUGH } from "../../support/policies.js";
import { type CallerKind, callersOf, type MayRule, personFor, placeOf } from "../../support/stage.js";

/** Rules about one organization that ask for everything below it, too. */
const FAR = GUARDED.filter(
  (one): one is readonly [string, MayRule] => one[1].kind === "may" && one[1].reach === "SUBTREE" && !one[1].also,
);
const OUTSIDE: readonly CallerKind[] = ["signed out", "a stranger"];

let opened: Awaited<ReturnType<typeof openStage>>;
beforeAll(async () => {
  const { schema } = harmlessSchemaWith({});
  opened = await openStage({ execute: (args) => execute({ ...args, schema }) });
});
afterAll(() => opened.gateway.close());

/** Whether the viewer is told that they can do everything a rule asks for. */
async function canAll(rule: MayRule, kind: Exclude<CallerKind, "signed out" | "a stranger">): Promise<boolean> {
  const asked = [rule.permission, ...(rule.besides ? [rule.besides] : [])];
  const fields = asked.map((permission, n) => `c${n}: viewerCan(permission: "${permission}", reach: SUBTREE)`);
  const { data } = await opened.stage.acme
    .as(personFor(kind, rule))
    .ask(`{ organization(by: { slug: "${placeOf(rule)}" }) { ${fields.join(" ")} } }`);
  // What they do not even see they are not told about.
  return data.organization !== null && Object.values(data.organization).every((can) => can === true);
}

describe("Organization.viewerCan(reach: SUBTREE)", () => {
  it.each(FAR)("says yes to whom the rule of %s lets through, and no to everybody else", async (coordinate, rule) => {
    for (const kind of callersOf(rule)) {
      if (OUTSIDE.includes(kind)) continue;
      const { said } = await verdictOn(opened, coordinate, rule, kind);
      const isLetThrough = said === LET_THROUGH || said === "answered";

      expect({ kind, can: await canAll(rule, kind as never) }).toEqual({ kind, can: isLetThrough });
    }
  });
});
