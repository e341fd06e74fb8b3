import type { Finding } from "./finding.js";

const OLDEST_MAJOR = 15;
// Older ones let planner statistics show values of rows that row security hides (CVE-2025-8713).
const OLDEST_MINOR: Readonly<Record<number, number>> = { 15: 14, 16: 10, 17: 6 };

/**
 * Whether row security of this server can be relied on; null when it can.
 * @param serverVersionNum what `show server_version_num` answers: 150014 is 15.14
 */
export function checkVersion(serverVersionNum: number): Finding | null {
  const major = Math.floor(serverVersionNum / 10_000);
  const minor = serverVersionNum % 10_000;
  if (!(major >= OLDEST_MAJOR)) {
    return {
      what: `The server is PostgreSQL ${major}, which is not supported.`,
      mend: `Upgrade it to PostgreSQL ${OLDEST_MAJOR}.${OLDEST_MINOR[OLDEST_MAJOR]} or later.`,
    };
  }
  const oldest = OLDEST_MINOR[major] ?? 0;
  if (minor >= oldest) return null;
  return {
    what: `The server is PostgreSQL ${major}.${minor}, whose row security lets through what later releases keep hidden.`,
    mend: `Update it to PostgreSQL ${major}.${oldest} or later; a minor update keeps the data as it is.`,
  };
}
