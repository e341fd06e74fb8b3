import type { ServerResponse } from "node:http";
import type { LetterSettings } from "../features/mail/letter.js";
import { readMailbox, type Shown } from "../features/mail/mailbox.js";
import { deriveKey } from "../identity/key.js";
import { Directory } from "../tenancy/directory/directory.js";
import { MAIL_KEY, Seal } from "../tenancy/seal.js";
import type { Doors } from "../tenancy/walls/walls.js";

/** Reads the mail of all tenants, for development. */
export const mailboxOf =
  ({ door, serve }: Doors, key: Buffer, settings: LetterSettings) =>
  (): Promise<Shown[]> =>
    readMailbox(serve, new Directory(door), new Seal(deriveKey(key, MAIL_KEY)), settings);

const STYLE = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
article { border: 1px solid #d4d9e0; border-radius: 8px; margin: 1rem 0; padding: .8rem 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 0 0 .3rem; }
p { margin: 0; color: #57606a; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .6rem 0 0; font: 13px/1.5 ui-monospace, monospace; }`;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);

function article({ tenant, at, outcome, letter }: Shown): string {
  const state = escaped(`${tenant}, ${at.toISOString().slice(0, 19).replace("T", " ")} UTC: ${outcome ?? "waits"}`);
  if (!letter) return `<article><p>${state}</p></article>`;
  const { to, subject, text } = letter;
  return `<article><h2>${escaped(subject)}</h2><p>To ${escaped(to)}</p><p>${state}</p><pre>${escaped(text)}</pre></article>`;
}

/** The page: text alone, of which nothing runs and nothing is fetched. */
export function sendMailbox(response: ServerResponse, mail: readonly Shown[]): void {
  const list = mail.length === 0 ? "<p>There is none yet. Invite somebody.</p>" : mail.map(article).join("\n");
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mail</title><style>${STYLE}</style></head>
<body><h1>Mail of all tenants</h1>
${list}
</body></html>
`;
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-length": Buffer.byteLength(page),
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(page);
}
