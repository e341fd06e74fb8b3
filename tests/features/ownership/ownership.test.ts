import { encodeId } from "../../../src/graphql/nodeId.js";
import { newId } from "../../../src/ids.js";
import { auditOf } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { tokenFor } from "../../support/letters.js";
import { openPeople, type People } from "../../support/people.js";
import { type Planted, world } from "../../support/world.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

let people: People;
let gateway: TestGateway;
beforeAll(async () => {
  people = await openPeople();
  gateway = await openGateway({ verifier: people.verifier });
});
afterAll(async () => {
  await gateway.close();
  await people.close();
});

let count = 0;
/** A tenant with one owner, somebody in it, somebody in none of its organizations, and an admin of all of it. */
async function plant(): Promise<Planted> {
  const slug = `house-${count++}`;
  const planted = await world(gateway, {
    [slug]: {
      tree: { [slug]: { north: {} } },
      people: {
        ada: [{ at: slug, roles: ["owner", "member"], reach: "SUBTREE" }],
        ben: [{ at: slug, roles: ["admin"], reach: "SUBTREE" }],
        cleo: [{ at: "north", roles: ["member"] }],
        dan: [],
        shut: [{ at: slug, roles: ["member"] }],
        brief: [{ at: slug, roles: ["owner"], reach: "SUBTREE", grantsUntil: new Date(Date.now() + HOUR) }],
        small: [{ at: slug, roles: ["owner"] }],
        written: [],
      },
      suspended: ["shut"],
    },
  });
  await neverSignedIn(planted[slug]!, "written");
  return planted[slug]!;
}

/** As if somebody were written down, and had not come yet. */
const neverSignedIn = (tenant: Planted, name: string) =>
  homeOf(gateway, tenant.slug)("update users set identity = null, external_id = $1 where id = $2", [
    name,
    tenant.users[name],
  ]);
/** Gives somebody another address. */
const readdress = (tenant: Planted, by: string, name: string, email: string) =>
  change(tenant.as(by), "upsertUser", { externalId: name, email }, "user { email }");

const OFFER = "offer { id expiresAt from { displayName } to { displayName } }";
const offer = (tenant: Planted, by: string, to: string, more: object = {}) =>
  change(tenant.as(by), "transferOwnership", { userId: tenant.id("User", to), ...more }, OFFER);
const accept = (tenant: Planted, who: string, offerId: string) =>
  change(
    tenant.as(who),
    "acceptOwnership",
    { offerId },
    "membership { roles { key } expiresAt status } formerOwner { user { displayName } roles { key } }",
  );
const close = (tenant: Planted, who: string, offerId: string) =>
  change(tenant.as(who), "closeOwnershipOffer", { offerId }, "closedOfferId");
const offersOf = async (tenant: Planted, who: string): Promise<string[]> =>
  (await tenant.as(who).get("{ viewer { ownershipOffers { id } } }")).viewer.ownershipOffers.map(
    ({ id }: { id: string }) => id,
  );
const owners = async ({ slug }: Planted): Promise<string[]> =>
  (
    await homeOf(gateway, slug)(
      `select u.display_name as name from users u join memberships m on m.user_id = u.id
         join grants g on g.membership_id = m.id join organizations o on o.id = m.organization_id and o.parent_id is null
       where g.role_key = 'owner' and g.reach = 'SUBTREE' and g.expires_at is null and m.expires_at is null
         and m.status = 'ACTIVE' and u.status = 'ACTIVE' order by 1`,
      [],
    )
  ).map(({ name }) => String(name));

