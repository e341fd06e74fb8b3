import { readSettings } from "../../config.js";
import { nameOf, ownersOf } from "../../features/tenants/founding.js";
import { describeHome } from "../../tenancy/tenants/describe.js";
import { inHome } from "../../tenancy/tenants/inHome.js";
import { findHomeRow, getTenant, listTenants } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { columns, say, shown } from "./shown.js";

interface Options {
  readonly json?: boolean;
}

/** `tenantry tenant list`: every tenant, and where it is; with `--json` a line for each. */
export async function listCommand({ json }: Options): Promise<void> {
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const tenants = await listTenants(await owners.main);
    if (json) return void process.stdout.write(tenants.map((one) => `${JSON.stringify(shown(one))}\n`).join(""));
    const rows = tenants.map(({ slug, status, isolation, database, createdAt }) => [
      slug,
      status,
      isolation,
      database,
      createdAt.toISOString().slice(0, 10),
    ]);
    say(false, tenants.length === 0 ? ["There are no tenants."] : columns([HEAD, ...rows]), {});
  });
}

const HEAD = ["SLUG", "STATUS", "ISOLATION", "DATABASE", "SINCE"];

/** `tenantry tenant show`: one tenant, what its home says, and what is in it. */
export async function showCommand(slug: string, { json }: Options): Promise<void> {
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const main = await owners.main;
    const tenant = await getTenant(main, slug);
    const place = await owners.of(tenant.database);
    const home = await findHomeRow(place, tenant);
    const { rows, bytes } = home ? await describeHome(place, tenant) : { rows: {}, bytes: 0 };
    const { name, ownedBy } = home
      ? await inHome(place, tenant, async (db) => ({
          name: await nameOf(db, tenant.id),
          ownedBy: await ownersOf(db, tenant.id),
        }))
      : { name: null, ownedBy: [] };
    const [known] = await main.run("select count(*)::int as count from tenantry.identities where tenant_id = $1", [
      tenant.id,
    ]);
    const former = await main.run(
      `select slug from tenantry.slugs where tenant_id = $1 and slug <> $2 order by slug collate "C"`,
      [tenant.id, slug],
    );
    const data = {
      ...shown(tenant),
      name,
      home,
      owners: ownedBy.map(({ email }) => email),
      formerSlugs: former.map((row) => String(row.slug)),
      identities: Number(known!.count),
      rows,
      bytes,
    };
    const lines = [
      ["Slug", slug],
      ["Name", name ?? "none"],
      ["Id", tenant.id],
      ["Status", tenant.status],
      ["Home", `${tenant.isolation} in ${tenant.database}, ${tenant.schemaName}`],
      ["Home says", home ? `${home.status}, epoch ${home.epoch}` : "nothing: `tenantry doctor` says what to do"],
      ["Owners", data.owners.join(", ") || "none"],
      ["Can sign in", `${data.identities} ${data.identities === 1 ? "identity" : "identities"}`],
      ["Former slugs", data.formerSlugs.join(", ") || "none"],
      [
        "Rows",
        Object.entries(rows)
          .map(([table, count]) => `${count} ${table}`)
          .join(", ") || "none",
      ],
      ["Size", `${Math.ceil(bytes / 1024)} kB`],
      ["Since", tenant.createdAt.toISOString()],
    ];
    say(json, columns(lines), data);
  });
}
