import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { UserId } from "../../ids.js";
import { oneAtATime, PEOPLE } from "../../tenancy/oneAtATime.js";
import { patchOf } from "../audit/patch.js";
import { changeUser } from "../users/changeUser.js";
import { appearance } from "../users/form.js";
import { usersById } from "../users/loader.js";
import { users } from "../users/table.js";
import { User } from "../users/type.js";
import { Viewer } from "./type.js";

const form = z.object(appearance);

/** Changes how the viewer is called, shown and spoken to in this tenant, which nobody has to allow them. */
async function updateViewer(ctx: Context, { displayName, ...rest }: z.output<typeof form>): Promise<UserId> {
  const { session, viewer } = scopeOf(ctx);
  await oneAtATime(session, PEOPLE);
  const [own] = await session.db
    .select()
    .from(users)
    .where(and(eq(users.tenantId, session.tenantId), eq(users.id, viewer.id)));
  const changes = patchOf(own!, { ...rest, displayName: displayName ?? undefined });
  if (Object.keys(changes.after).length > 0) await changeUser(ctx, viewer.id, changes);
  return viewer.id;
}

mutation<z.output<typeof form>, { id: UserId }>("updateViewer", {
  description:
    "Changes how the viewer is called, shown and spoken to in this tenant. What is left out stays. Needs no permission.",
  input: (t) => ({
    displayName: t.string({ description: "What to call them: 1 to 200 characters." }),
    imageUrl: t.field({ type: "URL", description: "Their picture, over https; null removes it." }),
    locale: t.string({ description: "Their language, as BCP 47 writes it: `de-AT`; null removes it." }),
  }),
  form,
  payload: {
    description: "The viewer is as the input says.",
    fields: (t) => ({
      viewer: t.field({ type: Viewer, description: "The viewer.", resolve: (_payload, _args, ctx) => scopeOf(ctx) }),
      user: t.field({
        type: User,
        description: "The person whom the viewer is.",
        resolve: async ({ id }, _args, ctx) => (await usersById(scopeOf(ctx)).load(id))!,
      }),
    }),
  },
  failures: [InvalidInputFailure],
  change: async (input, ctx) => ({ id: await updateViewer(ctx, input) }),
});
