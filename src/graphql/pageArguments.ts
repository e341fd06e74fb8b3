import { type ArgumentNode, type DocumentNode, Kind, visit } from "graphql";
import { refuseLength } from "./page.js";

type Length = { readonly field: "first" | "last"; readonly value: ArgumentNode["value"] };

const known = new WeakMap<DocumentNode, readonly Length[]>();

/**
 * Judges the lengths of all pages that a document asks for, before anything is read for any of them.
 * @param variables as they were coerced
 * @throws BadInputError for a page that `toPage` would refuse by its length
 */
export function checkPages(document: DocumentNode, variables: Readonly<Record<string, unknown>>): void {
  const lengths = known.get(document) ?? lengthsIn(document);
  known.set(document, lengths);
  for (const { field, value } of lengths) {
    const length = value.kind === Kind.VARIABLE ? variables[value.name.value] : value.kind === Kind.INT && value.value;
    if (typeof length === "string" || typeof length === "number") refuseLength(field, Number(length));
  }
}

function lengthsIn(document: DocumentNode): Length[] {
  const lengths: Length[] = [];
  visit(document, {
    Argument({ name: { value: field }, value }) {
      if (field === "first" || field === "last") lengths.push({ field, value });
      return false;
    },
  });
  return lengths;
}
