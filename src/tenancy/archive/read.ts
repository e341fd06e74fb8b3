import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import {
  ArchiveRefusedError,
  type FileFacts,
  fileName,
  MANIFEST,
  type Manifest,
  MOST_MANIFEST_BYTES,
  manifestForm,
  thisMigration,
} from "./manifest.js";
import { type Entry, readTar } from "./tar.js";

/** A line that is longer is none of ours, and would fill the memory. */
const MOST_LINE_BYTES = 16_000_000;
const LINES_AT_ONCE = 500;
const BYTES_AT_ONCE = 1_000_000;

/** The files of an archive, one after the other. */
export async function* entriesIn(path: string): AsyncGenerator<Entry> {
  const file = createReadStream(path);
  const unpacked = createGunzip();
  file.on("error", (error) => unpacked.destroy(error));
  file.pipe(unpacked);
  try {
    yield* readTar(unpacked);
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

/**
 * Reads an archive from end to end, and what it says of itself.
 * @throws ArchiveRefusedError when it is no archive, a checksum does not fit, or it was made by another version
 */
export async function checkArchive(path: string): Promise<Manifest> {
  const files: Record<string, Omit<FileFacts, "rows">> = {};
  let text = "";
  try {
    for await (const { name, bytes, content } of entriesIn(path)) {
      if (name === MANIFEST && bytes > MOST_MANIFEST_BYTES) throw new Error("Its manifest is too long.");
      const hash = createHash("sha256");
      for await (const chunk of content) {
        hash.update(chunk);
        if (name === MANIFEST) text += chunk.toString("latin1");
      }
      if (name !== MANIFEST) files[name] = { bytes, sha256: hash.digest("hex") };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new ArchiveRefusedError(`There is no file ${path}.`);
    throw new ArchiveRefusedError(`${path} is no archive of a tenant, or is damaged.`, { cause: error });
  }
  const manifest = parse(path, Buffer.from(text, "latin1").toString());
  if (manifest.migration !== thisMigration())
    throw new ArchiveRefusedError(
      `${path} was made at the version ${manifest.migration}, and this one is at ${thisMigration()}. Bring both installations to the same version and export it again.`,
    );
  const said = Object.keys(manifest.files).map(fileName).sort();
  if (said.join() !== Object.keys(files).sort().join())
    throw new ArchiveRefusedError(`${path} does not hold the files that its manifest names.`);
  for (const [name, facts] of Object.entries(manifest.files)) {
    const found = files[fileName(name)]!;
    if (found.sha256 !== facts.sha256 || found.bytes !== facts.bytes)
      throw new ArchiveRefusedError(
        `${fileName(name)} in ${path} is not what was exported: its checksum does not fit.`,
      );
  }
  return manifest;
}

function parse(path: string, text: string): Manifest {
  try {
    return manifestForm.parse(JSON.parse(text));
  } catch (error) {
    throw new ArchiveRefusedError(`${path} has no manifest that this version can read.`, { cause: error });
  }
}

/** The lines of a file, some at a time, in constant memory. */
export async function* linesIn(content: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  let length = 0;
  let lines: string[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      rest.push(chunk.subarray(from, at));
      lines.push(Buffer.concat(rest).toString());
      bytes += length + at - from;
      [rest, length, from] = [[], 0, at + 1];
      if (lines.length < LINES_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
      yield lines;
      [lines, bytes] = [[], 0];
    }
    rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MOST_LINE_BYTES) throw new ArchiveRefusedError("A line of the archive is too long.");
  }
  if (length > 0) throw new ArchiveRefusedError("A file of the archive ends within a line.");
  if (lines.length > 0) yield lines;
}
