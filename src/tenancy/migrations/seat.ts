import type { Connection } from "../../database/connection.js";
import type { Lease } from "../../database/lease.js";
import type { Owners } from "../owners.js";

/** One worker's connection: to one database at a time, opened when it comes there. */
export class Seat {
  #open: { readonly database: string; readonly lease: Lease; readonly connection: Connection } | null = null;

  constructor(private readonly owners: Owners) {}

  /**
   * The connection to a database; a new one when the last was lost.
   * @throws UnavailableError when it does not answer
   */
  async at(database: string): Promise<Lease> {
    if (this.#open && this.#open.database === database && !this.#open.lease.over) return this.#open.lease;
    await this.leave();
    const { lease, connection } = await this.owners.connect(database);
    this.#open = { database, lease, connection };
    // The statements are many and short, and the same for all homes: to compile or plan one costs more than it takes.
    await lease.run("set jit = off; set plan_cache_mode = force_generic_plan");
    return lease;
  }

  async leave(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    open?.lease.release();
    await open?.connection.close();
  }
}
