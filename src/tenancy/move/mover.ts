import { setTimeout as pause } from "node:timers/promises";
import { ensureHome } from "../create.js";
import { readTables, type Table, tableIn } from "../homeTables.js";
import { appliedIn } from "../migrations/ledger.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";
import { type CaughtUp, catchUp } from "./catchUp.js";
import { copyRows, type Ways } from "./copy.js";
import { closeOld, fence, lift, openNew, writeHomeRow } from "./fence.js";
import { recordStep, switchHomes } from "./record.js";
import { MoveRefusedError, type Route } from "./route.js";
import { layTraces, removeTraces } from "./trace.js";
import { mustAgree, type Sum, sumsOf } from "./verify.js";
import { openWorker, type Worker } from "./worker.js";

/** How far a move is. */
export type MoveStep =
  | { readonly step: "COPYING"; readonly rows: number }
  | { readonly step: "CATCHING_UP" }
  | { readonly step: "VERIFIED"; readonly tables: readonly Sum[] }
  | { readonly step: "FENCED" }
  | { readonly step: "LIFTED"; readonly afterMs: number }
  | { readonly step: "SWITCHED" };

export interface Telling {
  readonly onStep?: (step: MoveStep) => void;
  readonly onRows?: (done: number, of: number) => void;
}

/** What a move took. */
export interface Effort {
  /** Copied at first. */
  readonly rows: number;
  /** How often a row was changed from then on. */
  readonly changes: number;
  /** For how long changes had to wait. */
  readonly pauseMs: number;
}

/** A round that brings fewer changes than these is soon followed by the last one. */
const FEW = 500;
const MOST_ROUNDS = 100;
/** A fence that is not through by then is lifted: those who wait go on, and it is tried again. */
const MOST_FENCED_MS = 500;
const PAUSE_MS = 200;
/** Longer than any request: what holds the tenant's lock has ended by then. */
const PATIENCE_MS = 60_000;
/** Rows that can be counted once more within the fence; of more, only what was changed since they were verified is looked at. */
const COUNTED_IN_FENCE = 1_000_000;

/** One move, from the home that was taken for it to the end of the old one's service. */
export class Mover {
  #tables: readonly Table[] = [];
  #rows = 0;
  #changes = 0;

  private constructor(
    private readonly owners: Owners,
    private readonly desk: Worker,
    private readonly route: Route,
    private readonly ways: Ways,
    private readonly telling: Telling,
  ) {}

  /** @throws MoveRefusedError when the homes cannot be made alike; until the directory is written nothing has been moved */
  static async run(owners: Owners, desk: Worker, route: Route, telling: Telling): Promise<Effort> {
    const opened: Worker[] = [];
    try {
      for (const { database } of [route.from, route.to])
        opened.push(await openWorker(owners, database, route.tenant, "mover"));
      const [from, to] = opened.map(({ lease }) => lease);
      return await new Mover(owners, desk, route, { from: from!, to: to! }, telling).#run();
    } finally {
      await Promise.all(opened.map((worker) => worker.close()));
    }
  }

  async #run(): Promise<Effort> {
    const { route, ways, desk } = this;
    await this.#copy();
    await this.#settle();
    await this.#verify();
    await recordStep(desk.lease, route, "FENCING");
    const start = await this.#fence();
    await switchHomes(desk.lease, route);
    // Nobody may change anything in the new home as long as anybody may read in the old one.
    await closeOld(ways.from, route);
    await openNew(ways.to, route);
    const pauseMs = Math.round(performance.now() - start);
    this.telling.onStep?.({ step: "SWITCHED" });
    await removeTraces(ways.from, route);
    await recordStep(desk.lease, route, "LEFT");
    return { rows: this.#rows, changes: this.#changes, pauseMs };
  }

