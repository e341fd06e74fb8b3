import { GraphQLError } from "graphql";
import { refusal } from "../errors.js";

/** How much one answer may hold. */
export interface Most {
  readonly answerObjects: number;
  readonly answerCharacters: number;
}

const ANYTHING: Most = { answerObjects: Number.POSITIVE_INFINITY, answerCharacters: Number.POSITIVE_INFINITY };
const TOO_LARGE = "COST_EXCEEDED";
/** An error takes as long, and as much room, as so many objects. */
const OBJECTS_PER_ERROR = 10;
const CHARACTERS_OF_A_NUMBER = 20;
/** What stands around a key and its value. */
export const AROUND_KEY = 6;

/**
 * How much of an answer there is. What a document asks for is multiplied by what is there: pages within pages are more than any
 * memory holds, and nobody else is served while they are put together.
 */
export class Size {
  #objects = 0;
  #error: GraphQLError | null = null;
  #characters = 0;
  /** Of values that are objects, most of which are told many times. */
  readonly #lengths = new Map<object, number>();

  constructor(private readonly most: Most = ANYTHING) {}

  /** Begins anew, for the next of several changes: each has an answer of its own, and what became of it must be told. */
  restart(): void {
    this.#objects = this.#characters = 0;
    this.#error = null;
  }

  /** @throws GraphQLError `COST_EXCEEDED` for one more object, or leaf of a list, than an answer may hold */
  addObject(): void {
    this.#objects += 1;
    if (this.#objects > this.most.answerObjects) throw this.#tooLarge("answerObjects", "objects");
  }

  /** @throws GraphQLError `COST_EXCEEDED` */
  addError(): void {
    this.#objects += OBJECTS_PER_ERROR - 1;
    this.addObject();
  }

  /** @throws GraphQLError `COST_EXCEEDED` for more text than an answer may hold */
  addCharacters(count: number): void {
    this.#characters += count;
    if (this.#characters > this.most.answerCharacters) throw this.#tooLarge("answerCharacters", "characters");
  }

  /** @throws GraphQLError `COST_EXCEEDED` */
  addLeaf(value: unknown): void {
    if (typeof value === "string") this.addCharacters(value.length);
    else if (typeof value === "object" && value !== null) this.addCharacters(this.#lengthOf(value));
    else this.addCharacters(CHARACTERS_OF_A_NUMBER);
  }

  #lengthOf(value: object): number {
    const known = this.#lengths.get(value) ?? JSON.stringify(value).length;
    this.#lengths.set(value, known);
    return known;
  }

  #tooLarge(limit: keyof Most, what: string): GraphQLError {
    if (this.#error) return this.#error;
    const message = `This would be more than ${this.most[limit]} ${what}, the most that an answer holds. Ask for shorter pages, or for fewer of them in one another.`;
    this.#error = refusal(TOO_LARGE, message, 400, { limit });
    return this.#error;
  }
}

/** Whether it is no failure of a field's own, and ends the whole root field. */
export const isTooLarge = (error: unknown): boolean =>
  error instanceof GraphQLError && error.extensions.code === TOO_LARGE;
