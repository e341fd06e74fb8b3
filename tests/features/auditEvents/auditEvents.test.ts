import { encodeId } from "../../../src/graphql/nodeId.js";
import type { TestGateway } from "../../support/gateway.js";
import { ADDRESS, openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let shop: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ shop } = await world(gateway, {
    shop: {
      tree: { shop: { till: {} } },
      people: {
        olga: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }],
        tina: [{ at: "till", roles: ["admin"] }],
        mo: [{ at: "till", roles: ["member"] }],
        auditor: [{ at: "till", can: ["organizations:read", "audit:read"] }],
      },
    },
  }));
  sql = homeOf(gateway, "shop");
  const happened = async (day: number, who: string, action: string, type: string, id: string, hour = 0) =>
    sql(
      "insert into audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, path, target_type, target_id, changes, request_id) values ($1, gen_random_uuid(), $2, $3, 'USER', $4, $5, array[$9]::uuid[], $6, $7, $8::text::jsonb, 'r')",
      [
        shop.tenantId,
        `2026-02-0${day}T0${hour}:00:00Z`,
        action,
        shop.users[who],
        shop.organizations.till,
        type,
        id,
        JSON.stringify({ day }),
        shop.organizations.shop,
      ],
    );
  await happened(1, "olga", "organization.created", "Organization", shop.organizations.till!);
  await happened(2, "tina", "membership.added", "Membership", shop.memberships["mo@till"]!);
  await happened(3, "tina", "membership.added", "User", shop.users.olga!);
  await happened(3, "olga", "membership.removed", "Membership", "0195b3f2-0000-7000-8000-000000000000", 1);
  await happened(4, "olga", "organization.updated", "Organization", shop.organizations.shop!);
});
afterAll(() => gateway.close());

const FIELDS =
  "id at action actor { __typename ... on User { displayName } } organization { slug } target { __typename id } targetId changes requestId";
const ask = (who: string, args = "", fields = FIELDS) =>
  shop
    .as(who)
    .ask(
      `{ organization(by: { slug: "till" }) { auditEvents${args} { nodes { ${fields} } pageInfo { hasNextPage endCursor } } } }`,
    );
const list = async (who: string, args = "") => (await ask(who, args)).data.organization.auditEvents;
const days = async (who: string, args: string) =>
  (await list(who, args)).nodes.map(({ changes }: { changes: { day: number } }) => changes.day);

