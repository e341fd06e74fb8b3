import { readSettings, type Settings } from "../../config.js";
import { DEVELOPMENT_ISSUER } from "../../identity/issuers.js";
import { newId, type TenantId } from "../../ids.js";
import type { NewOwner } from "../../tenancy/jobs/job.js";
import { withOwnersOf } from "../database.js";
import { UsageError } from "../explain.js";
import { emailIn, nameIn, slugIn } from "./arguments.js";
import { developmentSignIn, makeTenant } from "./make.js";
import { type PlaceOptions, placeOf } from "./place.js";
import { say, shown } from "./shown.js";

/** Who shall own a tenant, and whom the tokens that they sign in with mean. */
export interface OwnerOptions {
  readonly owner: string;
  readonly ownerIssuer?: string;
  readonly ownerSubject?: string;
}

export interface CreateOptions extends PlaceOptions, OwnerOptions {
  readonly name: string;
  readonly json?: boolean;
}

/** `tenantry tenant create`: makes a tenant with its root and its owner, whole or not at all. */
export async function createCommand(given: string, options: CreateOptions): Promise<void> {
  const settings = readSettings(process.env);
  const slug = slugIn(given);
  const name = nameIn(options.name);
  const email = emailIn(options.owner);
  const signIn = await signInOf(settings, email, slug, options);
  await withOwnersOf(settings, async (owners) => {
    const place = await placeOf(owners, options);
    const owner = { email, name: email, signIn };
    const made = await makeTenant(owners, settings, { id: newId<TenantId>(), slug, name, owner, place });
    const how = howToSignIn(settings, email, slug, signIn);
    say(options.json, [`Made ${slug}: ${place.isolation} in ${place.database}.`, how], {
      ...shown(made),
      name,
      owner: email,
      canSignIn: signIn !== null,
    });
  });
}

/**
 * Who the owner is to those who vouch for people: as the options say, or at the development issuer where that is on; null
 * where nobody can tell yet.
 */
export async function signInOf(
  settings: Settings,
  email: string,
  slug: string,
  { ownerIssuer: issuer, ownerSubject: subject }: OwnerOptions,
): Promise<NewOwner["signIn"]> {
  if ((issuer === undefined) !== (subject === undefined))
    throw new UsageError(
      "--owner-issuer and --owner-subject belong together: the claims iss and sub of the owner's tokens.",
    );
  if (issuer !== undefined && subject !== undefined) {
    if (issuer === "" || subject === "") throw new UsageError("--owner-issuer and --owner-subject must not be empty.");
    const { TENANTRY_ISSUERS: issuers } = settings;
    const known = issuers.find((one) => one.issuer === issuer);
    if (!known && issuers.length > 0) {
      const names = issuers.map((one) => one.issuer).join(", ");
      throw new UsageError(`--owner-issuer ${issuer} is not in TENANTRY_ISSUERS. There are: ${names}.`);
    }
    if (known && known.tenants !== "any" && !known.tenants.includes(slug))
      throw new UsageError(
        `--owner-issuer ${issuer} may not enter ${slug}: add it to its tenants in TENANTRY_ISSUERS.`,
      );
    return { issuer, subject };
  }
  return developmentSignIn(settings, email);
}

export function howToSignIn(settings: Settings, email: string, slug: string, signIn: NewOwner["signIn"]): string {
  if (signIn === null)
    return `Nobody can sign in to it yet: ${email} owns it, and no issuer's subject is known to be theirs. Say who they are: \`tenantry tenant recover ${slug} --owner ${email} --owner-issuer … --owner-subject …\`, the claims iss and sub of their tokens.`;
  if (signIn.issuer === DEVELOPMENT_ISSUER)
    return `${email} owns it, and signs in with: tenantry token --user ${email} --tenant ${slug}`;
  const isTaken = settings.TENANTRY_ISSUERS.some(({ issuer }) => issuer === signIn.issuer);
  return `${email} owns it, and signs in with a token of ${signIn.issuer}${isTaken ? "" : ", once the gateway's TENANTRY_ISSUERS has it"}.`;
}
