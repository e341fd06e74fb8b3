// Apart from the measuring, because every command reads settings and few need the graphql package.

/**
 * What one document and its variables may ask for. Each name is also `extensions.limit` of the refusal it causes.
 *
 * Room for real clients: the largest introspection query needs 300 tokens and depth 15. With these, lexing, parsing,
 * checking and validating stay below 50 ms of CPU; `comparisons` and `characters` are what that rests on.
 */
export const LIMITS = {
  characters: {
    most: 100_000,
    of: "UTF-16 units of the text. Comments, blank lines and long strings cost time without being many tokens.",
  },
  lines: { most: 5_000, of: "Lines of the text, those of block strings included." },
  tokens: { most: 5_000, of: "Lexical tokens, comments included." },
  brackets: { most: 100, of: "Open `(`, `[` and `{` at any place: the parser recurses once for each." },
  nameCharacters: {
    most: 200,
    of: "Length of any name; GraphQL's errors repeat names, up to a hundred times in one answer.",
  },
  operations: { most: 50, of: "Operation definitions in the document." },
  fragments: { most: 100, of: "Fragment definitions in the document." },
  depth: { most: 20, of: "Fields inside fields; fragments add nothing. `__schema` and `__type` count as one here." },
  introspectionDepth: { most: 25, of: "Fields inside fields from `__schema` or `__type` (which is 1) down." },
  aliases: {
    most: 50,
    of: "Aliases, second uses of a response key and second spreads of a fragment in a selection set, fragments expanded.",
  },
  queryFields: { most: 50, of: "Root fields of a query or subscription, fragments expanded." },
  mutationFields: { most: 10, of: "Root fields of a mutation, fragments expanded." },
  directives: { most: 20, of: "Directives of one operation, fragments expanded." },
  selections: {
    most: 5_000,
    of: "Fields, spreads and inline fragments of all operations together, fragments expanded.",
  },
  comparisons: {
    most: 10_000,
    of: "Pairs of fields with one response path, and of spreads at one place: what merging has to compare.",
  },
  answerObjects: {
    most: 50_000,
    of: "Objects of one answer, and leaves of its lists; an error counts as ten. What is asked in one another is multiplied by what is there. Twice as many fields may be waited for, where one that searches counts as ten (`explainAccess`, `remedy`, `grantableRoles`, `effects`), and as many rows be read.",
  },
  answerCharacters: {
    most: 10_000_000,
    of: "Characters of one answer, errors aside.",
  },
  inputList: { most: 500, of: "Items of any list, written in the document or sent in variables." },
  inputDepth: { most: 20, of: "Lists and objects inside one another in one argument, default or variable." },
  inputValues: { most: 10_000, of: "Values in all variables together, lists and objects included." },
};

export type DocumentLimits = Record<keyof typeof LIMITS, number>;

export const DEFAULT_LIMITS = Object.fromEntries(
  Object.entries(LIMITS).map(([limit, { most }]) => [limit, most]),
) as DocumentLimits;
