import { connect, type Socket } from "node:net";
import postgres from "postgres";
import { parseArray } from "./arrays.js";
import { ConnectionLostError } from "./errors.js";
import { boundOf } from "./messages.js";
import { type Sent, sending } from "./sent.js";
import type { Spoken } from "./spoken.js";
import { Turn } from "./turn.js";
import { Wire } from "./wire.js";

export interface ClientSettings {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Whether statements are prepared; `auto` where the server itself answers, and no pooler that may not know them. */
  readonly prepare: boolean | "auto";
}

/**
 * A client of the driver that has one socket in its life. (One that reconnects sends what is left of a transaction to the
 * new session, where it is acknowledged, or read, as somebody else's.)
 */
export interface Client {
  readonly sql: postgres.Sql;
  /** Sends a statement behind those that were sent before. Whatever becomes of it, its sender is told, unless the session is lost. */
  readonly send: (statement: Sent) => void;
  /**
   * Says a statement behind those that were sent before, and with those of its turn, in our own words. Only where there is a wire, and while
   * the driver has nothing to answer.
   * @param isApart whether it is run also where one before it in its turn is refused, and those behind it where it is
   */
  readonly say: (statement: Spoken, isApart: boolean) => void;
  /** Values as the driver writes them, as what is said takes them; null where one cannot be written, of which the driver tells in its way. */
  readonly bind: (values: readonly unknown[], types: readonly number[]) => Buffer | null;
  /** The connection's own words; null beneath TLS, where the bytes on its socket mean nothing to it. */
  readonly wire: Wire | null;
  /** Tears the socket down, whatever is under way. What waits may never be answered. */
  destroy(): void;
}

// What PostgreSQL warns of when a transaction ends that had not begun, or begins in another.
const OUT_OF_STEP = new Set(["25P01", "25001"]);

/** @param onEnd called with the reason when the session is lost, or its transactions are not where we take them to be */
export function createClient(settings: ClientSettings, onEnd: (reason: Error) => void): Client {
  let socket: Socket | null = null;
  let wire: Wire | null = null;
  let turn: Turn | null = null;
  const { url, path } = addressIn(settings.url);
  const sql = postgres(url, {
    ...(path !== null && { path }),
    max: 1,
    fetch_types: false,
    prepare: settings.prepare !== false,
    // Its own retirement knows nothing of transactions that it did not begin; its own patience, nothing of ours.
    max_lifetime: null,
    idle_timeout: 0,
    connect_timeout: 0,
    // A warning only, and the COMMIT that it is about is then acknowledged. It comes before the acknowledgement.
    onnotice: ({ code }) => {
      if (OUT_OF_STEP.has(code!)) onEnd(new ConnectionLostError("A transaction was begun or ended out of turn."));
    },
    connection: { application_name: settings.applicationName, TimeZone: "UTC" },
    socket: (target: Target) => {
      if (socket) throw new ConnectionLostError("The connection to the database was lost.");
      const onLost = () => onEnd(new ConnectionLostError("The answers belong to other statements."));
      ({ socket, wire } = dial(target, onLost));
      turn = new Turn(socket, () => wire?.finish());
      return socket;
    },
    onclose: () => onEnd(new ConnectionLostError("The connection to the database was lost.")),
  } as postgres.Options<Record<string, never>>);
  // Dates stay text on the wire: one parser for all, the tables' own.
  for (const type of [1082, 1083, 1114, 1184]) sql.options.parsers[type] = (value: string) => value;
  // Arrays of text and of uuids: asking the server for its array types costs more with every tenant's schema.
  for (const type of [1009, 2951]) sql.options.parsers[type] = parseArray;
  const send = sending(sql);
  return {
    sql,
    send: (statement) => {
      // The driver writes what is long at once, and what is short at the end of the turn.
      turn?.keep();
      wire?.finish();
      try {
        send(statement);
      } finally {
        turn?.putOff();
      }
    },
    say: (statement, isApart) => {
      turn!.keep();
      if (isApart) wire!.finish();
      wire!.say(statement);
      if (isApart) wire!.finish();
    },
    bind: (values, types) => {
      try {
        return boundOf(values.map((value, nth) => textOf(value, types[nth]!, sql.options.serializers)));
      } catch {
        return null;
      }
    },
    get wire() {
      return wire;
    },
    destroy: () => {
      // Not left to the driver, which says goodbye and waits for a server that may be deaf.
      socket?.destroy();
      sql.end({ timeout: 0 }).catch(() => {});
    },
  };
}

/** @throws where it cannot be written */
function textOf(value: unknown, type: number, serializers: Record<number, (value: unknown) => unknown>): string | null {
  if (value === null) return null;
  if (value === undefined) throw new TypeError("A value of a statement is undefined.");
  const written = serializers[type];
  return `${written ? written(value) : value}`;
}

/**
 * Where an address leads. A `host` among its parameters that is a folder is where the server's socket is, as PostgreSQL's own clients
 * have it: `postgres://login:password@localhost/tenantry?host=/run/postgresql`. The driver would ask the server to set it.
 */
function addressIn(url: string): { readonly url: string; readonly path: string | null } {
  const address = new URL(url);
  const folder = address.searchParams.get("host");
  if (!folder?.startsWith("/")) return { url, path: null };
  address.searchParams.delete("host");
  return { url: address.href, path: `${folder}/.s.PGSQL.${address.port || 5432}` };
}

/** What every connection asks first, whoever it is for. */
const WHO = `select pg_backend_pid() as pid, pg_is_in_recovery() as is_standby,
  exists (select from pg_catalog.pg_extension where extname = 'citus') as is_citus`;

/**
 * Waits until the session answers, and says what it is: the server's process, whether that is a standby's, whether Citus spreads
 * the database over several servers, and whether a pooler stands before it. That makes up the process that it tells its clients,
 * to know them apart.
 */
export async function meet({ sql }: Client) {
  const asked = sql.unsafe(WHO);
  const [row] = await asked;
  const { state } = asked as unknown as { readonly state: { readonly pid?: number } | null };
  const pid = Number(row?.pid);
  return { pid, isCitus: row?.is_citus === true, isStandby: row?.is_standby === true, isPooled: state?.pid !== pid };
}

interface Target {
  readonly host: string[];
  readonly port: number[];
  readonly path?: string | false;
  readonly ssl?: unknown;
}

function dial(target: Target, onLost: () => void): { readonly socket: Socket; readonly wire: Wire | null } {
  const [host, port] = [target.host[0] ?? "localhost", target.port[0] ?? 5432];
  const to = target.path ? { path: target.path } : { host, port, noDelay: true };
  const dialled = target.ssl ? { socket: connect(to), wire: null } : Wire.connect(to, onLost);
  // The driver takes the server's name for TLS from here.
  Object.assign(dialled.socket, { host, port });
  return dialled;
}
