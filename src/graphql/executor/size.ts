import type { GraphQLError } from "graphql";
import { refusal } from "../errors.js";

const TOO_LARGE = "COST_EXCEEDED";

/**
 * How much of an answer there is. What a document asks for is multiplied by what is there: pages within pages are more than any
 * memory holds, and nobody else is served while they are put together.
 */
export class Size {
  #objects = 0;

  constructor(private readonly most: number) {}

  /** @throws GraphQLError `COST_EXCEEDED` for one more object, or leaf of a list, than an answer may hold */
  add(): void {
    this.#objects += 1;
    if (this.#objects <= this.most) return;
    const message = `This would be more than ${this.most} objects, the most that an answer holds. Ask for shorter pages, or for fewer of them in one another.`;
    throw refusal(TOO_LARGE, message, 400, { limit: "answerObjects" });
  }
}

/** Whether it is no failure of a field's own, and ends the whole root field. */
export const isTooLarge = ({ extensions }: GraphQLError): boolean => extensions.code === TOO_LARGE;
