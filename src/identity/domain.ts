import { domainToASCII } from "node:url";

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
// The last label holds a letter, so an IPv4 address is no domain.
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)*(?=[0-9-]*[a-z])${LABEL}$`);
const MAX_DOMAIN_LENGTH = 253;

/**
 * The one spelling of a domain name: lower case, ASCII (international names as `xn--…`), no trailing dot.
 * Null when `text` is no domain name; IP addresses, ports and everything around a name are none.
 */
export function normaliseDomain(text: string): string | null {
  if (text.length > MAX_DOMAIN_LENGTH) return null;

  // domainToASCII parses as a URL would: it cuts at "/" and decodes "%41". Of ASCII only letters, digits, "." and "-" may
  // reach it, also after compatibility forms such as the full-width slash are folded.
  const folded = text.normalize("NFKC");
  for (const char of folded) if (char <= "\u007f" && !/[A-Za-z0-9.-]/.test(char)) return null;

  const ascii = domainToASCII(folded);
  return ascii.length <= MAX_DOMAIN_LENGTH && DOMAIN.test(ascii) ? ascii : null;
}
