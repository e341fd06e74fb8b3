// PgBouncer in transaction mode before a PostgreSQL on this machine, for tests. Debian's package; the gate installs it.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = "/usr/sbin/pgbouncer";
/** It refuses to run as root, and then becomes somebody without rights. */
const NOBODY = 65_534;

/**
 * Starts a pooler that gives every login to every database `poolSize` sessions of the server.
 * @param logins names and passwords of those who may pass
 */
export async function startPooler({ port: to, poolSize, logins }) {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-pooler-"));
  const port = await freePort();
  writeFileSync(join(folder, "users.txt"), logins.map(([name, password]) => `"${name}" "${password}"\n`).join(""));
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=127.0.0.1 port=${to}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 2000
server_idle_timeout = 5
log_connections = 0
log_disconnections = 0
`,
  );
  chmodSync(folder, 0o755);
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(PROGRAM, ["-q", join(folder, "pgbouncer.ini")], {
    stdio: ["ignore", "ignore", "inherit"],
    ...asNobody,
  });
  const ended = new Promise((resolve, reject) => {
    child.once("error", () => reject(new Error(`${PROGRAM} is not there: apt-get install pgbouncer`)));
    child.once("exit", resolve);
  });
  await Promise.race([answers(port), ended.then((code) => Promise.reject(new Error(`PgBouncer ended (${code}).`)))]);
  return {
    port,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

async function answers(port) {
  for (;;) {
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.end());
    });
    if (isThere) return;
    await new Promise((next) => setTimeout(next, 20));
  }
}
