import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "../../database/connection.js";
import { isPassing } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";

/** How long one try for a lock may hold up those who queue behind it. */
const LOCK_MS = 300;
const PATIENCE_MS = 60_000;

// Values are compared and copied as text, so the text must not depend on how either database is set up. A statement of a
// mover that died ends with it.
const SETTINGS = {
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
  client_connection_check_interval: "1s",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
};

/** A connection of a mover's own. */
export interface Worker {
  readonly lease: Lease;
  close(): Promise<void>;
}

const AT_WORK = "hashtextextended('tenantry moving ' || $1, 0)";

/**
 * Opens a connection that works at a tenant's move: as `mover` beside others of the same move; as `heir`, once all of a
 * move before it have ended, whose statements may outlive the process that sent them; as `desk`, which writes in the
 * directory alone, and holds the move itself.
 */
export async function openWorker(
  owners: Owners,
  database: string,
  tenant: TenantId,
  as: "mover" | "heir" | "desk",
): Promise<Worker> {
  const { lease, connection } = await owners.connect(database);
  const worker = { lease, close: () => close(lease, connection) };
  try {
    for (const [name, value] of Object.entries(SETTINGS))
      await lease.run("select set_config($1, $2, false)", [name, value]);
    if (as === "heir") {
      await lease.run("select set_config('lock_timeout', '20s', false)");
      await lease.run(`select pg_advisory_lock(${AT_WORK})`, [tenant]);
      await lease.run("select set_config('lock_timeout', '0', false)");
    } else if (as === "mover") await lease.run(`select pg_advisory_lock_shared(${AT_WORK})`, [tenant]);
    return worker;
  } catch (error) {
    await worker.close();
    throw error;
  }
}

async function close(lease: Lease, connection: Connection): Promise<void> {
  lease.release();
  await connection.close();
}

/**
 * Runs `work` in a transaction that waits for locks only shortly, again until it gets them: whoever waits for a strong lock
 * on a table makes everybody else wait.
 */
export async function withShortLocks<T>(lease: Lease, work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await inTransaction(lease, async () => {
        await lease.run(`set local lock_timeout = ${LOCK_MS}`);
        return work();
      });
    } catch (error) {
      if (!isPassing(error) || performance.now() > until) throw error;
    }
    await pause(Math.random() * LOCK_MS);
  }
}