describe("transferOwnership", () => {
  it("offers the tenant to one person, and gives nothing yet", async () => {
    const tenant = await plant();

    const made = await offer(tenant, "ada", "cleo");

    expect(made).toMatchObject({
      __typename: "TransferOwnershipPayload",
      offer: { from: { displayName: "ada" }, to: { displayName: "cleo" } },
    });
    const days = (Date.parse(made.offer.expiresAt) - Date.now()) / DAY;
    expect(Math.round(days)).toBe(7);
    expect(await owners(tenant)).toEqual(["ada"]);
    expect(await offersOf(tenant, "cleo")).toEqual([made.offer.id]);
    expect(await offersOf(tenant, "ada")).toEqual([made.offer.id]);
    expect(await offersOf(tenant, "ben")).toEqual([]);
    expect(await auditOf(gateway.database, tenant, "ownership.offered")).toMatchObject([
      { actor_id: tenant.users.ada, target_id: tenant.users.cleo },
    ]);
  });

  it("takes the place of an earlier offer, also where two are made at once", async () => {
    const tenant = await plant();
    const first = await offer(tenant, "ada", "cleo");

    const both = await Promise.all([offer(tenant, "ada", "ben"), offer(tenant, "ada", "dan")]);

    const open = await offersOf(tenant, "ada");
    expect(both.map(({ __typename }) => __typename)).toEqual(Array(2).fill("TransferOwnershipPayload"));
    expect(open).toHaveLength(1);
    expect(await accept(tenant, "cleo", first.offer.id)).toMatchObject({ __typename: "NotFoundFailure" });
  });

  it("notes that an earlier offer is withdrawn by it", async () => {
    const tenant = await plant();
    await offer(tenant, "ada", "cleo");
    expect(await auditOf(gateway.database, tenant, "ownership.withdrawn")).toEqual([]);

    await offer(tenant, "ada", "ben");

    expect(await auditOf(gateway.database, tenant, "ownership.withdrawn")).toMatchObject([
      { actor_id: tenant.users.ada, target_type: "User", target_id: tenant.users.cleo },
    ]);
    expect(await auditOf(gateway.database, tenant, "ownership.offered")).toHaveLength(2);
  });

  it("is for owners: without an end, for everything", async () => {
    const tenant = await plant();

    for (const who of ["ben", "brief", "small"])
      expect(await offer(tenant, who, "ada")).toMatchObject({ __typename: "NotOwnerFailure", code: "NOT_OWNER" });
  });

  it.each<[string, (tenant: Planted) => object, string[]]>([
    ["to oneself", (tenant) => ({ userId: tenant.id("User", "ada") }), ["input", "userId"]],
    ["to somebody suspended", (tenant) => ({ userId: tenant.id("User", "shut") }), ["input", "userId"]],
    ["to somebody who never signed in", (tenant) => ({ userId: tenant.id("User", "written") }), ["input", "userId"]],
    [
      "that has ended",
      (tenant) => ({ userId: tenant.id("User", "cleo"), expiresAt: inMs(-HOUR) }),
      ["input", "expiresAt"],
    ],
    [
      "for longer than a month",
      (tenant) => ({ userId: tenant.id("User", "cleo"), expiresAt: inMs(31 * DAY) }),
      ["input", "expiresAt"],
    ],
  ])("makes no offer %s", async (_what, input, field) => {
    const tenant = await plant();

    expect(await change(tenant.as("ada"), "transferOwnership", input(tenant), OFFER)).toMatchObject({
      __typename: "InvalidInputFailure",
      field,
    });
  });
});

