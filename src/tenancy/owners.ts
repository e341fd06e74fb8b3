import type { Connection } from "../database/connection.js";
import type { Lease } from "../database/lease.js";
import { Leases } from "../database/leases.js";
import { MAIN } from "../database/names.js";
import { openOwner } from "../database/owner.js";
import { STATEMENT_TIMEOUT_MS, silenceOf } from "../database/silence.js";
import type { Names } from "./migrations/files.js";
import { ensureLogins, type Login } from "./migrations/logins.js";

/** One database as its owner reaches it, and the login that serves it. */
export interface OwnedDatabase {
  readonly url: string;
  readonly serve: Login;
}

/** Everything that owners' commands need to reach every database. */
export interface OwnersSettings {
  /** The login that reads the directory. */
  readonly door: Login;
  /** By the name that the settings give each; `main` among them. */
  readonly databases: Readonly<Record<string, OwnedDatabase>>;
  /** How long a statement of a serving login may take. */
  readonly statementTimeoutMs?: number;
}

/**
 * The owner's connections, one to each database, opened when first asked for. For migrations and commands only: the
 * process that answers requests never holds these URLs.
 */
export class Owners {
  readonly #open = new Map<string, Promise<{ readonly lease: Lease; readonly connection: Connection }>>();

  constructor(private readonly settings: OwnersSettings) {}

  /** The names of all databases, `main` first. */
  get databases(): string[] {
    return [MAIN, ...Object.keys(this.settings.databases).filter((name) => name !== MAIN)];
  }

  /** The directory's database. */
  get main(): Promise<Lease> {
    return this.of(MAIN);
  }

  /**
   * The connection to a database.
   * @throws UnavailableError when it does not answer
   * @throws Error when the settings name no such database
   */
  async of(name: string): Promise<Lease> {
    const opened = this.#open.get(name) ?? this.connect(name);
    this.#open.set(name, opened);
    return (await opened).lease;
  }

  /**
   * One more connection to a database, for work beside that of others; whoever asks for it closes it.
   * @param prepare false for statements that are sent once each
   */
  async connect(name: string, prepare = true): Promise<{ readonly lease: Lease; readonly connection: Connection }> {
    const connection = await openOwner(this.get(name).url, prepare);
    return { lease: connection.lease(""), connection };
  }

  /** The same databases over connections of their own: for work that must not end with another's. */
  apart(): Owners {
    return new Owners(this.settings);
  }

  /** How the login that serves a database gets there by the owner's own way: past a pooler, where there is one. */
  servingUrl(database: string): string {
    return as(this.get(database).serve, this.get(database).url);
  }

  /** The same for the login that reads the directory. */
  get doorUrl(): string {
    return as(this.settings.door, this.get(MAIN).url);
  }

  /** A connection of the login that serves a database, for what a command does under row security. Whoever asks for it closes it. */
  servingLeases(database: string, applicationName: string): Leases {
    const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = this.settings;
    return new Leases({
      databases: { [database]: this.servingUrl(database) },
      applicationName,
      prepare: true,
      connectTimeoutMs: 5000,
      size: 1,
      silenceMs: silenceOf(statementTimeoutMs),
      waitMs: 10_000,
      maxAgeMs: Number.POSITIVE_INFINITY,
    });
  }

  /** The names of the logins that migrations let into a database. */
  names(database: string): Names {
    return { door: this.settings.door.name, serve: this.get(database).serve.name };
  }

  /** The logins that a database has to know. */
  logins(database: string): Login[] {
    const { door, statementTimeoutMs } = this.settings;
    const { serve } = this.get(database);
    const logins = database === MAIN ? [door, serve] : [serve];
    return logins.map((login) => ({ ...login, statementTimeoutMs }));
  }

  /** @throws Error when the settings name no such database */
  get(database: string): OwnedDatabase {
    const found = Object.hasOwn(this.settings.databases, database) ? this.settings.databases[database] : undefined;
    if (found) return found;
    throw new Error(
      `The settings name no database ${database}, or not its owner. There are: ${this.databases.join(", ")}. Add it to TENANTRY_DATABASES and TENANTRY_DATABASE_OWNERS.`,
    );
  }

  async close(): Promise<void> {
    for (const opened of this.#open.values()) {
      await opened.then(
        async ({ lease, connection }) => {
          lease.release();
          await connection.close();
        },
        () => {},
      );
    }
  }
}

function as({ name, password }: Login, url: string): string {
  const other = new URL(url);
  other.username = encodeURIComponent(name);
  other.password = encodeURIComponent(password);
  return other.href;
}

/** Runs `work` with the owner's connections, and closes them. */
export async function withOwners<T>(settings: OwnersSettings, work: (owners: Owners) => Promise<T>): Promise<T> {
  const owners = new Owners(settings);
  try {
    return await work(owners);
  } finally {
    await owners.close();
  }
}

/** Makes the serving logins of every database, and confines them. Running it again changes nothing. */
export async function ensureAllLogins(owners: Owners): Promise<void> {
  for (const name of owners.databases) await ensureLogins(await owners.of(name), owners.logins(name), name !== MAIN);
}
