import { and, asc, eq, or, sql } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { externalId, isMetadataTooLarge, METADATA_TOO_LARGE, mergePatch, metadata } from "../../graphql/form.js";
import { mutation } from "../../graphql/mutation.js";
import { newId, type UserId } from "../../ids.js";
import { oneAtATime, PEOPLE } from "../../tenancy/oneAtATime.js";
import { type Changes, patchOf } from "../audit/patch.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { changeUser } from "../users/changeUser.js";
import { appearance, email } from "../users/form.js";
import { usersById } from "../users/loader.js";
import { isErased, type UserRow, users } from "../users/table.js";
import { User } from "../users/type.js";
import { getUser } from "./getUser.js";
import { mustBeAbleToHandOn, withdrawPromised } from "./handOn.js";

const form = z
  .object({
    userId: z.string().nullish(),
    email: email.nullish(),
    externalId: externalId.nullish(),
    ...appearance,
    metadata: metadata.nullish(),
  })
  .refine(({ userId, email, externalId }) => (userId ?? email ?? externalId) != null, {
    message: "Say who it is: give a user id, an e-mail address or an external id.",
    path: ["email"],
  });

/**
 * Makes a person of the tenant, or changes the one of this user id, or else of this external id, or else of this address. Of two calls at once for
 * one person, the second changes what the first made.
 * Whoever comes with the address of somebody who never signed in becomes that person: to give them another address is to give
 * away their memberships and all that they hold. What they were offered beside these is withdrawn then.
 * @throws NotFoundFailure      the viewer does not see the person of the user id
 * @throws InvalidInputFailure  external id or address belong to somebody else, or the address alone to several; the person was erased; metadata over 8 kB
 * @throws ExceedsYoursFailure  such a person is given another address, and is a member, or holds something, as the viewer could not make them
 */
export async function upsertUser(ctx: Context, input: z.output<typeof form>): Promise<UserId> {
  const { session, now, root } = scopeOf(ctx);
  const { db, tenantId } = session;
  await oneAtATime(session, PEOPLE);
  const { userId, displayName, ...rest } = input;
  const known = await findPerson(ctx, input);
  if (known) {
    // Who is found by one of them gets the others.
    const sent = { ...rest, email: rest.email ?? undefined, externalId: rest.externalId ?? undefined };
    const changes: Changes = patchOf(known, { ...sent, displayName: displayName ?? undefined });
    if (Object.keys(changes.after).length === 0) return known.id;
    const isAddressed = "email" in changes.after;
    if (isAddressed && known.identity === null) {
      await mustBeAbleToHandOn(ctx, known.id, "members:manage", ["input", "email"]);
      await withdrawPromised(ctx, known.id);
    }
    // A new address has not been confirmed by anybody.
    await changeUser(ctx, known.id, changes, isAddressed ? { emailVerified: false } : {});
    return known.id;
  }

  const noted = mergePatch({}, rest.metadata ?? {});
  if (isMetadataTooLarge(noted)) throw new InvalidInputFailure(METADATA_TOO_LARGE, ["input", "metadata"]);
  const id = newId<UserId>();
  const row = {
    ...rest,
    metadata: noted,
    displayName: displayName ?? input.email ?? input.externalId!,
  };
  await db.insert(users).values({ ...row, tenantId, id, createdAt: now, updatedAt: now });
  const about = { organizationId: root.id, targetType: "User", targetId: id };
  record(ctx, { ...about, action: "user.created", changes: { after: row } });
  return id;
}

/**
 * Whom an input means: the person of the user id, or else of the external id, or else the only one of the address. Null for
 * somebody new.
 * @throws NotFoundFailure      the viewer does not see the person of the user id
 * @throws InvalidInputFailure  what is given belongs to two people, or the address alone to several
 */
async function findPerson(ctx: Context, { userId, email, externalId }: z.output<typeof form>): Promise<UserRow | null> {
  const { db, tenantId } = scopeOf(ctx).session;
  const named = userId == null ? null : await getUser(ctx, userId);
  // What was done by them would be told of whoever is written down there.
  if (named && isErased(named))
    throw new InvalidInputFailure(
      "This person was erased, for good. Leave the user id out to write down somebody new.",
      ["input", "userId"],
    );
  const found = await db
    .select()
    .from(users)
    .where(
      and(
        eq(users.tenantId, tenantId),
        or(
          externalId == null ? sql`false` : eq(users.externalId, externalId),
          email == null ? sql`false` : eq(users.email, email),
        ),
      ),
    )
    .orderBy(asc(users.id));
  const ofExternalId = found.filter((row) => externalId != null && row.externalId === externalId);
  const ofAddress = found.filter((row) => email != null && row.email === email);
  const known = named ?? ofExternalId[0];
  if (known) {
    mustBeAmong(ofExternalId, known, "external id", "externalId");
    mustBeAmong(ofAddress, known, "address", "email");
    return known;
  }
  const [only] = ofAddress;
  if (ofAddress.length > 1)
    throw new InvalidInputFailure("Several people have this address. Say whom you mean by their userId.", [
      "input",
      "email",
    ]);
  if (only && externalId != null && only.externalId !== null)
    throw new InvalidInputFailure("The person of this address has another external id.", ["input", "externalId"]);
  return only ?? null;
}

/** What others have becomes nobody else's by a slip; what somebody shares with others already stays. */
function mustBeAmong(owners: readonly UserRow[], { id }: UserRow, what: string, field: string): void {
  if (owners.length === 0 || owners.some((owner) => owner.id === id)) return;
  throw new InvalidInputFailure(`This ${what} is another person's. Leave it out, or change theirs first.`, [
    "input",
    field,
  ]);
}

mutation<z.output<typeof form>, { id: UserId }>("upsertUser", {
  description:
    "Makes a person of this tenant, or changes the one of this user id, external id or address. What is left out stays. Needs `members:manage` and `members:read` at the root, both with reach SUBTREE; to give another address to somebody who never signed in, everything that they hold, and `members:manage` where they are members, for as long: who has the address becomes them.",
  input: (t) => ({
    userId: t.id({
      description:
        "Somebody who is there, before anything else is looked at. An address or external id becomes theirs.",
    }),
    email: t.string({
      description:
        "Their address. Finds them when neither of the ids does, unless several people have it: then say whom by their user id. Otherwise becomes theirs, if it is not somebody else's.",
    }),
    externalId: t.string({
      description:
        "Their id in the product's own system. Finds them before the address does; otherwise becomes theirs, if it is not somebody else's.",
    }),
    displayName: t.string({
      description:
        "What to call them: 1 to 200 characters. Somebody new without one is called by address or external id.",
    }),
    imageUrl: t.field({ type: "URL", description: "Their picture, over https; null removes it." }),
    locale: t.string({ description: "Their language, as BCP 47 writes it: `de-AT`; null removes it." }),
    metadata: t.field({
      type: "JSON",
      description: "A merge patch (RFC 7396): keys that are null are removed, all others set. At most 8 kB in the end.",
    }),
  }),
  form,
  payload: {
    description: "The person is in the tenant, as the input says.",
    fields: (t) => ({
      user: t.field({
        type: User,
        description: "The person.",
        resolve: async ({ id }, _args, ctx) => (await usersById(scopeOf(ctx)).load(id))!,
      }),
    }),
  },
  failures: [ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async (input, ctx) => ({ id: await upsertUser(ctx, input) }),
});
