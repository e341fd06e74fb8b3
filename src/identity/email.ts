import { normaliseDomain } from "./domain.js";

// RFC 5321, 4.5.3.1, in octets; 254 is what fits a path of 256 with its angle brackets.
const MAX_ADDRESS_BYTES = 254;
const MAX_LOCAL_BYTES = 64;

// What an unquoted local part may hold of ASCII (RFC 5322 atext and dots). Quoted local parts are refused: nobody has
// one, and their commas, spaces and brackets are how a second recipient is smuggled into a mail header.
const LOCAL_ASCII = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]$/;
// Control, format (zero-width, bidirectional), surrogate, private, unassigned; and every kind of space.
const INVISIBLE = /[\p{C}\p{Z}]/u;

/**
 * The one spelling of an e-mail address, by which addresses are stored and compared everywhere in the product.
 * Null when `text` is no usable address. Normalising twice changes nothing.
 *
 * The local part is put into Unicode form NFC and lower case. Not NFKC: it would make one of addresses that are different
 * mailboxes ("ａda" and "ada"). For the same reason a character that only becomes ASCII by normalising (the Kelvin
 * sign becomes "k") is refused. Dots and "+tags" stay: whether they matter is the mailbox's business. The domain is
 * DNS's, so it becomes ASCII, as a resolver would read it.
 */
export function normaliseEmail(text: string): string | null {
  const trimmed = text.trim();
  // Also the bound of the work below.
  if (trimmed.length > MAX_ADDRESS_BYTES || INVISIBLE.test(trimmed)) return null;

  const parts = trimmed.split("@");
  if (parts.length !== 2) return null;
  const local = normaliseLocal(parts[0]!);
  const domain = normaliseDomain(parts[1]!);
  if (!local || !domain) return null;

  const address = `${local}@${domain}`;
  return Buffer.byteLength(local) <= MAX_LOCAL_BYTES && Buffer.byteLength(address) <= MAX_ADDRESS_BYTES
    ? address
    : null;
}

/** The domain of an address that `normaliseEmail` has returned. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}

function normaliseLocal(text: string): string | null {
  for (const char of text) {
    const lower = fold(char);
    if (char <= "\u007f" ? !LOCAL_ASCII.test(lower) : hasAscii(lower)) return null;
  }
  return fold(text);
}

// Lower-casing can leave NFC, hence twice.
const fold = (text: string): string => text.normalize("NFC").toLowerCase().normalize("NFC");

const hasAscii = (text: string): boolean => [...text].some((char) => char <= "\u007f");
