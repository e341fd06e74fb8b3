/** A file in a tape archive (POSIX ustar), as far as ours need it: any `tar` reads what is written here. */
export interface Entry {
  readonly name: string;
  readonly bytes: number;
  /** Its content; to be read to the end before the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

const BLOCK = 512;
/** What eleven octal digits can say. */
const MOST_OCTAL = 8 ** 11;

/** @throws Error when a content is not as long as it was said to be */
export async function* writeTar(entries: AsyncIterable<Entry>, at: Date): AsyncGenerator<Buffer> {
  for await (const { name, bytes, content } of entries) {
    yield headerOf(name, bytes, at);
    let written = 0;
    for await (const chunk of content) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== bytes) throw new Error(`${name} has ${written} bytes, and not ${bytes}.`);
    yield Buffer.alloc(padding(bytes));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** @throws Error when it is no such archive, or ends before its end */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  const input = new Input(source);
  for (;;) {
    const header = await input.take(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    if (checksumOf(header) !== Number.parseInt(header.toString("latin1", 148, 156), 8))
      throw new Error("It is no archive.");
    const name = header.toString("utf8", 0, 100).replace(/\0.*$/s, "");
    const isLarge = header[124] === 0x80;
    const bytes = isLarge
      ? Number(header.readBigUInt64BE(128))
      : Number.parseInt(header.toString("latin1", 124, 135), 8);
    if (!Number.isSafeInteger(bytes)) throw new Error("It is no archive.");
    const content = input.pass(bytes);
    yield { name, bytes, content };
    for await (const _ of content) {
      // Whoever asked did not want all of it.
    }
    await input.take(padding(bytes));
  }
}

const padding = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

function headerOf(name: string, bytes: number, at: Date): Buffer {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new Error(`The name ${name} is too long for an archive.`);
  header.write(name, 0);
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (bytes < MOST_OCTAL) header.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(bytes), 128);
  }
  header.write(
    `${Math.floor(at.getTime() / 1000)
      .toString(8)
      .padStart(11, "0")}\0`,
    136,
  );
  header.write("0", 156);
  header.write("ustar\0" + "00", 257);
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Its own field counts as spaces. */
const checksumOf = (header: Buffer): number =>
  header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0);

/** Bytes that arrive in pieces of any length, taken in pieces of a known one. */
class Input {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.pass(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) throw new Error("It ends before its end.");
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
