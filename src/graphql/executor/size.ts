import { GraphQLError } from "graphql";
import { refusal } from "../errors.js";

/** How much one answer may hold. */
export interface Most {
  readonly answerObjects: number;
  readonly answerCharacters: number;
}

/**
 * For each object that an answer may hold, so many of its fields may be waited for, and so many rows be read. Most of them become an
 * object each, so that whoever asks for what may be answered comes to neither; but what waits takes more room than what is there,
 * and of what comes to nothing no object is ever counted.
 */
const WAITS_PER_OBJECT = 2;
/** What is searched for the answer to one question takes as long as so many fields that are waited for. */
const WAITS_PER_SEARCH = 10;
const ANYTHING: Most = { answerObjects: Number.POSITIVE_INFINITY, answerCharacters: Number.POSITIVE_INFINITY };
const TOO_LARGE = "COST_EXCEEDED";
/** An error takes as long, and as much room, as so many objects. */
const OBJECTS_PER_ERROR = 10;
/** Names of fields and types around one value, generously. */
const AROUND = 1000;
const CHARACTERS_OF_A_NUMBER = 20;
/** What stands around a key and its value. */
export const AROUND_KEY = 6;

/**
 * How much of an answer there is. What a document asks for is multiplied by what is there: pages within pages are more than any
 * memory holds, and nobody else is served while they are put together.
 */
export class Size {
  #objects = 0;
  #waits = 0;
  #rows = 0;
  #error: GraphQLError | null = null;
  #characters = 0;
  /** Of values that are objects, most of which are told many times. */
  readonly #lengths = new Map<object, number>();

  readonly #mostWaits: number;

  constructor(private readonly most: Most = ANYTHING) {
    this.#mostWaits = most.answerObjects * WAITS_PER_OBJECT;
  }

  /** Begins anew, for the next of several changes: each has an answer of its own, and what became of it must be told. */
  restart(): void {
    this.#objects = this.#characters = this.#waits = this.#rows = 0;
    this.#error = null;
  }

  /** To be called before more is done for an answer that may have been refused since it was asked for. @throws GraphQLError `COST_EXCEEDED` */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** @throws GraphQLError `COST_EXCEEDED` for one more object, or leaf of a list, than an answer may hold */
  addObject(): void {
    this.#objects += 1;
    if (this.#objects > this.most.answerObjects)
      throw this.#tooLarge("answerObjects", `${this.most.answerObjects} objects`);
  }

  /** @throws GraphQLError `COST_EXCEEDED` for one more field, or item of a list, that is waited for than an answer may have */
  addWait(): void {
    this.#addWaits(1);
  }

  /** To be called before it. @throws GraphQLError `COST_EXCEEDED` */
  addSearch(): void {
    this.#addWaits(WAITS_PER_SEARCH);
  }

  #addWaits(count: number): void {
    this.#waits += count;
    if (this.#waits > this.#mostWaits)
      throw this.#tooLarge("answerObjects", `${this.#mostWaits} fields to wait for`, "has");
  }

  /** How many rows may be read for an answer. */
  get mostRows(): number {
    return this.#mostWaits;
  }

  /** How many of them were not read yet. */
  get rowsLeft(): number {
    return this.#mostWaits - this.#rows;
  }

  /** @throws GraphQLError `COST_EXCEEDED` for more rows than may be read */
  addRows(count: number): void {
    this.#rows += count;
    if (this.#rows > this.#mostWaits)
      throw this.#tooLarge("answerObjects", `${this.#mostWaits} rows to read`, "is made of");
  }

  /** @throws GraphQLError `COST_EXCEEDED` */
  addError(): void {
    this.#objects += OBJECTS_PER_ERROR - 1;
    this.addObject();
  }

  /** @throws GraphQLError `COST_EXCEEDED` for more text than an answer may hold */
  addCharacters(count: number): void {
    this.#characters += count;
    if (this.#characters > this.most.answerCharacters)
      throw this.#tooLarge("answerCharacters", `${this.most.answerCharacters} characters`);
  }

  /** @throws GraphQLError `COST_EXCEEDED` */
  addLeaf(value: unknown): void {
    if (typeof value === "string") this.addCharacters(value.length);
    else if (typeof value === "object" && value !== null) this.addCharacters(this.#lengthOf(value));
    else this.addCharacters(CHARACTERS_OF_A_NUMBER);
  }

  /**
   * Whether an answer has room for the value, and for what stands around it: for a change that is not worth making where nobody can
   * be told of it. Who asks for it twice may be told that it was made and does not fit.
   */
  hasRoomFor(value: object): boolean {
    return this.#characters + this.#lengthOf(value) + AROUND <= this.most.answerCharacters;
  }

  #lengthOf(value: object): number {
    const known = this.#lengths.get(value) ?? JSON.stringify(value).length;
    this.#lengths.set(value, known);
    return known;
  }

  #tooLarge(limit: keyof Most, what: string, does = "holds"): GraphQLError {
    if (this.#error) return this.#error;
    const message = `This would be more than ${what}, the most that an answer ${does}. Ask for shorter pages, or for fewer of them in one another.`;
    this.#error = refusal(TOO_LARGE, message, 400, { limit });
    // Nothing more is added to it, whichever it was that was too much: what is still waited for ends at its first object.
    this.#objects = this.most.answerObjects + 1;
    this.#characters = this.most.answerCharacters + 1;
    this.#waits = this.#rows = this.#mostWaits + 1;
    return this.#error;
  }
}

/** Of what nobody measures. */
export const UNMEASURED = new Size();

/** Whether it is no failure of a field's own, and ends the whole root field. */
export const isTooLarge = (error: unknown): boolean =>
  error instanceof GraphQLError && error.extensions.code === TOO_LARGE;
