import fc from "fast-check";
import { encodeId } from "../../../src/graphql/nodeId.js";
import { newId } from "../../../src/ids.js";
import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { replay } from "../../support/replay.js";
import { ofData } from "../../support/statements.js";
import { type Planted, type TenantSketch, world } from "../../support/world.js";

const HOUR = 3_600_000;
const [PAST, SOON] = [-HOUR, HOUR].map((ms) => new Date(Date.now() + ms)) as [Date, Date];
const crowd = Array.from({ length: 500 }, (_, n) => `m${n}`);

/** The same for every tenant, so that what one change comes to can be compared with what many come to. */
const sketchOf = (slug: string, more: TenantSketch["people"] = {}): TenantSketch => ({
  tree: { [slug]: { north: { store: {} }, south: {} } },
  roles: { clerk: { at: "north", permissions: ["organizations:read", "invoices:read"] } },
  people: {
    ada: [{ at: slug, roles: ["owner"], reach: "SUBTREE" }],
    ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
    cleo: [{ at: "north", roles: ["member"] }],
    carl: [{ at: "north", roles: ["clerk", "guest"] }],
    boss: [{ at: "north", roles: ["owner"] }],
    halted: [{ at: "north", roles: ["member"], suspended: true }],
    over: [{ at: "north", roles: ["member"], grantsUntil: PAST }],
    ended: [{ at: "north", roles: ["member"], until: PAST }],
    ends: [{ at: "north", roles: ["member"], until: SOON }],
    nora: [{ at: "south", roles: ["member"] }],
    ...more,
  },
});

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  const people = Object.fromEntries(crowd.map((name) => [name, [{ at: "store", roles: ["member"] }]]));
  ({ acme } = await world(gateway, { acme: sketchOf("acme", people) }));
});
afterAll(() => gateway.close());

const RESULTS =
  "results { membership { id status grants { role { key } reach } } failure { __typename code message field } }";
const all = async (tenant: Planted, by: string, changes: readonly object[], at = "north", payload = RESULTS) =>
  (
    await change(
      tenant.as(by),
      "changeMemberships",
      { organizationId: tenant.id("Organization", at), changes },
      payload,
    )
  ).results;
const of = (name: string, at = "north") => ({ membershipId: acme.id("Membership", `${name}@${at}`) });

