import { z } from "zod";
import type { Reach } from "../../access/access.js";
import { externalId, shownText } from "../../graphql/form.js";
import { instantOrDayOf } from "../../graphql/instant.js";
import { normaliseEmail } from "../../identity/email.js";
import { isReserved, name as organizationName, slug } from "../organizations/form.js";

/** Why a row of an import is refused. */
export class RowRefused extends Error {
  override readonly name = "RowRefused";
}

/** A role to give, by its key, and how far. */
export interface WantedRole {
  readonly key: string;
  readonly reach: Reach;
}

/** What a row of an import says: a person, an organization, and what the one is in the other. */
export interface ImportRow {
  readonly line: number;
  readonly person: {
    readonly externalId: string;
    readonly email: string | null;
    readonly displayName: string | null;
  } | null;
  /** Where it is about one: by its external id, or else by its slug. */
  readonly organization: {
    readonly called: string;
    readonly name: string | null;
    readonly slug: string | null;
    readonly parent: string | null;
  } | null;
  readonly roles: readonly WantedRole[];
  readonly expiresAt: Date | null;
}

/** The columns of a file, and so the keys of a line of JSON. */
export const COLUMNS = [
  "external_id",
  "email",
  "name",
  "organization",
  "organization_name",
  "organization_slug",
  "parent",
  "roles",
  "expires_at",
] as const;

const emptyAsNull = z.preprocess((value) => (value === "" ? null : value), z.string().nullish());
const own = <T>(form: z.ZodType<T, string>) => emptyAsNull.pipe(form.nullish()).transform((value) => value ?? null);

const email = z.string().transform((value, ctx) => {
  const normalised = normaliseEmail(value);
  if (normalised === null) ctx.addIssue("is no e-mail address");
  return normalised ?? z.NEVER;
});
const instant = z.string().transform((value, ctx) => {
  const at = instantOrDayOf(value);
  if (!at) ctx.addIssue("is no instant, such as 2026-12-31T00:00:00Z, and no day, such as 2026-12-31");
  return at ?? z.NEVER;
});
/** `admin; store-manager:subtree`, or in JSON a list of the same. */
const roles = z
  .preprocess((value) => (Array.isArray(value) ? value.join(";") : (value ?? "")), z.string())
  .transform((text, ctx) =>
    text
      .split(";")
      .map((one) => one.trim())
      .filter((one) => one !== "")
      .map((one): WantedRole => {
        const [key = "", reach = "organization", ...rest] = one.split(":").map((part) => part.trim());
        const far = reach.toUpperCase();
        if (rest.length > 0 || (far !== "ORGANIZATION" && far !== "SUBTREE")) {
          ctx.addIssue("are keys, with :subtree behind one that reaches down");
          return z.NEVER;
        }
        return { key, reach: far };
      }),
  );

const form = z.strictObject({
  external_id: own(externalId),
  email: own(email),
  name: own(shownText("A name", 200)),
  organization: own(externalId),
  organization_name: own(organizationName),
  organization_slug: own(slug.refine((value) => !isReserved(value), "A slug cannot be one of the product's own.")),
  parent: own(externalId),
  roles,
  expires_at: own(instant),
});

/**
 * Reads a row of a file.
 * @throws RowRefused with the column and what is wrong with it
 */
export function readRow(line: number, values: Readonly<Record<string, unknown>>): ImportRow {
  const { success, data, error } = form.safeParse(values);
  if (!success) {
    const [issue] = error.issues;
    const keys = (issue as { keys?: string[] }).keys ?? issue!.path.map(String);
    throw new RowRefused(`${keys.join(", ")}: ${issue!.message}`);
  }
  const { external_id: id, organization, organization_name: name, organization_slug: own, parent } = data;
  if (id === null && (data.email ?? data.name) !== null)
    throw new RowRefused("external_id: a person needs one, so that they are found again.");
  if (organization === null && (name ?? own ?? parent) !== null)
    throw new RowRefused("organization: name it by its external id.");
  if (id === null && organization === null) throw new RowRefused("It is about nobody, and no organization.");
  if ((id === null || organization === null) && (data.roles.length > 0 || data.expires_at !== null))
    throw new RowRefused("roles: they are given to a person in an organization. Name both.");
  return {
    line,
    person: id === null ? null : { externalId: id, email: data.email, displayName: data.name },
    organization: organization === null ? null : { called: organization, name, slug: own, parent },
    roles: data.roles,
    expiresAt: data.expires_at,
  };
}
