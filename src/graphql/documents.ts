import type { DocumentNode } from "graphql";
import { LRUCache } from "lru-cache";
import { admitDocument, type DocumentLimits } from "./limits.js";

interface Known {
  readonly document: DocumentNode;
  /** Of what was made of it since. */
  readonly made: number;
}

// Room for about a thousand documents of an application as it asks them, with all that is made of them: more than most have.
const KEPT_BYTES = 64_000_000;
// What a document takes, measured by the shapes that take most: `{a b c}` by its tokens, `"\n\n"` by its characters.
const OWN_BYTES = 2_000;
const TOKEN_BYTES = 400;
const CHARACTER_BYTES = 24;

/**
 * Documents by their texts, those that were not asked for longest making room for others. All else that is kept of a document hangs
 * on it weakly, and has to be counted here: anybody can send as many as they like, without a token.
 */
export class Documents {
  readonly #known: LRUCache<string, Known>;
  readonly #texts = new WeakMap<DocumentNode, string>();

  /** @param kept memory in bytes */
  constructor(
    private readonly limits: DocumentLimits,
    kept = KEPT_BYTES,
  ) {
    this.#known = new LRUCache({
      maxSize: kept,
      sizeCalculation: ({ document, made }, text) =>
        OWN_BYTES + TOKEN_BYTES * tokensOf(document) + CHARACTER_BYTES * text.length + made,
    });
  }

  /** How many bytes they are counted as. */
  get bytes(): number {
    return this.#known.calculatedSize;
  }

  /**
   * A document that may be validated, the same one for the same text. What is refused is not kept: whoever repeats it can as well
   * send another one each time.
   * @throws GraphQLError as `admitDocument` does
   */
  of(text: string): DocumentNode {
    const known = this.#known.get(text);
    if (known) return known.document;
    const own = apart(text);
    const document = admitDocument(own, this.limits);
    this.#texts.set(document, own);
    this.#known.set(own, { document, made: 0 });
    return document;
  }

  /** To be called with one that is invalid: its errors are many times as large, and it is of no use to anybody. */
  forget(document: DocumentNode): void {
    const text = this.#textOf(document);
    if (text !== null) this.#known.delete(text);
  }

  /** @param made how many bytes hang on it, all together; to be called when that may have become more */
  count(document: DocumentNode, made: number): void {
    const text = this.#textOf(document);
    if (text !== null && this.#known.peek(text)!.made !== made) this.#known.set(text, { document, made });
  }

  /** Null for one that is not kept; another may be, of the same text. */
  #textOf(document: DocumentNode): string | null {
    const text = this.#texts.get(document);
    return text !== undefined && this.#known.peek(text)?.document === document ? text : null;
  }
}

/** Those of comments too, which stay linked between the others. */
function tokensOf({ loc, tokenCount = 0 }: DocumentNode): number {
  if (!loc) return tokenCount;
  let tokens = 0;
  for (let token: typeof loc.startToken | null = loc.startToken; token; token = token.next) tokens += 1;
  return tokens;
}

/** The same text in memory of its own: what is cut out of a URL keeps all of that, 14 kB more. Unlike UTF-8 it changes no lone surrogate. */
const apart = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
