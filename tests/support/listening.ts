import { request } from "node:http";
import { connect } from "node:net";
import { HttpServer } from "../../src/commands/listen.js";
import type { ServerOptions } from "../../src/server.js";
import { openGateway, type TestGateway } from "./gateway.js";

/** What came back, as it was on the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own request asked for
  readonly json: any;
}

export interface Sending {
  readonly method?: string;
  readonly path?: string;
  /** In place of those of an ordinary request for GraphQL, where they have the same name; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | string[] | null>>;
  readonly body?: string | Buffer | object;
}

/** A gateway behind a socket, for what only a socket can carry. */
export interface ListeningGateway extends TestGateway {
  readonly url: string;
  /** Sends a request exactly as it is written; an object is sent as JSON. */
  send(sending: Sending): Promise<Reply>;
  /** Sends bytes, and answers with all that comes back until the other side closes. */
  sendBytes(bytes: string): Promise<string>;
}

export async function listenGateway(
  options: Partial<ServerOptions> & { readonly leases?: number } = {},
): Promise<ListeningGateway> {
  const gateway = await openGateway(options);
  const server = new HttpServer(gateway.yoga);
  const url = await server.listen({ host: "127.0.0.1", port: 0, of: "" });
  const port = Number(new URL(url).port);
  return {
    ...gateway,
    url: `${url}/graphql`,
    async send(sending) {
      const reply = await send(port, sending);
      await gateway.settled();
      return reply;
    },
    sendBytes: (bytes) => sendBytes(port, bytes),
    async close() {
      await server.close();
      await gateway.close();
    },
  };
}

function send(port: number, { method = "POST", path = "/graphql", headers = {}, body }: Sending): Promise<Reply> {
  const content = typeof body === "string" || Buffer.isBuffer(body) ? body : body && JSON.stringify(body);
  const all: Sending["headers"] = { host: `localhost:${port}`, "content-type": "application/json", ...headers };
  return new Promise((resolve, reject) => {
    const call = request({
      port,
      host: "127.0.0.1",
      path,
      method,
      headers: Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== null),
      ),
    });
    call.on("error", reject);
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text,
          get json() {
            return JSON.parse(text);
          },
        });
      });
    });
    call.end(content);
  });
}

function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
