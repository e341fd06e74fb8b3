import type { GraphQLResolveInfo } from "graphql";
import type { Asked, Path, Run } from "./run.js";

/**
 * What resolvers are told of where they are. Read through getters: most resolvers never look, and there is one of these for
 * every field of every row.
 */
export class Info implements GraphQLResolveInfo {
  readonly #run: Run;
  readonly #asked: Asked;
  readonly #above: Path | undefined;
  #path: Path | undefined;

  constructor(run: Run, asked: Asked, above: Path | undefined) {
    this.#run = run;
    this.#asked = asked;
    this.#above = above;
  }

  /** The same each time: errors know by it what has become null. */
  get path(): Path {
    this.#path ??= pathOf(this.#asked, this.#above);
    return this.#path;
  }

  get fieldName() {
    return this.#asked.field.name;
  }

  get fieldNodes() {
    return this.#asked.nodes;
  }

  get returnType() {
    return this.#asked.field.type;
  }

  get parentType() {
    return this.#asked.parent;
  }

  get schema() {
    return this.#run.schema;
  }

  get fragments() {
    return this.#run.fragments;
  }

  get rootValue() {
    return this.#run.rootValue;
  }

  get operation() {
    return this.#run.operation;
  }

  // Resolvers may write to it, as to graphql-js's.
  get variableValues() {
    return this.#run.variableValues as { [variable: string]: unknown };
  }
}

export const pathOf = ({ key, parent }: Asked, above: Path | undefined): Path => ({
  prev: above,
  key,
  typename: parent.name,
});
