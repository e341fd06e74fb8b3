import type { FieldNode, GraphQLObjectType, SelectionSetNode } from "graphql";
import type { Answer, Below } from "./complete.js";
import { keyedOf } from "./field.js";
import { answerInTurn, answerTogether, type Keyed } from "./object.js";
import type { Run } from "./run.js";
import { asked } from "./selection.js";

/**
 * An operation as functions, for the variables that decide what is included. Made while it is executed, for what it meets
 * only: the same fields of the same type once, however many ways lead to them.
 */
export class Compiled {
  /** How many fields it is made of. */
  size = 0;
  readonly #answers = new Map<string, Answer>();
  readonly #numbers = new Map<FieldNode, number>();
  #root: Answer | undefined;

  /** Answers the operation: a mutation field after field, anything else together. */
  root({ selectionSet, operation }: Run["operation"], type: GraphQLObjectType, run: Run): Answer {
    this.#root ??= (operation === "mutation" ? answerInTurn : answerTogether)(this.#fields([selectionSet], type, run));
    return this.#root;
  }

  readonly #below: Below = ({ nodes }, type, run) => {
    const name = `${type.name} ${nodes.map((node) => this.#numberOf(node)).join(" ")}`;
    let answer = this.#answers.get(name);
    if (!answer) {
      const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      answer = answerTogether(this.#fields(sets, type, run));
      this.#answers.set(name, answer);
    }
    return answer;
  };

  #fields(sets: readonly SelectionSetNode[], type: GraphQLObjectType, run: Run): Keyed[] {
    const fields = asked(sets, type, run);
    this.size += fields.length;
    return fields.map((one) => keyedOf(one, this.#below));
  }

  #numberOf(node: FieldNode): number {
    const number = this.#numbers.get(node) ?? this.#numbers.size;
    this.#numbers.set(node, number);
    return number;
  }
}
