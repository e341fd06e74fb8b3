import pino from "pino";
import { Leases } from "../../src/database/leases.js";
import { PRODUCT_FILE, readProduct } from "../../src/product.js";
import { type Answer, openGateway, type TestGateway } from "../support/gateway.js";
import { ownerInHome, servingOf } from "../support/home.js";

/** What no answer may hold, whatever went wrong: statements, names of the database, places in the code, secrets. */
const INSIDE =
  /\b(select|insert into|update|delete from|set_config)\b .*\b(from|values|set|where)\b|tenantry_(serve|door|owner)|\bt_[0-9a-f]{8,}|tenant_id|pg_|postgres|127\.0\.0\.1|localhost:\d|ECONN|\/src\/|\/dist\/|node_modules|\n? +at .+:\d+:\d+|eyJ[\w-]+\.|DrizzleQuery/i;
/** What the log may not hold either: it is read by others than those whose data it is. */
const PRIVATE =
  /@northwind\.test|eyJ[\w-]+\.|\b(select|insert into|update|delete from)\b .*\b(from|values|set)\b|password/i;

const ASK = '{ viewer { id } organization(by: { slug: "north" }) { name viewerPermissions } }';

/** One masked error; the same id in the answer, in its header and in the log; nothing of the inside in any of them. */
function expectMasked(gateway: TestGateway, answer: Answer, code: string, status: number): void {
  expect([answer.status, answer.errors?.map(({ extensions }) => extensions.code)]).toEqual([status, [code]]);
  const { requestId } = answer.errors![0]!.extensions;
  expect(answer.headers.get("x-request-id")).toBe(requestId);
  expect(gateway.log()).toContain(`"requestId":"${requestId}"`);
  expect(JSON.stringify({ data: answer.data, errors: answer.errors })).not.toMatch(INSIDE);
  expect(gateway.log()).not.toMatch(PRIVATE);
}

/** The SQL of a function that fails with this code, as a trigger. */
const raising = (name: string, code: string) =>
  `create function ${name}() returns trigger language plpgsql as 'begin raise sqlstate ''${code}''; end'`;

async function withGateway(
  options: Parameters<typeof openGateway>[0],
  work: (gateway: TestGateway) => Promise<void>,
): Promise<void> {
  const gateway = await openGateway(options);
  try {
    await work(gateway);
  } finally {
    await gateway.close();
  }
}

/** Connections to a port where nobody listens. */
const toNowhere = () =>
  new Leases({
    databases: { main: "postgres://tenantry_serve:secret@127.0.0.1:1/tenantry" },
    applicationName: "tenantry nowhere",
    prepare: true,
    connectTimeoutMs: 1000,
    size: 2,
    waitMs: 1000,
    maxAgeMs: 600_000,
  });

