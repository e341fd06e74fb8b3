import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";

/** A mail as a server received it. */
export interface Received {
  readonly from: string;
  readonly to: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface SmtpServer {
  readonly url: string;
  readonly received: Received[];
  /** What it answers to a recipient; null to take it. `"drop"` ends the connection when the letter is there, before it says so. */
  answer: (to: string) => string | null | "drop";
  /** What it answers to a sender; null to take it. */
  answerToSender: (from: string) => string | null;
  close(): Promise<void>;
}

/** A mail server on loopback that takes whatever it is told to take. */
export async function openSmtp(): Promise<SmtpServer> {
  const sockets = new Set<Socket>();
  const smtp: SmtpServer = { url: "", received: [], answer: () => null, answerToSender: () => null, close };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    talk(socket, smtp);
  });
  async function close() {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return Object.assign(smtp, { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function talk(socket: Socket, smtp: SmtpServer): void {
  let [rest, from, to] = ["", "", ""];
  let lines: string[] | null = null;
  const say = (line: string) => socket.write(`${line}\r\n`);
  const address = (line: string) => /<(.*)>/.exec(line)![1]!;
  const hear = (line: string) => {
    if (lines && line !== ".") lines.push(line.replace(/^\./, ""));
    else if (lines) {
      if (smtp.answer(to) === "drop") return socket.destroy();
      smtp.received.push({ from, to, ...parse(lines.join("\n")) });
      lines = null;
      say("250 taken");
    } else if (/^(EHLO|HELO)/i.test(line)) say("250 here");
    else if (/^MAIL FROM/i.test(line)) {
      from = address(line);
      say(smtp.answerToSender(from) ?? "250 go on");
    } else if (/^RCPT TO/i.test(line)) {
      to = address(line);
      const answer = smtp.answer(to);
      say(answer === null || answer === "drop" ? "250 go on" : answer);
    } else if (/^DATA/i.test(line)) {
      lines = [];
      say("354 go on");
    } else say(/^QUIT/i.test(line) ? "221 bye" : "250 well");
  };
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const all = (rest + chunk).split("\r\n");
    rest = all.pop()!;
    for (const line of all) hear(line);
  });
  say("220 ready");
}

function parse(mail: string): Pick<Received, "headers" | "text"> {
  const end = mail.indexOf("\n\n");
  const unfolded = mail.slice(0, end).replace(/\n[ \t]+/g, " ");
  const headers = Object.fromEntries(
    unfolded.split("\n").map((line) => {
      const [name, ...value] = line.split(":");
      return [name!.toLowerCase(), value.join(":").trim()];
    }),
  );
  const body = mail.slice(end + 2);
  const isQuoted = headers["content-transfer-encoding"] === "quoted-printable";
  return { headers, text: isQuoted ? unquoted(body) : body };
}

const unquoted = (body: string): string =>
  Buffer.from(
    body.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("utf8");