describe("Organization.auditEvents", () => {
  it("lists what happened, newest first, with who did it to what", async () => {
    const { nodes } = await list("olga");

    expect(nodes.map(({ changes }: { changes: { day: number } }) => changes.day)).toEqual([4, 3, 3, 2, 1]);
    expect(nodes[3]).toEqual({
      id: expect.any(String),
      at: "2026-02-02T00:00:00.000Z",
      action: "membership.added",
      actor: { __typename: "User", displayName: "tina" },
      organization: { slug: "till" },
      target: { __typename: "Membership", id: shop.id("Membership", "mo@till") },
      targetId: shop.id("Membership", "mo@till"),
      changes: { day: 2 },
      requestId: "r",
    });
  });

  it("keeps hidden who and what are hidden, and gone what is gone, and goes on naming its id", async () => {
    const { nodes } = await list("tina");

    // To tina, olga and the shop do not exist.
    expect(nodes[0]).toMatchObject({ actor: null, target: null, targetId: shop.id("Organization", "shop") });
    const removed = nodes.find(({ action }: { action: string }) => action === "membership.removed");
    expect(removed).toMatchObject({ actor: null, target: null });
    expect(nodes.find(({ targetId }: { targetId: string }) => targetId === shop.id("User", "olga")).target).toBeNull();
  });

  it("does not tell what changed about a person who is hidden", async () => {
    const ofOlga = `(filter: { targetId: "${shop.id("User", "olga")}" })`;

    expect((await list("tina", ofOlga)).nodes).toMatchObject([{ action: "membership.added", changes: null }]);
    expect(await days("olga", ofOlga)).toEqual([3]);
  });

  it("refuses instants that the database cannot tell", async () => {
    for (const from of ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
      expect((await ask("olga", `(filter: { from: "${from}" })`)).errors?.[0]?.extensions.code).toBe(
        "GRAPHQL_VALIDATION_FAILED",
      );
    for (const from of ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
      expect((await ask("olga", `(filter: { from: "${from}" })`)).errors).toBeUndefined();
  });

  it("shows those that a filter asks for", async () => {
    expect(await days("olga", '(filter: { actions: ["membership.added"] })')).toEqual([3, 2]);
    expect(await days("olga", "(filter: { actions: [] })")).toEqual([]);
    expect(await days("olga", `(filter: { actorId: "${shop.id("User", "tina")}" })`)).toEqual([3, 2]);
    expect(await days("olga", `(filter: { targetId: "${shop.id("Organization", "till")}" })`)).toEqual([1]);
    expect(await days("olga", '(filter: { from: "2026-02-02T00:00:00Z", to: "2026-02-03T00:00:00Z" })')).toEqual([2]);
  });

  it("refuses an action that the audit never tells of", async () => {
    const { errors } = await ask("olga", '(filter: { actions: ["membership.added", "member.added"] })');

    expect(errors).toEqual([
      expect.objectContaining({
        message: "`filter.actions.1` is no action of the audit. docs/audit.md lists them all.",
        extensions: expect.objectContaining({ code: "BAD_USER_INPUT" }),
      }),
    ]);
  });

  it("does not tell who was added or removed to who may not read members there", async () => {
    const of = async (who: string) =>
      (await list(who, '(filter: { actions: ["membership.added", "membership.removed"] })')).nodes.map(
        ({ targetId, changes }: { targetId: string; changes: unknown }) => [atob(targetId).split(":")[0], changes],
      );

    expect(await of("olga")).toEqual([
      ["Membership", { day: 3 }],
      ["User", { day: 3 }],
      ["Membership", { day: 2 }],
    ]);
    expect(await of("auditor")).toEqual([
      ["Membership", null],
      ["User", null],
      ["Membership", null],
    ]);
  });

  it("does not tell by a filter who is hidden", async () => {
    expect(await days("tina", `(filter: { actorId: "${shop.id("User", "olga")}" })`)).toEqual([]);
  });

  it("goes on after a cursor of the same filter", async () => {
    const first = await list("olga", "(first: 2)");
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = await days("olga", `(after: "${first.pageInfo.endCursor}")`);

    expect(rest).toEqual([3, 2, 1]);
    const other = await ask(
      "olga",
      `(after: "${first.pageInfo.endCursor}", filter: { actions: ["membership.added"] })`,
    );
    expect(other.errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
  });

  it("refuses ids that are none, or of something else", async () => {
    for (const args of ['targetId: "x"', `actorId: "${shop.id("Organization", "till")}"`]) {
      expect((await ask("olga", `(filter: { ${args} })`)).errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
    }
  });

  it("needs audit:read there", async () => {
    const { data, errors } = await ask("mo");

    expect(data.organization).toEqual({ auditEvents: null });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "FORBIDDEN", permission: "audit:read" });
  });

  it("shows what a change wrote down", async () => {
    const input = `{ parentId: "${shop.id("Organization", "till")}", name: "Drawer", slug: "drawer" }`;
    await shop.as("olga").get(`mutation { createOrganization(input: ${input}) { __typename } }`);

    const { organization } = await shop
      .as("olga")
      .get(`{ organization(by: { slug: "drawer" }) { id auditEvents { nodes { action targetId target { id } } } } }`);
    expect(organization.auditEvents.nodes).toEqual([
      { action: "organization.created", targetId: organization.id, target: { id: organization.id } },
    ]);
  });

  it("reads every list of a level in one statement, and what the events are about in one for each type", async () => {
    const document = `{ organizations { nodes { auditEvents { nodes { ${FIELDS} } } } } }`;

    const statements = await gateway.database.statements(() => shop.as("olga").get(document));

    // Organizations, events, users, memberships; organizations again, by id.
    expect(ofData(statements)).toHaveLength(5);
  });
});

describe("AuditEvent.address", () => {
  it("says from where it was asked for, to who sees by whom", async () => {
    const { cellar } = await world(gateway, {
      cellar: {
        tree: { cellar: {} },
        people: {
          olga: [{ at: "cellar", roles: ["owner"], reach: "SUBTREE" }],
          auditor: [{ at: "cellar", can: ["organizations:read", "audit:read"] }],
        },
      },
    });
    const input = `{ organizationId: "${cellar.id("Organization", "cellar")}", name: "Wine cellar" }`;
    await cellar.as("olga").get(`mutation { updateOrganization(input: ${input}) { __typename } }`);
    const seenBy = async (who: string) =>
      (
        await cellar
          .as(who)
          .get('{ organization(by: { slug: "cellar" }) { auditEvents { nodes { action address } } } }')
      ).organization.auditEvents.nodes;

    expect(await seenBy("olga")).toEqual([{ action: "organization.updated", address: ADDRESS }]);
    expect(await seenBy("auditor")).toEqual([{ action: "organization.updated", address: null }]);
  });

  it("is not known of what an older version wrote", async () => {
    expect((await ask("olga", "", "address")).data.organization.auditEvents.nodes[0]).toEqual({ address: null });
  });
});

describe("an event of an organization that stood elsewhere", () => {
  it("is for who may read the audit along the path it was written under, and for nobody who came to it later", async () => {
    const { depot } = await world(gateway, {
      depot: {
        tree: { depot: { north: { shelf: {} }, south: {} } },
        people: {
          olga: [{ at: "depot", roles: ["owner"], reach: "SUBTREE" }],
          nora: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
          sami: [{ at: "south", roles: ["admin"], reach: "SUBTREE" }],
          tess: [{ at: "shelf", roles: ["admin"] }],
        },
      },
    });
    const { organizations } = depot;
    const inDepot = homeOf(gateway, "depot");
    const input = `{ organizationId: "${depot.id("Organization", "shelf")}", name: "Shelf" }`;
    await depot.as("nora").get(`mutation { updateOrganization(input: ${input}) { __typename } }`);
    const [event] = await inDepot("select id from audit_events where action = 'organization.updated'");
    await inDepot("update organizations set parent_id = $1, path = array[$2, $1]::uuid[] where id = $3", [
      organizations.south,
      organizations.depot,
      organizations.shelf,
    ]);
    const node = async (who: string) =>
      (await depot.as(who).get(`{ node(id: "${encodeId("AuditEvent", String(event!.id))}") { __typename } }`)).node;
    const listed = async (who: string) =>
      (await depot.as(who).get(`{ organization(by: { slug: "shelf" }) { auditEvents { nodes { action } } } }`))
        .organization;

    const nodes = await Promise.all(["olga", "nora", "tess", "sami"].map(node));
    const lists = await Promise.all(["olga", "nora", "tess", "sami"].map(listed));

    const there = { __typename: "AuditEvent" };
    const list = { auditEvents: { nodes: [{ action: "organization.updated" }] } };
    expect(nodes).toEqual([there, there, there, null]);
    expect(lists).toEqual([list, null, list, { auditEvents: { nodes: [] } }]);
  });
});

describe("Query.node of an event", () => {
  it("is for who may read the audit of its organization", async () => {
    const [{ id }] = (await list("olga")).nodes;
    const node = async (who: string) => (await shop.as(who).get(`{ node(id: "${id}") { __typename id } }`)).node;

    expect(await node("tina")).toEqual({ __typename: "AuditEvent", id });
    expect(await node("mo")).toBeNull();
  });
});
