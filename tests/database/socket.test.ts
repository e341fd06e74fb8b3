import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withOwner } from "../../src/database/owner.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";

// A server's socket in a folder, as PostgreSQL makes one of its own.
let database: TestDatabase;
let folder: string;
let server: Server;
let visits = 0;
beforeAll(async () => {
  database = await cloneDatabase();
  folder = await mkdtemp(join(tmpdir(), "tenantry-socket-"));
  server = createServer((from) => {
    visits++;
    const to = connect({ host: "127.0.0.1", port: Number(process.env.TENANTRY_TEST_PORT) });
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on("error", () => end.destroy());
  });
  await new Promise<void>((ready) => server.listen(join(folder, ".s.PGSQL.5432"), ready));
});
afterAll(async () => {
  await new Promise((closed) => server.close(closed));
  await rm(folder, { recursive: true });
  await database.drop();
});

describe("the address of a database", () => {
  /** The owner's address, there. */
  const at = (host: string, parameters: string) => {
    const url = new URL(database.url("tenantry_owner"));
    return `${url.protocol}//${url.username}:${url.password}@${host}${url.pathname}${parameters}`;
  };

  it.each(["localhost", "localhost:5432"])("names a folder, and leads to the socket in it: %s", async (host) => {
    visits = 0;

    const rows = await withOwner(at(host, `?host=${encodeURIComponent(folder)}`), (owner) =>
      owner.run("select current_database() as name"),
    );

    expect([rows[0]?.name, visits]).toEqual([database.name, 1]);
  });

  it("names a folder without a server, and says so", async () => {
    const lost = withOwner(at("localhost:5433", `?host=${folder}`), (owner) => owner.run("select 1"));

    await expect(lost).rejects.toThrow("The database does not answer.");
  });
});
