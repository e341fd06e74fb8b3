import type { TenantSession } from "../tenancy/session.js";
import type { Fields } from "./columns.js";

/**
 * What is read first whatever the viewer may do, known from the arguments of a root field of a query alone, or from what a mutation
 * has changed. It is sent beside the viewer's access, which saves a way to the server and back, and judged as all that is
 * read: once access is there.
 */
export interface Ahead<Row = unknown> {
  /** What the arguments, or the payload, ask for; null where that is nothing, or has to be refused where the field runs. Never throws. */
  readonly keyOf: (source: Readonly<Record<string, unknown>>) => string | null;
  /** One statement for all that is asked for. Rejects where it fails, and never throws. */
  readonly send: (
    session: TenantSession,
    fields: Fields | undefined,
    keys: readonly string[],
  ) => Promise<readonly Row[]>;
}

/** By what is read, what all root fields of an operation ask of it. */
export type WantedAhead = ReadonlyMap<Ahead, ReadonlySet<string>>;

/** What is to be read of what a mutation has changed; undefined where nothing is known of it. */
export function wantedOf(ahead: Ahead | undefined, payload: unknown): WantedAhead | undefined {
  const key = ahead?.keyOf(payload as Readonly<Record<string, unknown>>) ?? null;
  return key === null ? undefined : new Map([[ahead!, new Set([key])]]);
}

/** What was sent ahead in a session. */
export class SentAhead {
  readonly #rows = new Map<Ahead, Promise<readonly unknown[]>>();

  constructor(
    session: TenantSession,
    fields: Fields | undefined,
    private readonly wanted: WantedAhead,
  ) {
    for (const [what, keys] of wanted) {
      const rows = what.send(session, fields, [...keys]);
      // Of a session that nothing comes of, nobody listens.
      rows.catch(() => {});
      this.#rows.set(what, rows);
    }
  }

  /** The rows, among them those of these keys; null where any of them was not asked for. */
  rowsOf<Row>(what: Ahead<Row>, keys: readonly string[]): Promise<readonly Row[]> | null {
    const asked = this.wanted.get(what);
    if (!asked || !keys.every((key) => asked.has(key))) return null;
    return this.#rows.get(what) as Promise<readonly Row[]>;
  }
}

/** Where rows are read in a session, and what was sent ahead in it. */
interface Reading {
  readonly session: TenantSession;
  readonly fields?: Fields | undefined;
  readonly ahead?: SentAhead | undefined;
}

/** The rows of these keys among others: those that were sent ahead where they were, else asked for now. */
export const rowsAhead = <Row>({ ahead, session, fields }: Reading, what: Ahead<Row>, keys: readonly string[]) =>
  ahead?.rowsOf(what, keys) ?? what.send(session, fields, keys);
