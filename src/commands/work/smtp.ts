import { createTransport } from "nodemailer";
import { LetterRefusedError, type PostmanOptions } from "../../features/mail/postman.js";
import { domainOf } from "../../identity/email.js";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

interface SmtpError extends Error {
  readonly code?: string;
  /** What was said to the server when it gave this answer. */
  readonly command?: string;
  readonly responseCode?: number;
  /** Its words. */
  readonly response?: string;
}

/** That there is no such mailbox, or that it takes nothing (RFC 3463): 5.1.7 and 5.1.8 are about who sends. */
const OF_MAILBOX = /^5\d\d[ -]5\.(1\.(?![78]\b)|2\.)/;

/**
 * Whether the server's answer is about this letter, so that it would give it again: it knows no such mailbox, or does not take what it
 * was given to read. All else may be about who sends: wrong settings, by which no letter of anybody leaves. Many servers say that
 * only when they are told to whom.
 */
const isAboutLetter = ({ code, command, response }: SmtpError): boolean =>
  code === "EMESSAGE" || (command === "RCPT TO" && OF_MAILBOX.test(response ?? ""));

/**
 * Hands letters to a mail server.
 * @param url   as the settings have it
 * @param from  whose address they come from
 */
export function smtp(url: string, from: string): PostmanOptions["send"] {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === "smtps:";
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    // A token that travels in the clear is anybody's.
    requireTLS: !secure && !LOOPBACK.has(hostname),
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    // Nothing in a letter is the name of a file, or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, subject, text }, id) => {
    try {
      await transport.sendMail({
        from,
        // As an object it is taken as it stands, and never for a list.
        to: { name: "", address: to },
        subject,
        text,
        // Known again by whoever receives it twice.
        messageId: `<${id}@${domainOf(from)}>`,
        headers: { "Auto-Submitted": "auto-generated" },
      });
    } catch (error) {
      // The server's words may hold the address, and this goes into the log: only the numbers of its answer leave here.
      const { code = "", responseCode = 0 } = error as SmtpError;
      if (isAboutLetter(error as SmtpError) && responseCode >= 500) throw new LetterRefusedError(responseCode);
      throw new Error(`The mail server did not take it: ${code} ${responseCode}.`);
    }
  };
}
