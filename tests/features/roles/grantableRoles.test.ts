import type { TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { type Planted, world } from "../../support/world.js";

const DAY_MS = 86_400_000;
const tomorrow = new Date(Date.now() + DAY_MS);
/** Before anything of anybody's ends. */
const soon = new Date(Date.now() + DAY_MS / 24).toISOString();
/** As many as are let in one by one. */
const WAITING = Array.from({ length: 250 }, (_, n) => `w${n}`);

let gateway: TestGateway;
let farm: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ farm } = await world(gateway, {
    farm: {
      tree: { farm: { barn: {} } },
      roles: {
        idle: { permissions: [] },
        host: { permissions: ["members:invite"] },
        porter: { permissions: ["domains:manage", "organizations:read"] },
        buyer: { at: "barn", permissions: ["invoices:read"] },
        stale: { permissions: ["long:gone"] },
      },
      people: {
        olga: [{ at: "farm", roles: ["owner"], reach: "SUBTREE" }],
        andy: [{ at: "barn", roles: ["admin"] }],
        mae: [{ at: "barn", roles: ["member"] }],
        pat: [{ at: "barn" }],
        ivo: [{ at: "barn", roles: ["host"] }],
        dora: [{ at: "barn", roles: ["porter"], reach: "SUBTREE" }],
        // May manage the barn alone, and invite below it as well.
        both: [
          { at: "barn", roles: ["admin"] },
          { at: "farm", roles: ["host", "guest"], reach: "SUBTREE" },
        ],
        temp: [{ at: "barn", roles: ["admin"], reach: "SUBTREE", until: tomorrow }],
        target: [{ at: "barn" }],
      },
      asking: { barn: WAITING },
    },
  }));
  sql = homeOf(gateway, "farm");
});
afterAll(() => gateway.close());

const ask = (who: string, slug = "barn", args = "") =>
  farm.as(who).ask(`{ organization(by: { slug: "${slug}" }) { grantableRoles${args} { id key } } }`);
const keys = async (who: string, slug?: string, args?: string) =>
  (await ask(who, slug, args)).data.organization.grantableRoles.map(({ key }: { key: string }) => key).sort();

describe("Organization.grantableRoles", () => {
  it("lists the usable roles of which the viewer holds every permission there", async () => {
    const own = ["buyer", "host", "idle", "porter"];
    expect(await keys("olga")).toEqual(["accountant", "admin", "guest", "member", "owner", ...own].sort());
    expect(await keys("olga", "farm")).not.toContain("buyer");
    expect(await keys("andy")).toEqual(["admin", "guest", "host", "idle", "member", "porter"]);
  });

  it("is empty for who gives nothing there", async () => {
    expect(await keys("mae")).toEqual([]);
    expect(await keys("pat")).toEqual([]);
  });

  it("lists what somebody may offer who may invite and nothing else, not even read the organization", async () => {
    expect(await keys("ivo")).toEqual([]);
    expect(await keys("ivo", "barn", "(by: INVITE)")).toEqual(["host", "idle"]);
    expect(await keys("ivo", "barn", "(by: DOMAINS)")).toEqual([]);
  });

  it("lists for a grant that reaches down what the viewer holds below, too", async () => {
    expect(await keys("andy", "barn", "(reach: SUBTREE)")).toEqual(["idle"]);
    expect(await keys("both", "barn", "(by: INVITE, reach: SUBTREE)")).toEqual(["guest", "host", "idle"]);
  });

  it("tells apart what is asked for at once", async () => {
    const fields = "manage: grantableRoles { key } invite: grantableRoles(by: INVITE, reach: SUBTREE) { key }";

    const { organization } = await farm.as("both").get(`{ organization(by: { slug: "barn" }) { ${fields} } }`);

    expect(organization.manage).toHaveLength(6);
    expect(organization.invite).toHaveLength(3);
  });

  describe("with what somebody gives by, and how far", () => {
    /** Gives a role, to be undone by `undo`; what came of it. */
    const give: Record<string, (who: string, grant: string) => Promise<string>> = {
      MANAGE: async (who, grant) => {
        const membershipId = farm.id("Membership", "target@barn");
        const input = `{ membershipId: "${membershipId}", grants: [${grant}] }`;
        const outcome = await outcomeOf(who, "setGrants", input);
        await sql(`delete from grants where membership_id = '${farm.memberships["target@barn"]}'`);
        return outcome;
      },
      INVITE: (who, grant) => {
        const input = `{ organizationId: "${farm.id("Organization", "barn")}", email: "a@b.test", membershipExpiresAt: "${soon}", grants: [${grant}] }`;
        return outcomeOf(who, "inviteMember", input);
      },
      DOMAINS: (who, grant) => {
        const joinRequestId = farm.id("JoinRequest", `${waiting.pop()}@barn`);
        const input = `{ joinRequestId: "${joinRequestId}", expiresAt: "${soon}", grants: [${grant}] }`;
        return outcomeOf(who, "approveJoinRequest", input);
      },
    };
    const waiting = [...WAITING];
    async function outcomeOf(who: string, change: string, input: string): Promise<string> {
      const { data, errors } = await farm.as(who).ask(`mutation { r: ${change}(input: ${input}) { __typename } }`);
      return errors?.[0] ? String(errors[0].extensions.code) : data.r.__typename;
    }
    const NOT_LET_THROUGH = ["FORBIDDEN", "NotFoundFailure"];

    it.each(
      Object.keys(give).flatMap((by) => [
        [by, "ORGANIZATION"],
        [by, "SUBTREE"],
      ]),
    )("by %s and with reach %s is exactly what the change lets through", async (by, reach) => {
      const { roles } = (await farm.as("olga").get('{ organization(by: { slug: "barn" }) { roles { id key } } }'))
        .organization;
      let given = 0;
      for (const who of ["olga", "andy", "mae", "ivo", "dora", "both", "temp"]) {
        const listed = await keys(who, "barn", `(by: ${by}, reach: ${reach})`);
        for (const { id, key } of roles as { id: string; key: string }[]) {
          const outcome = await give[by]!(who, `{ role: { id: "${id}" }, reach: ${reach}, expiresAt: "${soon}" }`);

          const isGiven = outcome.endsWith("Payload");
          expect({ who, key, listed: listed.includes(key), outcome }).toEqual({
            who,
            key,
            listed: isGiven,
            outcome: isGiven || NOT_LET_THROUGH.includes(outcome) ? outcome : "ExceedsYoursFailure",
          });
          given += isGiven ? 1 : 0;
        }
      }
      expect(given).toBeGreaterThan(5);
    });
  });
});
