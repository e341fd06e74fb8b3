import type { TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let farm: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ farm } = await world(gateway, {
    farm: {
      tree: { farm: { barn: {} } },
      roles: {
        idle: { permissions: [] },
        buyer: { at: "barn", permissions: ["invoices:read"] },
        stale: { permissions: ["long:gone"] },
      },
      people: {
        olga: [{ at: "farm", roles: ["owner"], reach: "SUBTREE" }],
        andy: [{ at: "barn", roles: ["admin"] }],
        mae: [{ at: "barn", roles: ["member"] }],
        pat: [{ at: "barn" }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const ask = (who: string, slug = "barn") =>
  farm.as(who).ask(`{ organization(by: { slug: "${slug}" }) { grantableRoles { key } } }`);
const keys = async (who: string, slug?: string) =>
  (await ask(who, slug)).data.organization.grantableRoles.map(({ key }: { key: string }) => key).sort();

describe("Organization.grantableRoles", () => {
  it("lists the usable roles of which the viewer holds every permission there", async () => {
    expect(await keys("olga")).toEqual(["accountant", "admin", "buyer", "guest", "idle", "member", "owner"]);
    expect(await keys("olga", "farm")).not.toContain("buyer");
    expect(await keys("andy")).toEqual(["admin", "guest", "idle", "member"]);
  });

  it("is empty for who gives nothing there", async () => {
    expect(await keys("mae")).toEqual([]);
  });

  it("is for who may read the organization", async () => {
    const { data, errors } = await ask("pat");

    expect(data.organization).toEqual({ grantableRoles: null });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "FORBIDDEN", permission: "organizations:read" });
  });
});