describe("an open offer to somebody who never signed in", () => {
  const planted = async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "dan");
    await neverSignedIn(tenant, "dan");
    return { tenant, made };
  };

  it("is withdrawn when they get another address, so that whoever has that owns nothing by it", async () => {
    const { tenant, made } = await planted();
    const email = "mallory@people.test";

    expect(await readdress(tenant, "ben", "dan", email)).toMatchObject({ user: { email } });
    const input = { organizationId: tenant.id("Organization", "north"), email, grants: [{ role: { key: "guest" } }] };
    await change(tenant.as("ben"), "inviteMember", input, "__typename");
    const token = await tokenFor(gateway.database, tenant, email);
    const mallory = gateway.withToken(await people.tokenOf("mallory"), tenant.slug);
    const joined = await change(mallory, "acceptInvitation", { token }, "membership { user { id } }");

    expect(joined.membership.user.id).toBe(tenant.id("User", "dan"));
    expect(await change(mallory, "acceptOwnership", { offerId: made.id }, "__typename")).toMatchObject({
      __typename: "NotFoundFailure",
    });
    expect(await owners(tenant)).toEqual(["ada"]);
    expect(await auditOf(gateway.database, tenant, "ownership.withdrawn")).toMatchObject([
      { actor_id: tenant.users.ben, target_type: "User", target_id: tenant.users.dan },
    ]);
  });

  it("stands when something else of them is changed, and when it is somebody else's address that is", async () => {
    const { tenant, made } = await planted();

    await change(tenant.as("ben"), "upsertUser", { externalId: "dan", displayName: "Dan" }, "__typename");
    await readdress(tenant, "ben", "written", "written@people.test");

    expect(await offersOf(tenant, "ada")).toEqual([made.id]);
  });

  it("is not noted as withdrawn where it had ended", async () => {
    const { tenant } = await planted();
    await homeOf(gateway, tenant.slug)("update ownership_offers set expires_at = clock_timestamp()", []);

    await readdress(tenant, "ben", "dan", "dan@people.test");

    expect(await auditOf(gateway.database, tenant, "ownership.withdrawn")).toEqual([]);
  });
});

