// Apart from the measuring, because every command reads settings and few need the graphql package.

/** What one document and its variables may ask for. Each name is also `extensions.limit` of the refusal it causes. */
export type DocumentLimits = {
  /** UTF-16 units of the text. Comments, blank lines and long strings cost time without being many tokens. */
  characters: number;
  /** Lines of the text, those of block strings included. */
  lines: number;
  /** Lexical tokens, comments included. */
  tokens: number;
  /** Open `(`, `[` and `{` at any place: the parser recurses once for each. */
  brackets: number;
  /** Length of any name; GraphQL's errors repeat names, up to a hundred times in one answer. */
  nameCharacters: number;
  /** Operation definitions in the document. */
  operations: number;
  /** Fragment definitions in the document. */
  fragments: number;
  /** Fields inside fields; fragments add nothing. `__schema` and `__type` count as one here. */
  depth: number;
  /** Fields inside fields from `__schema` or `__type` (which is 1) down. */
  introspectionDepth: number;
  /** Aliases, second uses of a response key and second spreads of a fragment in a selection set, fragments expanded. */
  aliases: number;
  /** Root fields of a query or subscription, fragments expanded. */
  queryFields: number;
  /** Root fields of a mutation, fragments expanded. */
  mutationFields: number;
  /** Directives of one operation, fragments expanded. */
  directives: number;
  /** Fields, spreads and inline fragments of all operations together, fragments expanded. */
  selections: number;
  /** Pairs of fields with one response path, and of spreads at one place: what merging has to compare. */
  comparisons: number;
  /** Items of any list, written in the document or sent in variables. */
  inputList: number;
  /** Lists and objects inside one another in one argument, default or variable. */
  inputDepth: number;
  /** Values in all variables together, lists and objects included. */
  inputValues: number;
};

/**
 * Room for real clients: the largest introspection query needs 300 tokens and depth 15. With these, lexing, parsing,
 * checking and validating stay below 50 ms of CPU; `comparisons` and `characters` are what that rests on.
 */
export const DEFAULT_LIMITS: DocumentLimits = {
  characters: 100_000,
  lines: 5_000,
  tokens: 5_000,
  brackets: 100,
  nameCharacters: 200,
  operations: 50,
  fragments: 100,
  depth: 20,
  introspectionDepth: 25,
  aliases: 50,
  queryFields: 50,
  mutationFields: 10,
  directives: 20,
  selections: 5_000,
  comparisons: 10_000,
  inputList: 500,
  inputDepth: 20,
  inputValues: 10_000,
};