  async #copy(): Promise<void> {
    const { owners, route, ways, telling } = this;
    await inTransaction(ways.to, () => ensureHome(owners, ways.to, route.to));
    await this.#mustBeAlike();
    this.#tables = await readTables(ways.from, route.from.schemaName);
    await layTraces(ways.from, route, this.#tables, owners.names(route.from.database));
    const counts = await sumsOf(ways.from, route.from, route, this.#tables, "counts");
    const expected = counts.reduce((sum, { rows }) => sum + rows, 0);
    telling.onStep?.({ step: "COPYING", rows: expected });
    await writeHomeRow(ways, route);
    await copyRows(ways, route, this.#tables, (rows) => {
      this.#rows += rows;
      telling.onRows?.(this.#rows, Math.max(expected, this.#rows));
    });
    // In a home that nobody has used yet, nothing is known about its rows.
    for (const { name } of route.to.isolation === "SHARED" ? [] : this.#tables)
      await ways.to.run(`analyze ${tableIn(route.to.schemaName, name)}`);
    telling.onStep?.({ step: "CATCHING_UP" });
  }

  /** @throws MoveRefusedError when one of the homes is at another version than the other */
  async #mustBeAlike(): Promise<void> {
    const { from, to } = this.ways;
    const [old, made, ...tables] = await Promise.all([
      appliedIn(from, this.route.from.schemaName),
      appliedIn(to, this.route.to.schemaName),
      readTables(from, this.route.from.schemaName),
      readTables(to, this.route.to.schemaName),
    ]);
    const isChanged = this.#tables.length > 0 && !isAlike(this.#tables, tables[0]);
    if (isAlike(old, made) && isAlike(tables[0], tables[1]) && !isChanged) return;
    throw new MoveRefusedError(
      "The two homes are not at the same version. Run `tenantry migrate`, and move the tenant afterwards.",
    );
  }

  /** Catches up until there is hardly anything left to catch up with. */
  async #settle(): Promise<void> {
    for (let round = 1; round <= MOST_ROUNDS; round++) if ((await this.#catchUp()).changes < FEW) return;
    throw new MoveRefusedError(
      "The tenant is changed faster than its changes can be brought over. Move it when it is less busy.",
    );
  }

  /** What was brought over is compared, at the very moment of the old home that was brought over. */
  async #catchUp(): Promise<CaughtUp> {
    const { ways, route } = this;
    const caught = await catchUp(ways, route, this.#tables, async ({ changes, keys }) => {
      if (changes > 0) await mustAgree(ways, route, this.#tables, keys);
    });
    this.#changes += caught.changes;
    return caught;
  }

  /** Compares all rows of both homes as they are at one moment, while changes go on. */
  async #verify(): Promise<void> {
    const { ways, route } = this;
    let tables: readonly Sum[] = [];
    const { changes } = await catchUp(ways, route, this.#tables, async () => {
      tables = await mustAgree(ways, route, this.#tables, "all");
    });
    this.#changes += changes;
    this.telling.onStep?.({ step: "VERIFIED", tables });
  }

  /**
   * Closes the old home to changes, and brings the new one to its very end.
   * @returns when changes began to wait
   */
  async #fence(): Promise<number> {
    const { ways, route, telling } = this;
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await pause(PAUSE_MS)) {
      await this.#settle();
      const start = performance.now();
      if (!(await fence(ways.from, route))) continue;
      telling.onStep?.({ step: "FENCED" });
      await this.#catchUp();
      const counted = this.#rows < COUNTED_IN_FENCE && mustAgree(ways, route, this.#tables, "counts");
      await Promise.all([counted, this.#mustBeAlike()]);
      const fencedMs = performance.now() - start;
      if (fencedMs < MOST_FENCED_MS) return start;
      await lift(ways.from, route);
      telling.onStep?.({ step: "LIFTED", afterMs: Math.round(fencedMs) });
    }
    throw new MoveRefusedError(
      "Changes would have to wait too long for the last step. Move the tenant when the database is less busy.",
    );
  }
}

const isAlike = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