describe("acceptOwnership", () => {
  it("makes an owner of one, and none of the other, who keeps the rest", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");

    const accepted = await accept(tenant, "cleo", made.id);

    expect(accepted).toMatchObject({
      __typename: "AcceptOwnershipPayload",
      membership: { roles: [{ key: "owner" }], expiresAt: null, status: "ACTIVE" },
      formerOwner: { user: { displayName: "ada" } },
    });
    expect(accepted.formerOwner.roles).not.toContainEqual({ key: "owner" });
    expect(await owners(tenant)).toEqual(["cleo"]);
    const { viewer } = await tenant.as("ada").get("{ viewer { memberships { nodes { roles { key } } } } }");
    expect(viewer.memberships.nodes).toEqual([{ roles: [{ key: "member" }] }]);
    expect(await offersOf(tenant, "cleo")).toEqual([]);
    expect(await auditOf(gateway.database, tenant, "ownership.transferred")).toMatchObject([
      { actor_id: tenant.users.cleo, changes: { before: { userId: tenant.users.ada } } },
    ]);
    const [row] = await homeOf(gateway, tenant.slug)(
      "select o.member_count = (select count(*) from memberships m where m.organization_id = o.id) as exact from organizations o where o.parent_id is null",
      [],
    );
    expect(row).toEqual({ exact: true });
  });

  it("lets in who was in no organization", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "dan");

    expect(await accept(tenant, "dan", made.id)).toMatchObject({ __typename: "AcceptOwnershipPayload" });
    expect(await owners(tenant)).toEqual(["dan"]);
  });

  it.each([
    ["has ended", -HOUR],
    ["is to end", HOUR],
  ])("gives nothing without an end but ownership, where their membership %s", async (_when, ms) => {
    const tenant = await plant();
    const home = homeOf(gateway, tenant.slug);
    const id = tenant.memberships[`ben@${tenant.slug}`];
    const end = inMs(ms);
    await home("update memberships set expires_at = $1 where id = $2", [end, id]);
    const { offer: made } = await offer(tenant, "ada", "ben");

    // Whoever's membership has ended is in the tenant still, and so can accept.
    const accepted = await accept(tenant, "ben", made.id);

    expect(accepted).toMatchObject({ membership: { expiresAt: null, status: "ACTIVE" } });
    const given = await home(
      "select role_key, to_json(expires_at) #>> '{}' as until from grants where membership_id = $1 order by role_key",
      [id],
    );
    expect(given.map(({ role_key, until }) => [role_key, until && new Date(String(until)).toISOString()])).toEqual([
      ["admin", end],
      ["owner", null],
    ]);
  });

  const LATER = inMs(HOUR);
  it.each<[string, string, object | null, string | undefined]>([
    ["which there was none of", "cleo", null, undefined],
    ["that was as an owner's is", "ben", { status: "ACTIVE", expiresAt: null }, undefined],
    ["that was to end", "ben", { status: "ACTIVE", expiresAt: LATER }, "expires_at = $2"],
    ["that was suspended", "ben", { status: "SUSPENDED", expiresAt: null }, "status = 'SUSPENDED'"],
  ])("notes what it made of a membership %s", async (_what, who, before, set) => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", who);
    if (set) {
      const values = [tenant.memberships[`ben@${tenant.slug}`], ...(set.includes("$2") ? [LATER] : [])];
      await homeOf(gateway, tenant.slug)(`update memberships set ${set} where id = $1`, values);
    }

    expect(await accept(tenant, who, made.id)).toMatchObject({ __typename: "AcceptOwnershipPayload" });

    const [event] = await auditOf(gateway.database, tenant, "ownership.transferred");
    expect(event!.changes).toMatchObject({ membership: { before, after: { status: "ACTIVE", expiresAt: null } } });
  });

  it("is for whom it was made to, and nobody else can tell that it is there", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");

    const missing = await accept(tenant, "ben", encodeId("OwnershipOffer", newId()));
    for (const who of ["ben", "ada"]) expect(await accept(tenant, who, made.id)).toEqual(missing);
    expect(await close(tenant, "ben", made.id)).toMatchObject({ __typename: "NotFoundFailure" });
    expect(await owners(tenant)).toEqual(["ada"]);
  });

  it("does not stand when it has ended", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");
    await homeOf(gateway, tenant.slug)("update ownership_offers set expires_at = clock_timestamp()", []);

    expect(await accept(tenant, "cleo", made.id)).toMatchObject({ __typename: "NotFoundFailure" });
    expect(await offersOf(tenant, "cleo")).toEqual([]);
  });

  it("gives nothing that who made it has not any more", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");
    await change(
      tenant.as("ada"),
      "grantRole",
      { membershipId: tenant.id("Membership", `ben@${tenant.slug}`), role: { key: "owner" }, reach: "SUBTREE" },
      "__typename",
    );
    await change(tenant.as("ben"), "revokeGrant", { grantId: tenant.id("Grant", `ada@${tenant.slug}`) }, "__typename");

    expect(await accept(tenant, "cleo", made.id)).toMatchObject({ __typename: "NotFoundFailure" });
    expect(await owners(tenant)).toEqual(["ben"]);
  });

  it("is done once by many at once, and never beside a withdrawal", async () => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");

    const outcomes = await Promise.all([
      ...Array.from({ length: 6 }, () => accept(tenant, "cleo", made.id)),
      close(tenant, "ada", made.id),
      close(tenant, "cleo", made.id),
    ]);

    const done = outcomes.filter(({ __typename }) => __typename.endsWith("Payload"));
    expect(done).toHaveLength(1);
    expect(await owners(tenant)).toEqual([done[0].__typename === "AcceptOwnershipPayload" ? "cleo" : "ada"]);
  });
});

describe("closeOwnershipOffer", () => {
  it.each([
    ["withdraws it for who made it", "ada", "ownership.withdrawn"],
    ["declines it for whom it was made to", "cleo", "ownership.declined"],
  ])("%s", async (_what, who, action) => {
    const tenant = await plant();
    const { offer: made } = await offer(tenant, "ada", "cleo");

    expect(await close(tenant, who, made.id)).toEqual({
      __typename: "CloseOwnershipOfferPayload",
      closedOfferId: made.id,
    });
    expect(await accept(tenant, "cleo", made.id)).toMatchObject({ __typename: "NotFoundFailure" });
    expect(await auditOf(gateway.database, tenant, action)).toMatchObject([{ actor_id: tenant.users[who] }]);
  });
});

describe("TransferOwnershipInput.expiresAt", () => {
  it("says until when it can be accepted", async () => {
    const tenant = await plant();
    const expiresAt = inMs(12 * DAY);

    expect(await offer(tenant, "ada", "cleo", { expiresAt })).toMatchObject({ offer: { expiresAt } });
    expect(await auditOf(gateway.database, tenant, "ownership.offered")).toMatchObject([{ changes: { expiresAt } }]);
  });
});
