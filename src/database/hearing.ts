import { BIND_COMPLETE, COMPLETE, FAILURE, failureIn, HEAD, NOTICE, READY } from "./messages.js";
import { Replies } from "./replies.js";

/** An answer that was larger is rare, and its memory is not kept. */
const MOST_KEPT = 1_000_000;
const EMPTY = Buffer.alloc(0);

/** Bytes that have come in, one behind the other, in memory that is used again. */
export class Inbox {
  bytes: Buffer = EMPTY;
  length = 0;

  clear(): void {
    this.length = 0;
    if (this.bytes.length > MOST_KEPT) this.bytes = EMPTY;
  }

  add(part: Buffer): void {
    const length = this.length + part.length;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    // May be of this very memory: what came behind the last that was heard.
    part.copy(this.bytes, this.length);
    this.length = length;
  }
}

export interface Hearer {
  /** What the server says besides. */
  readonly notice: (message: Buffer) => void;
  /**
   * The replies are to be read, or copied, before this returns: their memory is used again.
   * @param failure what was refused first; null where nothing was
   * @returns whether that was all: what comes behind it is somebody else's
   */
  readonly ready: (status: number, replies: Replies, failure: Error | null) => boolean;
}

/** Reads the answers to one message as their bytes come in, in parts of any size. */
export class Hearing {
  #at = 0;
  readonly #bounds: number[] = [];
  #failure: Error | null = null;

  constructor(
    private readonly inbox: Inbox,
    private readonly hearer: Hearer,
  ) {}

  /** @returns what stands behind the last of them; null while more is to come */
  take(part: Buffer): Buffer | null {
    this.inbox.add(part);
    const { bytes, length } = this.inbox;
    while (length - this.#at >= HEAD) {
      const from = this.#at;
      const to = from + 1 + bytes.readUInt32BE(from + 1);
      if (to > length) return null;
      this.#at = to;
      if (!this.#hear(bytes, from, to)) continue;
      this.inbox.clear();
      return bytes.subarray(to, length);
    }
    return null;
  }

  /** @returns whether it was the last one */
  #hear(bytes: Buffer, from: number, to: number): boolean {
    switch (bytes[from]) {
      case BIND_COMPLETE:
      case COMPLETE:
        this.#bounds.push(to);
        break;
      case NOTICE:
        this.hearer.notice(bytes.subarray(from, to));
        break;
      case FAILURE:
        this.#failure ??= failureIn(bytes.subarray(from + HEAD, to));
        break;
      case READY:
        return this.hearer.ready(bytes[to - 1]!, new Replies(bytes, this.#bounds), this.#failure);
    }
    return false;
  }
}
