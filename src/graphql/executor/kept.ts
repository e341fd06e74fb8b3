import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  Kind,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import { Compiled } from "./compiled.js";
import type { Run } from "./run.js";

/** So many fields are kept for each token, at most: whatever a document does, it takes memory in proportion to what is written. */
const FIELDS_PER_TOKEN = 4;
/** What a field takes, measured by those that take most: lists of what is behind an interface. */
const FIELD_BYTES = 1_300;

/** What was made of a document for a schema. Kept as long as both are. */
export class Kept {
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly #conditions: ReadonlySet<string>;
  readonly #most: number;
  readonly #compiled = new Map<string, Compiled>();

  constructor(document: DocumentNode) {
    this.fragments = fragmentsOf(document);
    this.#conditions = conditionsOf(document);
    this.#most = FIELDS_PER_TOKEN * (document.tokenCount ?? 0);
  }

  /** An operation as functions, which are others where the variables include other fields. */
  compiled({ name, variableDefinitions = [] }: OperationDefinitionNode, variables: Run["variableValues"]): Compiled {
    // Its own, which are few: a document may have hundreds.
    const own = variableDefinitions
      .map(({ variable }) => variable.name.value)
      .filter((one) => this.#conditions.has(one));
    const key = [name?.value, ...own.map((one) => variables[one])].map(String).join(" ");
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = new Compiled();
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  /** How many fields are kept. Where the variables leave out all of them, what is kept counts as one. */
  get size(): number {
    let size = 0;
    for (const compiled of this.#compiled.values()) size += Math.max(1, compiled.size);
    return size;
  }

  /** To be called when something compiled was executed, which makes more of it. */
  trim(): void {
    if (this.size > this.#most) this.#compiled.clear();
  }
}

/** How many bytes take the functions that are kept of a document, about. */
export const bytesCompiled = (schema: GraphQLSchema, document: DocumentNode): number =>
  (kept.get(schema)?.get(document)?.size ?? 0) * FIELD_BYTES;

const kept = new WeakMap<GraphQLSchema, WeakMap<DocumentNode, Kept>>();

export function keptOf(schema: GraphQLSchema, document: DocumentNode): Kept {
  let documents = kept.get(schema);
  if (!documents) {
    documents = new WeakMap();
    kept.set(schema, documents);
  }
  let known = documents.get(document);
  if (!known) {
    known = new Kept(document);
    documents.set(document, known);
  }
  return known;
}

function fragmentsOf({ definitions }: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const node of definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  return fragments;
}

/** The variables that decide what is included. */
function conditionsOf(document: DocumentNode): Set<string> {
  const variables = new Set<string>();
  visit(document, {
    Directive({ name, arguments: args = [] }) {
      if (name.value !== GraphQLSkipDirective.name && name.value !== GraphQLIncludeDirective.name) return;
      for (const { value } of args) if (value.kind === Kind.VARIABLE) variables.add(value.name.value);
    },
  });
  return variables;
}
