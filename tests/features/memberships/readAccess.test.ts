import { jest } from "@jest/globals";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { type Planted, world } from "../../support/world.js";

const DAY_MS = 86_400_000;

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {}, south: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        mia: [
          { at: "north", roles: ["admin"] },
          { at: "south", roles: ["member"] },
        ],
      },
    },
  }));
});
beforeEach(() =>
  homeOf(
    gateway,
    "acme",
  )("with all_grants as (update grants set expires_at = null) update memberships set expires_at = null"),
);
afterEach(() => jest.useRealTimers());
afterAll(() => gateway.close());

const end = (table: "memberships" | "grants", id: string, at: string) =>
  homeOf(gateway, "acme")(`update ${table} set expires_at = ${at} where id = $1`, [id]);

const OWN = `{ viewer {
  memberships { nodes { organization { slug } } }
  organizations { nodes { slug viewerPermissions } }
} north: organization(by: { slug: "north" }) { slug viewerPermissions } }`;
const slugsIn = ({ nodes }: { nodes: { slug?: string; organization?: { slug: string } }[] }) =>
  nodes.map((node) => node.slug ?? node.organization!.slug).sort();

describe("a membership that has ended", () => {
  it("gives nothing from the very next request on, and is listed to nobody", async () => {
    expect(slugsIn((await acme.as("mia").get(OWN)).viewer.organizations)).toEqual(["north", "south"]);

    await end("memberships", acme.memberships["mia@north"]!, "clock_timestamp()");

    const { viewer, north } = await acme.as("mia").get(OWN);
    expect([slugsIn(viewer.memberships), slugsIn(viewer.organizations), north]).toEqual([["south"], ["south"], null]);
    const members = '{ organization(by: { slug: "north" }) { memberships { nodes { user { displayName } } } } }';
    expect((await acme.as("ada").get(members)).organization.memberships.nodes).toEqual([]);
  });

  it("shows its end to who may see it by its id", async () => {
    await end("memberships", acme.memberships["mia@north"]!, "clock_timestamp()");

    const node = `{ node(id: "${acme.id("Membership", "mia@north")}") { ... on Membership { status } } }`;

    expect(await acme.as("ada").get(node)).toEqual({ node: { status: "EXPIRED" } });
    expect(await acme.as("mia").get(node)).toEqual({ node: null });
  });
});

describe("a grant that has ended", () => {
  it("leaves the membership, which shows the organization and allows nothing in it", async () => {
    await end("grants", acme.grants["mia@north"]!, "clock_timestamp()");

    const { viewer, north } = await acme.as("mia").get(OWN);

    expect(slugsIn(viewer.memberships)).toEqual(["north", "south"]);
    expect(north).toEqual({ slug: "north", viewerPermissions: [] });
  });
});

describe("the clock", () => {
  it.each([
    ["ahead", 2 * DAY_MS, "clock_timestamp() + interval '1 day'", "north"],
    ["behind", -2 * DAY_MS, "clock_timestamp() - interval '1 day'", null],
  ])("is the database's, with a gateway two days %s", async (_way, ms, at, slug) => {
    const mia = acme.as("mia");
    expect((await mia.get(OWN)).north.slug).toBe("north");
    await end("memberships", acme.memberships["mia@north"]!, at);
    // Not for tokens, whose verifier was given its clock before.
    jest.useFakeTimers({ now: Date.now() + ms, doNotFake: everythingButDate });

    const { north } = await mia.get(OWN);

    expect(north?.slug ?? null).toBe(slug);
  });
});

const everythingButDate = [
  "hrtime",
  "nextTick",
  "performance",
  "queueMicrotask",
  "requestAnimationFrame",
  "cancelAnimationFrame",
  "requestIdleCallback",
  "cancelIdleCallback",
  "setImmediate",
  "clearImmediate",
  "setInterval",
  "clearInterval",
  "setTimeout",
  "clearTimeout",
] as const as never;
