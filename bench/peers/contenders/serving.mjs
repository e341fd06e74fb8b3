// What the contenders share: their connections, their tenants, and how they say that they are ready.
import postgres from "postgres";

export const connect = (max = 10) => postgres(process.env.PEERS_URL, { max, onnotice() {} });

/** Each tenant by the name that requests call it, with the schema of its own. */
export async function readTenants() {
  const sql = connect(1);
  const rows = await sql`select t, shape.id('t', t, '') as id from shape.tenants`;
  await sql.end();
  return new Map(rows.map(({ t, id }) => [`t${t}`, { id, prefix: `"t${t}".` }]));
}

export function listen(server) {
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
  process.on("SIGTERM", () => process.exit(0));
  process.on("disconnect", () => process.exit(0));
}

/** The text of a statement for a tenant, written once. */
export function textsOf(make) {
  const made = new Map();
  return ({ prefix }, name) => {
    const key = prefix + name;
    const text = made.get(key) ?? make[name](prefix);
    made.set(key, text);
    return text;
  };
}
