import { recordOfOperator } from "../../../src/features/audit/record.js";
import { newId, type OrganizationId } from "../../../src/ids.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { recordOf } from "../../support/sessions.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let shop: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ shop } = await world(gateway, { shop: { tree: { shop: {} } } }));
});
afterAll(() => gateway.close());

describe("record", () => {
  it("refuses what happened in an organization that is not there, with all that was written beside it", async () => {
    const session = await TenantSession.open(gateway.serve, await recordOf(gateway.database, "shop"), "change");
    const run = { id: "a run", now: new Date() };
    const happenedIn = (organizationId: OrganizationId) => ({
      action: "organization.purged" as const,
      organizationId,
      targetType: "Organization",
      targetId: organizationId,
    });

    const writing = recordOfOperator(session.db, session.tenantId, run, [
      happenedIn(shop.organizations.shop!),
      happenedIn(newId<OrganizationId>()),
    ]);

    await expect(writing).rejects.toMatchObject({ code: "22P02" });
    await session.rollback();
    expect(await homeOf(gateway, "shop")("select from audit_events where action = 'organization.purged'")).toEqual([]);
  });
});
