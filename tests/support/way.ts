import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A way to the database that fails as networks and servers do. */
export interface Way {
  /** The same database, reached over this way. */
  url(url: string): string;
  /** How many connections lead over it. */
  readonly count: number;
  /** How many times something was sent after an answer: round trips, over a way that is used by one connection. */
  readonly trips: number;
  /** How many times the server was told that all is said, and so comes to rest. */
  readonly rests: number;
  /** Answers arrive in parts of so many bytes from now on; as they come for 0. */
  inParts(bytes: number): void;
  /** Answers no longer arrive, nor does anything for who connects now; what is sent still does. */
  mute(): void;
  /** Ends every connection, and refuses new ones. */
  bar(): void;
  /** Ends every connection as the network does it when a peer is not there any more. */
  reset(): void;
  /** Works again, to the server on this port if it moved. Connections that were mute are ended. */
  open(port?: number): void;
  close(): Promise<void>;
}

/** A message of PostgreSQL's protocol. Beneath a test that sends the same as text it would count, too. */
const SYNC = "S\0\0\0\x04";

export async function openWay(to: number): Promise<Way> {
  let port = to;
  let state: "open" | "mute" | "barred" = "open";
  let trips = 0;
  let rests = 0;
  let partBytes = 0;
  let isAnswered = true;
  const pairs = new Map<Socket, () => void>();
  const cut = () => {
    for (const end of pairs.values()) end();
  };

  const server = createServer((near) => {
    near.on("error", () => {});
    if (state === "barred") return near.destroy();
    const far: Socket = connect(port, "127.0.0.1");
    const end = () => {
      pairs.delete(near);
      near.destroy();
      far.destroy();
    };
    pairs.set(near, end);
    near.setNoDelay(true);
    let passed = Promise.resolve();
    far.on("error", end).on("close", end);
    near.on("close", end);
    near.on("data", (chunk) => {
      if (isAnswered) trips++;
      isAnswered = false;
      rests += chunk.toString("latin1").split(SYNC).length - 1;
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (state !== "open") return;
      isAnswered = true;
      const size = partBytes || chunk.length;
      for (let at = 0; at < chunk.length; at += size) {
        const part = chunk.subarray(at, at + size);
        // Each in a turn of its own: what is written in one is sent together.
        passed = passed.then(() => new Promise((next) => near.write(part, () => setImmediate(next))));
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const own = (server.address() as AddressInfo).port;

  return {
    url(url) {
      const over = new URL(url);
      over.hostname = "127.0.0.1";
      over.port = String(own);
      return over.href;
    },
    get count() {
      return pairs.size;
    },
    get trips() {
      return trips;
    },
    get rests() {
      return rests;
    },
    inParts(bytes) {
      partBytes = bytes;
    },
    mute() {
      state = "mute";
    },
    bar() {
      state = "barred";
      cut();
    },
    reset() {
      for (const near of pairs.keys()) near.resetAndDestroy();
    },
    open(moved = port) {
      if (state === "mute") cut();
      port = moved;
      state = "open";
    },
    async close() {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