describe("changeMemberships", () => {
  it("says which memberships it changed, also those that are gone, and what the organization counts now", async () => {
    const { beta } = await world(gateway, { beta: sketchOf("beta") });
    const id = (name: string) => beta.id("Membership", `${name}@north`);
    const asked = '{ organization(by: { slug: "north" }) { memberCount } }';
    const { organization: before } = await beta.as("ada").get(asked);

    const { results, organization } = await change(
      beta.as("ada"),
      "changeMemberships",
      {
        organizationId: beta.id("Organization", "north"),
        changes: [
          { removeMembership: { membershipId: id("cleo") } },
          { suspendMembership: { membershipId: id("carl") } },
          { removeMembership: { membershipId: "garbage" } },
        ],
      },
      "results { membershipId membership { id } } organization { memberCount }",
    );

    expect(results).toEqual([
      { membershipId: id("cleo"), membership: null },
      { membershipId: id("carl"), membership: { id: id("carl") } },
      { membershipId: null, membership: null },
    ]);
    expect(organization.memberCount).toBe(before.memberCount - 1);
  });

  it("makes each change as its own mutation does, and answers in their order", async () => {
    const results = await all(acme, "ada", [
      { suspendMembership: of("cleo") },
      { resumeMembership: of("halted") },
      { revokeGrant: { grantId: acme.id("Grant", "carl@north") } },
      { grantRole: { ...of("ends"), role: { key: "guest" }, reach: "SUBTREE" } },
      { removeMembership: of("ended") },
      { setGrants: { ...of("boss"), grants: [{ role: { key: "clerk" } }] } },
    ]);

    const grant = (key: string, reach = "ORGANIZATION") => ({ role: { key }, reach });
    expect(results).toMatchObject([
      { membership: { status: "SUSPENDED" }, failure: null },
      { membership: { status: "ACTIVE" }, failure: null },
      { membership: { grants: [grant("guest")] }, failure: null },
      { membership: { grants: [grant("member"), grant("guest", "SUBTREE")] }, failure: null },
      { membership: null, failure: null },
      { membership: { grants: [grant("clerk")] }, failure: null },
    ]);
    expect(await auditOf(gateway.database, acme, "membership.suspended", acme.memberships["cleo@north"])).toHaveLength(
      1,
    );
    expect(await auditOf(gateway.database, acme, "grants.set", acme.memberships["boss@north"])).toMatchObject([
      { changes: { given: [{ role: "clerk" }], withdrawn: [{ role: "owner" }] } },
    ]);
    expect((await auditOf(gateway.database, acme, "membership.removed")).length).toBe(1);
  });

  it("notes which grant it revoked, also of one that had ended", async () => {
    const [done] = await all(acme, "ben", [{ revokeGrant: { grantId: acme.id("Grant", "over@north") } }]);

    expect(done).toMatchObject({ membership: { grants: [] }, failure: null });
    const [event] = await auditOf(gateway.database, acme, "grant.revoked", acme.memberships["over@north"]);
    expect(event!.changes).toEqual({
      given: [],
      withdrawn: [],
      removed: [expect.objectContaining({ role: "member", from: PAST.toISOString() })],
    });
  });

  it("lets one that is refused keep no other from being made", async () => {
    const results = await all(acme, "ben", [
      { suspendMembership: of("cleo") },
      { grantRole: { ...of("carl"), role: { key: "owner" } } },
      { removeMembership: { membershipId: "garbage" } },
      { resumeMembership: of("cleo") },
      { grantRole: { ...of("ends"), role: { key: "nothing" } } },
      { suspendMembership: of("halted") },
    ]);

    const failed = results.map(({ failure }: { failure: { __typename: string; field: string[] } | null }) =>
      failure ? [failure.__typename, failure.field.join(".")] : null,
    );
    expect(failed).toEqual([
      null,
      ["ExceedsYoursFailure", "input.changes.1.grantRole"],
      ["NotFoundFailure", "input.changes.2.removeMembership.membershipId"],
      // The second change of one membership would stand on what the first made of it.
      ["InvalidInputFailure", "input.changes.3.resumeMembership.membershipId"],
      ["NotFoundFailure", "input.changes.4.grantRole.role"],
      null,
    ]);
  });

  it("finds nothing of another organization, by whatever id: neither one further down nor one beside", async () => {
    const results = await all(acme, "ada", [
      { removeMembership: of("nora", "south") },
      { suspendMembership: of("m0", "store") },
      { revokeGrant: { grantId: acme.id("Grant", "nora@south") } },
      { removeMembership: { membershipId: encodeId("Membership", newId()) } },
    ]);

    for (const { membership, failure } of results)
      expect([membership, failure.__typename]).toEqual([null, "NotFoundFailure"]);
    expect(new Set(results.map(({ failure }: { failure: { message: string } }) => failure.message)).size).toBe(2);
  });

  it("leaves the last of the owners that it would all end", async () => {
    const { twins } = await world(gateway, {
      twins: sketchOf("twins", { olga: [{ at: "twins", roles: ["owner"], reach: "SUBTREE" }] }),
    });
    const end = (name: string) => ({ membershipId: twins.id("Membership", `${name}@twins`) });

    const results = await all(
      twins,
      "ada",
      [{ removeMembership: end("ada") }, { suspendMembership: end("olga") }],
      "twins",
    );

    expect(results).toMatchObject([{ failure: null }, { failure: { __typename: "LastOwnerFailure" } }]);
  });

  it("is for who may read and manage members there, up to 500 at a time", async () => {
    const changes = [{ suspendMembership: of("carl") }];
    const north = { organizationId: acme.id("Organization", "north"), changes };

    expect(await refused(acme.as("ends"), "changeMemberships", north)).toEqual({ code: "FORBIDDEN", data: null });
    expect((await refused(acme.as("nora"), "changeMemberships", north)).data).toMatchObject({
      __typename: "NotFoundFailure",
    });
    const tooMany = Array.from({ length: 501 }, () => changes[0]);
    const { code } = await refused(acme.as("ada"), "changeMemberships", { ...north, changes: tooMany });
    expect(code).toBe("BAD_USER_INPUT");
  });

  it("takes as many statements for 500 as for one, and counts exactly", async () => {
    const run = (names: readonly string[]) =>
      gateway.database.statements(async () => {
        const made = await all(
          acme,
          "ada",
          names.map((name, n) =>
            n % 2 === 0 ? { suspendMembership: of(name, "store") } : { removeMembership: of(name, "store") },
          ),
          "store",
        );
        expect(made.filter(({ failure }: { failure: unknown }) => failure)).toEqual([]);
      });

    const two = ofData(await run(crowd.slice(0, 2)));
    const many = ofData(await run(crowd.slice(2)));

    expect(many.map((text) => text.slice(0, 30))).toEqual(two.map((text) => text.slice(0, 30)));
    expect(many.length).toBeLessThanOrEqual(20);
    const [row] = await homeOf(gateway, "acme")(
      `select o.member_count = (select count(*) from memberships m where m.organization_id = o.id) as exact
       from organizations o where o.slug = 'store'`,
      [],
    );
    expect(row).toEqual({ exact: true });
  });

  it("comes to the same as one change after the other, whatever they are", async () => {
    const names = ["ben", "cleo", "carl", "boss", "halted", "ended", "ends", "nora"];
    const kinds = [
      "setGrants",
      "grantRole",
      "revokeGrant",
      "suspendMembership",
      "resumeMembership",
      "removeMembership",
    ];
    const grant = fc.record({
      role: fc.constantFrom({ key: "owner" }, { key: "admin" }, { key: "guest" }, { key: "clerk" }, { key: "none" }),
      reach: fc.constantFrom("ORGANIZATION", "SUBTREE"),
      expiresAt: fc.constantFrom(null, SOON.toISOString(), PAST.toISOString()),
    });
    const step = fc.record({ kind: fc.constantFrom(...kinds), grant });
    let nth = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("ada", "ben"),
        fc.shuffledSubarray(names, { minLength: 4 }),
        fc.array(step, { minLength: names.length, maxLength: names.length }),
        async (by, whose, steps) => {
          const [one, many] = [`one-${nth}`, `many-${nth++}`];
          const planted = await world(gateway, { [one]: sketchOf(one), [many]: sketchOf(many) });
          const changesIn = (tenant: Planted) =>
            whose.map((name, n): [string, object] => {
              const { kind, grant } = steps[n]!;
              const key = `${name}@${name === "nora" ? "south" : "north"}`;
              if (kind === "revokeGrant") return [kind, { grantId: tenant.id("Grant", key) }];
              const membershipId = tenant.id("Membership", key);
              if (kind === "setGrants") return [kind, { membershipId, grants: [grant] }];
              return [kind, { membershipId, ...(kind === "grantRole" && grant) }];
            });
          // Who takes part of what is their own away is judged by less, where one comes after the other.
          const isOwn = (n: number) => whose[n] === by;
          const order = whose.map((_, n) => n).sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)));

          const single: (string | null)[] = [];
          for (const n of order) {
            const [kind, input] = changesIn(planted[one]!)[n]!;
            // Elsewhere than in the organization that the many are of, there is nothing for them.
            const { __typename } =
              whose[n] === "nora"
                ? { __typename: "NotFoundFailure" }
                : await change(planted[one]!.as(by), kind, input, "__typename");
            single.push(__typename.endsWith("Payload") ? null : __typename);
          }
          const changes = order.map((n) => changesIn(planted[many]!)[n]!).map(([kind, input]) => ({ [kind]: input }));
          const results = await all(planted[many]!, by, changes, "north", "results { failure { __typename } }");

          expect(
            results.map(({ failure }: { failure: { __typename: string } | null }) => failure?.__typename ?? null),
          ).toEqual(single);
          expect(await rowsOf(many)).toEqual(await rowsOf(one));
        },
      ),
      { numRuns: 4, endOnFailure: true, ...replay },
    );
  });
});

/** What everybody has in a tenant, and what its audit says of it, without the ids that differ. */
async function rowsOf(slug: string) {
  const sql = homeOf(gateway, slug);
  return [
    await sql(
      `select u.display_name, m.status, o.slug = $1 as root, o.member_count, g.role_key, r.key, g.reach, g.expires_at
       from users u left join memberships m on m.user_id = u.id left join organizations o on o.id = m.organization_id
         left join grants g on g.membership_id = m.id left join roles r on r.id = g.role_id
       order by 1, 2, 3, 4, 5, 6, 7, 8`,
      [slug],
    ),
    await sql("select action, count(*) from audit_events group by 1 order by 1", []),
  ];
}
