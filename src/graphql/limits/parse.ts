import { type DocumentNode, Lexer, parse, Source, TokenKind } from "graphql";
import { type DocumentLimits, hold, holdText, MORE } from "./bounds.js";

// Every error about a node counts the lines before it, each time it is copied on its way out, up to a hundred errors a
// document. Above this many lines errors are told without their places.
const LOCATED_LINES = 500;

/**
 * Parses `source` if its size, lines, tokens, brackets and names are within the limits.
 *
 * The lexer goes first: the parser recurses, and 8,000 open brackets overflow its stack. The answer depends on `source`
 * and `limits` alone, thrown errors too, so both can be kept per text.
 * @throws GraphQLError        code `BAD_USER_INPUT`, status 400: a limit, or NUL in a string
 * @throws GraphQLSyntaxError  not GraphQL: lone surrogates anywhere, NUL outside strings, and the rest of the grammar
 */
export function parseWithin(source: string, limits: DocumentLimits): DocumentNode {
  hold(limits, "characters", source.length, (found) => `is ${found} characters long`);
  const lines = countLines(source);
  hold(limits, "lines", lines, (found) => `has ${found} lines`);
  holdTokens(new Lexer(new Source(source)), limits);
  return parse(source, { maxLexicalTokens: limits.tokens, noLocation: lines > LOCATED_LINES });
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || (code === 0x0d && text.charCodeAt(at + 1) !== 0x0a)) lines += 1;
  }
  return lines;
}

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R]);

function holdTokens(lexer: Lexer, limits: DocumentLimits): void {
  let tokens = 0;
  let open = 0;
  while (advance(lexer)) {
    // Comments are skipped by `advance`, but stay linked between the two tokens.
    for (let token = lexer.lastToken.next; token && token !== lexer.token; token = token.next) tokens += 1;
    const { kind, start, end, value } = lexer.token;
    if (kind !== TokenKind.EOF) tokens += 1;
    if (tokens > limits.tokens) hold(limits, "tokens", MORE, (found) => `has ${found} tokens`);
    if (kind === TokenKind.NAME)
      hold(limits, "nameCharacters", end - start, (found) => `has a name of ${found} characters`);
    if (kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING) holdText("A string of the document", value);
    if (OPENING.has(kind)) open += 1;
    if (CLOSING.has(kind)) open -= 1;
    if (open > limits.brackets) hold(limits, "brackets", MORE, (found) => `opens ${found} brackets in one another`);
  }
}

/** False at the end, and where the text is not GraphQL: the parser will meet that place or an earlier mistake, and say so. */
function advance(lexer: Lexer): boolean {
  if (lexer.token.kind === TokenKind.EOF) return false;
  try {
    lexer.advance();
    return true;
  } catch {
    return false;
  }
}
