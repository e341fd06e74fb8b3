import type { ExecutionResult } from "graphql";
import { LRUCache } from "lru-cache";
import type { Again, Repeatable } from "../database/flight.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { TenantSession } from "../tenancy/session.js";

/** What somebody asked before, and what came of it. */
interface Known {
  readonly statements: readonly Repeatable[];
  /** Of their texts, as far as it was the first to have them. */
  readonly characters: number;
  /** Null until all of them were sent together once. */
  readonly told: Told | null;
  /** How often in a row something else was asked than what was sent. */
  readonly misses: number;
  /** How often it was asked since. */
  turn: number;
}

interface Told {
  /** Of all that PostgreSQL answered, as it came. */
  readonly digest: string;
  /** What was made of it: a response as its text. */
  readonly body: string;
  /** When the clock makes another one of the same bytes, in epoch milliseconds. */
  readonly until: number;
}

/** Where a question was answered. */
interface AnsweredIn {
  readonly session: TenantSession;
  /** When the clock makes another answer of the same rows, in epoch milliseconds. */
  readonly trueUntil: number;
}

/** One question of one person, as far as it is known. */
export interface Recalled {
  readonly key: string;
  readonly known: Known | null;
}

/** So often, in powers of two, a question is not tried that missed before. */
const MOST_REST = 6;
/** Of statements; a document has some ten, and a product some hundreds of documents. */
const MOST_TEXTS = 5000;
/** Longer questions are not remembered. */
const MOST_CHARACTERS = 4000;
/** What a question, and each of its statements, takes besides bytes and characters: the objects around them. */
const OWN_BYTES = 400;
/** The part of all that one answer may take: a huge one would push out thousands of others. */
const MOST_SHARE = 1 / 64;

/**
 * The questions that people asked, each with the statements that it took. Asked again, it is read again, in a session of its own and
 * behind the same walls, but at once: nobody waits for the first statement to know the second. Where PostgreSQL answers the very
 * same bytes to all of them, the viewer's access among them, the answer is what was made of those bytes before. So nothing that is
 * answered is older than the question. Questions that were not asked for longest make room for others.
 */
export class AskedBefore {
  readonly #all: LRUCache<string, Known>;
  /** What is written anew for each session is the same text each time, and kept once. */
  readonly #texts = new LRUCache<string, string>({ max: MOST_TEXTS });
  /** How many questions were answered from what was made before. */
  repeated = 0;

  /** @param bytes that it may take, about; 0 for nothing */
  constructor(private readonly bytes: number) {
    this.#all = new LRUCache({
      maxSize: Math.max(1, bytes),
      // Values are kept as they were given, and as they are sent.
      sizeCalculation: ({ statements, characters, told }, key) =>
        statements.reduce((sum, { bound }) => sum + OWN_BYTES + 2 * bound.length, OWN_BYTES + bytesOf(key)) +
        characters +
        (told ? bytesOf(told.body) : 0),
    });
  }

  /** Statements in memory of their own, which is what they are counted as. */
  own(noted: readonly Repeatable[]): Pick<Known, "statements" | "characters"> {
    let characters = 0;
    const statements = apart(noted).map((one) => {
      const text = this.#texts.get(one.text);
      if (text !== undefined) return { ...one, text };
      this.#texts.set(one.text, one.text);
      characters += one.text.length;
      return one;
    });
    return { statements, characters };
  }

  /** @param who the identity that asks, whatever token it came with */
  by(who: string): AskedBy {
    return new AskedBy(this, this.#all, who, this.bytes * MOST_SHARE);
  }
}

/** Those of one identity. */
export class AskedBy {
  readonly #all: LRUCache<string, Known>;

  constructor(
    private readonly before: AskedBefore,
    all: LRUCache<string, Known>,
    private readonly who: string,
    /** How much an answer may hold; 0 where nothing is remembered. */
    private readonly most: number,
  ) {
    this.#all = all;
  }

