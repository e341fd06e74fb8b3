import fc from "fast-check";
import { readFacts } from "../../oracle/facts.js";
import { Judge } from "../../oracle/judge.js";
import { smallestRemedy } from "../../oracle/remedy.js";
import { openGateway, type TestGateway, UNLIMITED } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { anySketch } from "../../support/sketches.js";
import { type Planted, type TenantSketch, world } from "../../support/world.js";

/** With a place where a grant helps, one where only a grant above does, and one where nothing is to be helped. */
const EXAMPLE: TenantSketch = {
  tree: { o0: { o1: {}, o2: {} } },
  people: {
    vera: [{ at: "o1", roles: ["guest"], suspended: true }],
    otto: [{ at: "o2", roles: ["guest"] }],
  },
};
/** More of them by TENANTRY_REMEDIES. */
const TENANTS = Number(process.env.TENANTRY_REMEDIES ?? 5);
const PERMISSIONS = ["organizations:read", "members:read", "audit:read", "members:manage"];
const FIELDS = "allowed remedy { reach organization { uuid } role { id key } }";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ limits: UNLIMITED });
});
afterAll(() => gateway.close());

interface Remedied {
  readonly allowed: boolean;
  readonly remedy: {
    readonly reach: string;
    readonly organization: { readonly uuid: string };
    readonly role: { readonly id: string; readonly key: string };
  } | null;
}

/** Each permission, here and as far as below. */
const QUESTIONS = PERMISSIONS.flatMap((permission) =>
  (["ORGANIZATION", "SUBTREE"] as const).map((reach) => ({ permission, reach })),
);

/** Everything that `asker` may ask about `subject`, in one document: by organization, permission and reach. */
async function askAll(tenant: Planted, asker: string, subject: string, slugs: readonly string[]) {
  const about = `subject: { userId: "${tenant.id("User", subject)}" }`;
  const fields = slugs.flatMap((slug) => [
    `${slug}: organization(by: { slug: "${slug}" }) {
      ${QUESTIONS.map(({ permission, reach }, n) => `p${n}: explainAccess(${about}, permission: "${permission}", reach: ${reach}) { ${FIELDS} }`).join("\n")}
    }`,
  ]);
  const { data } = await tenant.as(asker).ask(`{ ${fields.join("\n")} }`);
  return slugs.flatMap((slug) =>
    QUESTIONS.map((question, n) => ({ slug, ...question, told: data?.[slug]?.[`p${n}`] as Remedied | null })),
  );
}

describe("AccessExplanation.remedy", () => {
  it("is the smallest grant that turns a no, and turns it when it is given", async () => {
    const seen = { remedies: 0, none: 0, above: 0, subtree: 0, given: 0 };
    let nth = 0;
    await fc.assert(
      fc.asyncProperty(anySketch, async (sketch) => {
        const slug = `t${nth++}`;
        const people = { ...sketch.people, olga: [{ at: "o0", roles: ["owner"], reach: "SUBTREE" as const }] };
        const tenant = (await world(gateway, { [slug]: { ...sketch, people } }))[slug]!;
        const facts = await readFacts(homeOf(gateway, slug), slug);
        const slugs = facts.organizations.map((one) => one.slug);

        for (const [asker, subject] of [
          ["olga", "vera"],
          ["olga", "otto"],
          ["vera", "vera"],
        ] as const) {
          const eye = new Judge(facts, tenant.users[asker]!);
          for (const { slug: at, permission, reach, told } of await askAll(tenant, asker, subject, slugs)) {
            const organizationId = tenant.organizations[at]!;
            const who = { asker: tenant.users[asker]!, subject: tenant.users[subject]! };
            const asked = { ...who, organizationId, permission, reach };
            if (!told) {
              const mayAsk =
                eye.sees(organizationId) && (asker === subject || eye.allows(organizationId, "members:manage"));
              expect({ at, asker, subject, mayAsk: mayAsk && eye.seesUser(asked.subject) }).toMatchObject({
                mayAsk: false,
              });
              continue;
            }
            const wanted = smallestRemedy(facts, asked);
            const { remedy } = told;
            const got = remedy && {
              organizationId: remedy.organization.uuid,
              roleKey: remedy.role.key,
              roleId: wanted?.roleId ?? null,
              reach: remedy.reach,
            };
            const question = { at, asker, subject, permission, reach };
            expect({ ...question, remedy: got }).toEqual({ ...question, remedy: wanted });
            if (!remedy) seen.none++;
            else {
              seen.remedies++;
              if (remedy.organization.uuid !== organizationId) seen.above++;
              if (remedy.reach === "SUBTREE") seen.subtree++;
            }
          }
        }
        seen.given += await give(tenant, slugs);
      }),
      { numRuns: TENANTS, endOnFailure: true, examples: [[EXAMPLE]] },
    );

    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });
});

/** Gives the first remedy that there is for otto, and asks again. Answers how many were given. */
async function give(tenant: Planted, slugs: readonly string[]): Promise<number> {
  const all = await askAll(tenant, "olga", "otto", slugs);
  const one = all.find(({ told }) => told?.remedy);
  if (!one) return 0;
  const { organization, role, reach } = one.told!.remedy!;
  const grant = `{ role: { id: "${role.id}" }, reach: ${reach} }`;
  const at = Object.entries(tenant.organizations).find(([, id]) => id === organization.uuid)![0];
  const organizationId = tenant.id("Organization", at);
  const added = await tenant
    .as("olga")
    .ask(
      `mutation { addMembership(input: { organizationId: "${organizationId}", userId: "${tenant.id("User", "otto")}", grants: [${grant}] }) { __typename } }`,
    );
  if (added.data.addMembership.__typename === "AlreadyMemberFailure") {
    const membershipId = tenant.id("Membership", `otto@${at}`);
    const granted = await tenant
      .as("olga")
      .ask(
        `mutation { grantRole(input: { membershipId: "${membershipId}", role: { id: "${role.id}" }, reach: ${reach} }) { __typename } }`,
      );
    expect(granted.data.grantRole.__typename).toBe("GrantRolePayload");
  } else expect(added.data.addMembership.__typename).toBe("AddMembershipPayload");

  const again = await askAll(tenant, "olga", "otto", [one.slug]);
  const same = again.find(({ permission, reach: far }) => permission === one.permission && far === one.reach)!;
  expect(same.told).toEqual({ allowed: true, remedy: null });
  return 1;
}