describe("a fault", () => {
  it("of the tenants' database being away is told with 503 and Retry-After", async () => {
    await withGateway({ serve: toNowhere() }, async (gateway) => {
      const answer = await gateway.as("ada@northwind.test", "northwind").ask(ASK);

      expectMasked(gateway, answer, "UNAVAILABLE", 503);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(gateway.log()).not.toContain("secret");
      expect((await gateway.anonymous.ask("{ __typename }")).data).toEqual({ __typename: "Query" });
    });
  });

  it("of the directory being away reads the same", async () => {
    await withGateway({ door: toNowhere() }, async (gateway) => {
      const answer = await gateway.as("ada@northwind.test", "northwind").ask(ASK);

      expectMasked(gateway, answer, "UNAVAILABLE", 503);
    });
  });

  it("in our own code is masked, and takes its own field with it", async () => {
    const catalogue = readProduct(PRODUCT_FILE);
    const broken = new Map(catalogue.permissions);
    broken.has = () => {
      throw new TypeError("boom at /src/secret.ts:1:1 in t_0123456789");
    };
    await withGateway({ catalogue: { ...catalogue, permissions: broken } }, async (gateway) => {
      const answer = await gateway
        .as("ada@northwind.test", "northwind")
        .ask('{ viewer { tenant { slug } } organization(by: { slug: "north" }) { viewerCan(permission: "x:y") } }');

      expectMasked(gateway, answer, "INTERNAL", 200);
      expect(answer.data).toEqual({ viewer: { tenant: { slug: "northwind" } }, organization: null });
      expect(gateway.log()).toContain("boom");
    });
  });

  it("of a constraint that nobody foresaw is masked, and leaves nothing half done", async () => {
    await withGateway({}, async (gateway) => {
      await ownerInHome(gateway, "northwind", (sql) =>
        sql("alter table organizations add constraint unforeseen check (name <> 'canary of ada@northwind.test')"),
      );
      const ada = gateway.as("ada@northwind.test", "northwind");
      const { viewer } = await ada.get("{ viewer { tenant { root { id } } } }");
      const input = `{ parentId: "${viewer.tenant.root.id}", name: "canary of ada@northwind.test", slug: "unforeseen" }`;

      const answer = await ada.ask(`mutation { createOrganization(input: ${input}) { __typename } }`);

      expectMasked(gateway, answer, "INTERNAL", 200);
      expect(answer.data).toEqual({ createOrganization: null });
      expect(await ada.get('{ organization(by: { slug: "unforeseen" }) { id } }')).toEqual({ organization: null });
    });
  });

  it("of a statement that takes too long is told with 503, and the next request works", async () => {
    await withGateway({ requestTimeoutMs: 2000 }, async (gateway) => {
      const ada = gateway.as("ada@northwind.test", "northwind");
      await ada.get(ASK);
      const { login } = await servingOf(gateway, "northwind");

      const answer = await ownerInHome(gateway, "northwind", async (sql) => {
        await sql("alter table organizations rename to organizations_kept");
        await sql(
          "create view organizations with (security_invoker) as select o.* from organizations_kept o, pg_sleep(20)",
        );
        await sql(`grant select on organizations to ${login}`);
        const slow = await ada.ask('{ organization(by: { slug: "north" }) { name } }');
        await sql("drop view organizations");
        await sql("alter table organizations_kept rename to organizations");
        return slow;
      });

      expectMasked(gateway, answer, "UNAVAILABLE", 503);
      expect((await ada.ask(ASK)).errors).toBeUndefined();
    });
  });

  it.each([
    ["a full disk", "53100"],
    ["a server without memory", "53200"],
  ])("of %s is told with 503 and Retry-After, and nothing was changed", async (_what, code) => {
    await withGateway({}, async (gateway) => {
      await ownerInHome(gateway, "northwind", async (sql) => {
        await sql(raising("fails", code));
        await sql("create trigger fails before insert on organizations execute function fails()");
      });
      const ada = gateway.as("ada@northwind.test", "northwind");
      const { viewer } = await ada.get("{ viewer { tenant { root { id } } } }");
      const input = `{ parentId: "${viewer.tenant.root.id}", name: "Full", slug: "full" }`;

      const answer = await ada.ask(`mutation { createOrganization(input: ${input}) { __typename } }`);

      expectMasked(gateway, answer, "UNAVAILABLE", 503);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(await ada.get('{ organization(by: { slug: "full" }) { id } }')).toEqual({ organization: null });
    });
  });

  it("of a directory that takes no changes, as after a failover, is told with 503", async () => {
    await withGateway({ signUp: true }, async (gateway) => {
      await gateway.database.owner(raising("tenantry.fails", "25006"));
      await gateway.database.owner(
        "create trigger fails before insert on tenantry.jobs execute function tenantry.fails()",
      );

      const answer = await gateway
        .as("ada@northwind.test", null)
        .ask('mutation { createTenant(input: { slug: "late", name: "Late" }) { __typename } }');

      expectMasked(gateway, answer, "UNAVAILABLE", 503);
    });
  });

  it("of a table that is gone is masked", async () => {
    await withGateway({}, async (gateway) => {
      const ada = gateway.as("ada@northwind.test", "northwind");
      await ada.get(ASK);
      await ownerInHome(gateway, "northwind", (sql) => sql("alter table organizations rename to hidden"));

      const answer = await ada.ask('{ organization(by: { slug: "north" }) { name } }');

      expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(["INTERNAL"]);
      expectMasked(gateway, answer, "INTERNAL", answer.status);
    });
  });
});

describe("a caller's own mistake", () => {
  it.each<[string, RequestInit]>([
    ["JSON that is none", { body: "{", headers: { "content-type": "application/json" } }],
    ["another media type", { body: "x", headers: { "content-type": "text/plain" } }],
  ])("is nothing for the log: %s", async (_what, init) => {
    const lines: string[] = [];
    await withGateway(
      { log: pino({ base: null }, { write: (line: string) => void lines.push(line) }) },
      async (gateway) => {
        const text = await (await gateway.fetch("/graphql", { method: "POST", ...init })).text();

        expect(text).not.toMatch(INSIDE);
        expect(lines).toEqual([]);
      },
    );
  });
});
