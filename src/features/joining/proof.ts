import { UnavailableError } from "../../database/errors.js";
import type { Context } from "../../graphql/context.js";
import type { OrganizationDomainRow } from "./table.js";

const VALUE = "tenantry-verification=";
/** For how long a proof that was seen is believed. */
const BELIEVED_FOR_MS = 86_400_000;

/** Where the proof of a domain stands: at a name of its own, so that nobody's other records are in the way. */
export const recordName = (domain: string): string => `_tenantry.${domain}`;
export const recordValue = ({ proof }: Pick<OrganizationDomainRow, "proof">): string => `${VALUE}${proof}`;

/** Whether somebody has to look again, by the database's clock. */
export const isStale = ({ checkedAt }: Pick<OrganizationDomainRow, "checkedAt">, now: Date): boolean =>
  checkedAt === null || now.getTime() - checkedAt.getTime() > BELIEVED_FOR_MS;

/**
 * All proofs that the DNS of a domain holds at this moment; `[]` where it holds none. Never to be asked inside a session.
 * @throws UnavailableError when nobody can tell
 */
export async function lookUpProofs(ctx: Context, domain: string): Promise<string[]> {
  try {
    const records = await ctx.resolveTxt(recordName(domain));
    const texts = records.map((parts) => parts.join("").trim());
    return texts.filter((text) => text.startsWith(VALUE)).map((text) => text.slice(VALUE.length));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTFOUND" || code === "ENODATA") return [];
    throw new UnavailableError("DNS does not answer.", 5, { cause: error });
  }
}
