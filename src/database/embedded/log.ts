import { open } from "node:fs/promises";
import { join } from "node:path";

const STARTED_ANEW_ABOVE_BYTES = 10 * 1024 * 1024;
const READ_AT_MOST_BYTES = 64 * 1024;

/** The server's log as one run of the server writes it. */
export type Log = {
  readonly path: string;
  /** To be handed to the server, and closed after that. */
  readonly fd: number;
  close(): Promise<void>;
  /** How many bytes it has in all. */
  size(): Promise<number>;
  /** What was written since it was opened; of much, the end. Works after `close`. */
  written(): Promise<string>;
};

/** Opens `postgres.log` in the data folder (mode 0600) for a server to append to. A large one is started anew. */
export async function openLog(root: string): Promise<Log> {
  const path = join(root, "postgres.log");
  const handle = await open(path, "a", 0o600);
  await handle.chmod(0o600);
  if ((await handle.stat()).size > STARTED_ANEW_ABOVE_BYTES) await handle.truncate(0);
  const { size: from } = await handle.stat();

  const reading = async <T>(read: (file: typeof handle, size: number) => Promise<T>): Promise<T> => {
    const file = await open(path, "r");
    try {
      return await read(file, (await file.stat()).size);
    } finally {
      await file.close();
    }
  };
  return {
    path,
    fd: handle.fd,
    close: () => handle.close(),
    size: () => reading(async (_file, size) => size),
    written: () =>
      reading(async (file, size) => {
        const start = Math.max(from, size - READ_AT_MOST_BYTES);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, null, start);
        return buffer.toString("utf8", 0, bytesRead);
      }),
  };
}
