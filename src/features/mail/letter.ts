import type { Mail } from "./mail.js";

/** A mail as it is sent: plain text, that no program takes for anything else. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface LetterSettings {
  /** Where an invitation is accepted, with `{token}` in it; null where nobody said. */
  readonly invitationUrl: string | null;
}

const LONGEST_NAME = 100;

/**
 * A name in one line, however it was written: what people call themselves must not look like a header, or like our own words. Nor
 * like an encoded word (RFC 2047), as which a subject may hold anything again.
 */
function inline(name: string): string {
  const line = [
    ...name
      .replace(/[\p{C}\p{Z}]+/gu, " ")
      .trim()
      .replaceAll("=?", "= ?"),
  ];
  return line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME).join("")}…` : line.join("");
}

/** How a mail looks. */
export function toLetter(
  { to, organization, from, token, expiresAt }: Mail,
  { invitationUrl }: LetterSettings,
): Letter {
  const [where, who] = [inline(organization), inline(from)];
  const how = invitationUrl
    ? `Accept, or decline, here:\n\n${invitationUrl.replaceAll("{token}", token)}`
    : `Accept, or decline, with this code:\n\n${token}`;
  return {
    to,
    subject: `${who} invites you to ${where}`,
    text: `${who} invites you to ${where}.\n\n${how}\n\nIt works once, until ${expiresAt.slice(0, 16).replace("T", " ")} UTC, for whoever signs in with this address. If you\nexpect no invitation, do nothing: nobody learns that you received it.\n`,
  };
}
