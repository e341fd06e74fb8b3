import type { DocumentNode } from "graphql";
import type { DocumentLimits } from "./limits/bounds.js";
import { checkDocument } from "./limits/check.js";
import { parseWithin } from "./limits/parse.js";

export { DEFAULT_LIMITS, type DocumentLimits } from "./limits/bounds.js";
export { checkVariables } from "./limits/variables.js";

/**
 * The parsed document, if it is cheap enough to validate. What it answers and what it throws depend on its arguments
 * alone: keep either per text.
 * @throws GraphQLError        code `BAD_USER_INPUT`, status 400, `extensions.limit` the name of what is exceeded
 * @throws GraphQLError        code `GRAPHQL_VALIDATION_FAILED`, status 400: a fragment within itself
 * @throws GraphQLSyntaxError  without a code or a status
 */
export function admitDocument(source: string, limits: DocumentLimits): DocumentNode {
  const document = parseWithin(source, limits);
  checkDocument(document, limits);
  return document;
}
