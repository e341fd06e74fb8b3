// The server keeps every statement with parameters that it has prepared for as long as the connection lasts, with its plan.
/** After so many that belong to no home, a connection is not used again. */
const MOST_PLAIN = 500;
/**
 * So many at most belong to one home each: room for thirty of each of the 32 homes that one of ten connections takes on as they come.
 * What the server remembers of the tables themselves takes more: with a hundred homes 120 to 145 MB in all, whether 600 statements
 * were kept or 300.
 */
const MOST_MARKED = 1000;
/** A home has statements of its own once it has been served so often, … */
const OFTEN = 4;
/** … as long as at least one in so many leases of the connection is for it: for one that is served less, others would be missing. */
const SHARE = 256;

interface Home {
  readonly mark: string;
  /** What is sent in place of a text. */
  readonly texts: Map<string, string>;
  leases: number;
}

/**
 * The homes that a connection serves as a rule. When the search_path is another than the last time, PostgreSQL analyses and
 * plans a prepared statement anew. So for a home that is served often every text carries a mark, a comment, which makes it a
 * statement of its own. A mark says nothing of what a statement sees: that is for its transaction alone to decide.
 */
export class Homes {
  readonly #all = new Map<string, Home>();
  readonly #plain = new Set<string>();
  #leases = 0;
  #marked = 0;
  #current: Home | null = null;

  get size(): number {
    return this.#all.size;
  }

  /** Whether the server keeps more for the connection than it should. */
  get isFull(): boolean {
    return this.#plain.size >= MOST_PLAIN;
  }

  /** Nobody's home is everywhere. */
  has(home: string): boolean {
    return home === "" || this.#all.has(home);
  }

  /** @param settles whether the connection is to serve this home as a rule from now on */
  enter(home: string, settles: boolean): void {
    this.#leases++;
    if (settles && !this.has(home))
      this.#all.set(home, { mark: ` /* home ${this.#all.size + 1} */`, texts: new Map(), leases: 0 });
    this.#current = this.#all.get(home) ?? null;
    if (this.#current) this.#current.leases++;
  }

  /**
   * A text as it is to be sent for the home that was entered last.
   * @param isOfHome whether it names tables of that home
   */
  textOf(text: string, isOfHome: boolean): string {
    const marked = isOfHome && this.#current && this.#markedFor(this.#current, text);
    if (marked) return marked;
    this.#plain.add(text);
    return text;
  }

  #markedFor(home: Home, text: string): string | undefined {
    const known = home.texts.get(text);
    if (known || this.#marked >= MOST_MARKED || home.leases < OFTEN || home.leases * SHARE < this.#leases) return known;
    const marked = text + home.mark;
    home.texts.set(text, marked);
    this.#marked++;
    return marked;
  }
}
