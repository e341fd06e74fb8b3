import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { HttpServer, type Patience } from "../../src/commands/listen.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
/** More than the two systems take in before anybody reads. */
const LARGE = Buffer.alloc(30_000_000, "x");

const servers: HttpServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A server, and what connects to it and writes; what comes back is read, unless it is to be left. */
async function listening(listener: RequestListener, patience?: Partial<Patience>) {
  const server = new HttpServer(listener, patience);
  servers.push(server);
  const port = Number(new URL(await server.listen({ host: "127.0.0.1", port: 0, of: "" })).port);
  const send = async (bytes: string, isRead = true) => {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    let answer = "";
    if (isRead) socket.on("data", (chunk) => (answer += chunk));
    const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(answer)));
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(bytes);
    return { socket, closed };
  };
  return { server, send };
}

/** Whether the other side has gone, which whoever does not read is told only when they write. */
const isGone = (socket: Socket) => () => {
  socket.write(GET);
  return socket.destroyed;
};

describe("a server", () => {
  it.each([
    ["nothing", ""],
    ["half a header", "GET / HTTP/1.1\r\nhost: loc"],
  ])("waits for headers no longer than it should: %s", async (_what, bytes) => {
    const { send } = await listening((_, response) => void response.end(), {
      headersTimeout: 50,
      connectionsCheckingInterval: 10,
    });

    const { closed } = await send(bytes);

    expect(await closed).toMatch(/^HTTP\/1.1 408 /);
  });

  it("closes the connection of whoever does not take an answer", async () => {
    const { send } = await listening((_, response) => void response.end(LARGE), {
      readTimeout: 20,
      slowest: 1_000_000,
    });

    const { socket } = await send(GET, false);

    await until(isGone(socket));
  });

  it("gives whoever takes a large one by a slow line the longer", async () => {
    const { send } = await listening((_, response) => void response.end(LARGE), { readTimeout: 1, slowest: 1 });

    const { socket } = await send(GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"), false);
    let taken = 0;
    for await (const chunk of socket) taken += chunk.length;

    expect(taken).toBeGreaterThan(LARGE.length);
  });

  it("closes the connection of whoever asks on and on and takes nothing", async () => {
    const { send } = await listening((_, response) => void response.end(LARGE.subarray(0, 100_000)), {
      readTimeout: 20,
      slowest: 1_000_000,
    });

    const { socket } = await send(GET.repeat(1000), false);

    await until(isGone(socket));
  });

  it("lets whoever takes one part after the other have them all, however long that takes", async () => {
    const parts = Array.from({ length: 20 }, (_, at) => `${at},`);
    const { send } = await listening(
      async (_, response) => {
        for (const part of parts) {
          response.write(part);
          await until(() => response.writableLength === 0);
        }
        response.end();
      },
      { readTimeout: 1, slowest: 1_000_000 },
    );

    const { closed } = await send(GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));

    expect((await closed).replaceAll(/\r\n\w+\r\n/g, "")).toContain("18,19,");
  });
});

describe("closing a server", () => {
  it.each([
    ["nothing was sent", ""],
    ["half a header was sent", "GET / HTTP/1.1\r\nhost: loc"],
    ["a question was answered", GET],
  ])("does not wait for a connection on which %s", async (_what, bytes) => {
    const { server, send } = await listening((_, response) => void response.end());
    const { closed } = await send(bytes);

    await server.close();

    await closed;
  });

  it("waits for what runs, says that the connection ends, and takes nobody more", async () => {
    const asked: Array<() => void> = [];
    const { server, send } = await listening((_, response) => {
      asked.push(() => response.end("done"));
    });
    const silent = await send("");
    const slow = await send(GET);
    const twice = await send(GET.repeat(2));
    await until(() => asked.length === 3);

    const closed = server.close();
    await expect(send(GET)).rejects.toThrow("ECONNREFUSED");
    for (const answer of asked) answer();
    await closed;

    const whole = /HTTP\/1.1 200 OK\r\n(?:.*\r\n)*?\r\ndone/g;
    expect(await silent.closed).toBe("");
    expect((await slow.closed).match(whole)).toEqual([expect.stringMatching(/^connection: close\r$/im)]);
    expect((await twice.closed).match(whole)).toEqual([
      expect.stringMatching(/^connection: keep-alive\r$/im),
      expect.stringMatching(/^connection: close\r$/im),
    ]);
  });

  it("does nothing of what is asked behind the last answer of a connection", async () => {
    const asked: Array<() => void> = [];
    const { server, send } = await listening((request, response) => {
      asked.push(() => response.end(request.url));
    });
    const first = await send(GET);
    const other = await send(GET);
    await until(() => asked.length === 2);

    const closed = server.close();
    first.socket.write(GET.replace("/ ", "/late "));
    asked[0]!();
    await first.closed;
    asked[1]!();
    await closed;
    await other.closed;

    expect(asked).toHaveLength(2);
  });

  it.each([
    ["send the rest of their request", "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{", true],
    ["take their answer", GET, false],
  ])("waits no longer than it should for those who do not %s", async (_what, bytes, isRead) => {
    let isAsked = false;
    const { server, send } = await listening(
      (request, response) => {
        isAsked = true;
        request.resume().once("end", () => response.end(LARGE));
      },
      { lastTimeout: 20 },
    );
    await send(bytes, isRead);
    await until(() => isAsked);

    await server.close();
  });
});
