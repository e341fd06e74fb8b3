import { whileHolding } from "../../../src/tenancy/tenants/record.js";
import { change } from "../../support/change.js";
import { jsonLines, run } from "../../support/command.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { recordOf } from "../../support/sessions.js";
import { owningSettings } from "../../support/settings.js";
import { world } from "../../support/world.js";

let gateway: TestGateway;
let env: Record<string, string>;

beforeAll(async () => {
  gateway = await openGateway();
  env = await owningSettings(
    gateway.database,
    ...Object.keys(gateway.database.databases).filter((name) => name !== "main"),
  );
  const sketch = (slug: string) => ({
    tree: { [slug]: { old: {} } },
    people: { ada: [{ at: slug, roles: ["owner"], reach: "SUBTREE" as const }] },
  });
  const planted = await world(gateway, { acme: sketch("acme"), globex: sketch("globex") });
  for (const tenant of Object.values(planted)) {
    const organizationId = tenant.id("Organization", "old");
    await change(tenant.as("ada"), "deleteOrganization", { organizationId }, "__typename");
    await homeOf(gateway, tenant.slug)("update organizations set deletes_at = now() where slug = 'old'");
  }
});
afterAll(() => gateway.close());

const purge = (...more: string[]) => run(["tenant", "purge", ...more], { env });
/** Purges while somebody else is at acme. */
const whileBusy = async (...more: string[]) => {
  const { id } = await recordOf(gateway.database, "acme");
  return gateway.database.owners(async (owners) => whileHolding(await owners.main, id, () => purge(...more)));
};
const BUSY = "The tenant is being created, changed, moved or erased at this moment. Try again shortly.";

describe("tenantry tenant purge", () => {
  it("leaves out a tenant that somebody is at, says so, and has done its part with the others", async () => {
    const { code, stdout, stderr } = await whileBusy("--json");

    expect([code, stderr]).toEqual([4, expect.stringContaining(`acme was left out: ${BUSY}\n`)]);
    expect(jsonLines(stdout)).toEqual([expect.objectContaining({ tenant: "globex", slug: "old", organizations: 1 })]);
  });

  it("is refused where that is the only one that was named", async () => {
    expect(await whileBusy("acme")).toMatchObject({ code: 3, stdout: "", stderr: `tenantry: ${BUSY}\n` });
  });

  it("does it the next time, and then says that nothing is due", async () => {
    expect(await purge("acme")).toMatchObject({ code: 0, stdout: "Removed old of acme.\n" });
    expect(await purge()).toMatchObject({ code: 0, stdout: "Nothing is due.\n" });
  });
});