  /**
   * @param question the document, its operation and its variables; null for one that is never remembered
   * @returns null where nothing is to be remembered
   */
  recall({ id, slug, createdAt, epoch, home }: TenantRecord, question: string | null): Recalled | null {
    if (this.most === 0 || question === null || question.length > MOST_CHARACTERS) return null;
    // A home by its place and its turn: what was read in another is none of this one's. A tenant that was erased and brought in
    // again begins its turns anew, and may be called otherwise.
    const place = `${id} ${slug} ${createdAt.getTime()} ${epoch} ${home.database} ${home.schemaName}`;
    const key = `${place} ${this.who} ${question}`;
    return { key, known: this.#all.get(key) ?? null };
  }

  /** What is sent at once, before anybody asks for it; undefined where nothing is. Not to be asked for by who would not send it. */
  again({ known }: Recalled): Again | undefined {
    const isTried = known !== null && known.turn++ % 2 ** Math.min(known.misses, MOST_REST) === 0;
    return isTried ? { statements: known.statements, digest: known.told?.digest ?? null } : undefined;
  }

  /** The answer, where all that was sent again was answered as it was then. Rejects where the session is lost, or refused any of it. */
  async answerIn(session: TenantSession, { known }: Recalled): Promise<string | null> {
    if (!session.flight || !known?.told) return null;
    const { body, until } = known.told;
    await session.flight.landed();
    if (!session.flight.isSame) return null;
    if (until !== Number.POSITIVE_INFINITY && (await session.begunAt()).getTime() >= until) return null;
    this.before.repeated++;
    return body;
  }

  /** Remembers a question with its answer, where its session answered all that was asked. Gives the answer the text that it is remembered by. */
  remember(recalled: Recalled, { session, trueUntil }: AnsweredIn, answer: ExecutionResult): ExecutionResult {
    if (session.isExceeded || session.failure) return answer;
    // What is missing and what is hidden are not to be told apart by how soon they are answered once more.
    const isFound = Object.values(answer.data ?? {}).every((value) => value !== null && !isPartly(value));
    const isTold = session.flight && !answer.errors && isFound && trueUntil > 0;
    const body = isTold ? JSON.stringify(answer) : null;
    this.#keep(recalled, session, body, trueUntil);
    return body === null ? answer : asText(body);
  }

  /**
   * Remembers what was asked, and, where it was sent at once, what was made of that.
   * @param body null where it depends on more than what was read
   */
  #keep({ key, known }: Recalled, session: TenantSession, body: string | null, until: number): void {
    const { flight, noted } = session;
    if (flight && known) {
      const { digest } = flight;
      const told = body !== null && digest !== null && bytesOf(body) < this.most ? { digest, body, until } : null;
      this.#all.set(key, { ...known, told, misses: 0 });
    }
    // As before where a connection has not prepared it yet.
    else if (noted && !(known && isAlike(known.statements, noted)))
      this.#all.set(key, {
        ...this.before.own(noted),
        told: null,
        misses: known?.misses ?? 0,
        turn: known?.turn ?? 0,
      });
  }

  /** Something else was asked than what was sent, or it was refused: the more often in a row, the longer it is not tried. */
  missed({ key, known }: Recalled): void {
    if (known) this.#all.set(key, { ...known, told: null, misses: known.misses + 1, turn: 1 });
  }
}

/**
 * The same statements with what is sent of them in memory that nothing else has a part of. Small buffers are slices of 8 kB that
 * Node.js shares out: one that is kept keeps all of that, whatever else was in it.
 */
export function apart(statements: readonly Repeatable[]): readonly Repeatable[] {
  const memory = Buffer.allocUnsafeSlow(statements.reduce((sum, { bound }) => sum + bound.length, 0));
  let end = 0;
  return statements.map((one) => {
    const from = end;
    end += one.bound.copy(memory, from);
    return { ...one, bound: memory.subarray(from, end) };
  });
}

/** Whether it is a list of things of which not all were found. */
const isPartly = (value: unknown): boolean => Array.isArray(value) && value.includes(null);

/** An answer that is text already. */
export const asText = (body: string): ExecutionResult => ({ stringify: () => body }) as ExecutionResult;

/** What V8 takes for a text: one byte for each character of plain ones, two of all others. */
const bytesOf = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : 2 * text.length);

const isAlike = (these: readonly Repeatable[], those: readonly Repeatable[]): boolean =>
  these.length === those.length &&
  these.every(({ text, bound }, n) => text === those[n]!.text && bound.equals(those[n]!.bound));
