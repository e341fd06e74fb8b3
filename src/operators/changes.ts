import { z } from "zod";
import { isReserved, name as nameForm, slug as slugForm } from "../features/organizations/form.js";
import { SlugUnavailableFailure, slugUnavailable } from "../features/organizations/takeSlug.js";
import { InvalidInputFailure } from "../graphql/failure.js";
import { normaliseEmail } from "../identity/email.js";
import { newId, type TenantId } from "../ids.js";
import { ISOLATIONS } from "../tenancy/directory/table.js";
import type { Order } from "../tenancy/jobs/job.js";
import type { OperatorContext, Wish } from "./builder.js";
import { change, getTenant, type InputBuilder } from "./change.js";
import { Isolation } from "./types.js";

/** A year: an old home that is kept for longer is one that nobody looks after. */
const LONGEST_KEPT_SECONDS = 31_536_000;
const KEPT_SECONDS = 86_400;

const absent = <T>(value: T | null | undefined): T | null => value ?? null;
const existing = z.object({ slug: z.string() });
const email = z.string().transform((value, context): string => {
  const address = normaliseEmail(value);
  if (address) return address;
  context.addIssue({ code: "custom", message: "This is no e-mail address, such as ada@acme.example." });
  return z.NEVER;
});
const place = {
  isolation: z
    .enum(ISOLATIONS)
    .nullish()
    .transform((value) => value ?? "SCHEMA"),
  database: z.string().nullish().transform(absent),
};
const claim = z.string().min(1, "An empty one is nobody's.").max(255, "It may have 255 characters at most.");

/** @throws InvalidInputFailure */
function mustBeAllowed(ctx: OperatorContext, wish: Wish): void {
  const objection = ctx.objection(wish);
  if (objection) throw new InvalidInputFailure(objection.message, ["input", objection.field]);
}

/** An order about a tenant that there is. */
async function askOf(ctx: OperatorContext, slug: string, order: Order) {
  const { id } = await getTenant(ctx, slug);
  return ctx.desk.ask(ctx.asking, slug, id, order);
}

change("createTenant", {
  description: "Makes a tenant, with its root and somebody who owns all of it.",
  input: (t) => ({
    slug: t.string({
      required: true,
      description: "What requests call it: lower-case letters, digits and hyphens, at most 63.",
    }),
    name: t.string({ required: true, description: "What people call it: 1 to 200 characters." }),
    ownerEmail: t.string({ required: true, description: "Who owns it, without an end." }),
    ownerIssuer: t.string({ description: "Whose tokens the owner signs in with: their claim iss." }),
    ownerSubject: t.string({
      description: "Whom those tokens mean: their claim sub. Without both, nobody can sign in to it yet.",
    }),
    isolation: t.field({ type: Isolation, description: "How it is kept apart; SCHEMA when left out." }),
    database: t.string({
      description: "Which database of the settings; left out, `main`, or for one of its own a free one.",
    }),
  }),
  form: z
    .object({
      slug: slugForm,
      name: nameForm,
      ownerEmail: email,
      ownerIssuer: claim.nullish().transform(absent),
      ownerSubject: claim.nullish().transform(absent),
      ...place,
    })
    .refine(({ ownerIssuer, ownerSubject }) => (ownerIssuer === null) === (ownerSubject === null), {
      message: "`ownerIssuer` and `ownerSubject` belong together: the claims iss and sub of the owner's tokens.",
      path: ["ownerSubject"],
    }),
  async handIn({ slug, name, ownerEmail, ownerIssuer, ownerSubject, isolation, database }, ctx) {
    mustBeAllowed(ctx, { slug, database, ownerIssuer });
    if (isReserved(slug) || (await ctx.desk.isTaken(slug))) throw slugUnavailable();
    const signIn =
      ownerIssuer !== null && ownerSubject !== null ? { issuer: ownerIssuer, subject: ownerSubject } : null;
    const owner = { email: ownerEmail, name: ownerEmail, signIn };
    return ctx.desk.ask(ctx.asking, slug, newId<TenantId>(), { kind: "CREATE", name, owner, isolation, database });
  },
});

const slugOnly = (t: InputBuilder) => ({ slug: t.string({ required: true, description: "The tenant." }) });

change("renameTenant", {
  description:
    "Gives a tenant another slug, another name, or both. A former slug leads nowhere, and stays this tenant's.",
  input: (t) => ({
    ...slugOnly(t),
    newSlug: t.string({ description: "The other slug." }),
    name: t.string({ description: "What people call it from now on." }),
  }),
  form: z
    .object({
      slug: z.string(),
      newSlug: slugForm.nullish().transform(absent),
      name: nameForm.nullish().transform(absent),
    })
    .refine(
      ({ newSlug, name }) => newSlug !== null || name !== null,
      "Say what is to change: `newSlug`, `name`, or both.",
    ),
  async handIn({ slug, newSlug, name }, ctx) {
    if (newSlug !== null && isReserved(newSlug))
      throw new SlugUnavailableFailure(slugUnavailable().message, ["input", "newSlug"]);
    return askOf(ctx, slug, { kind: "RENAME", slug: newSlug, name });
  },
});

change("suspendTenant", {
  description: "Lets nobody into a tenant until it is resumed. Its data stays as it is.",
  input: slugOnly,
  form: existing,
  handIn: ({ slug }, ctx) => askOf(ctx, slug, { kind: "SUSPEND" }),
});

change("resumeTenant", {
  description: "Lets people into a suspended tenant again.",
  input: slugOnly,
  form: existing,
  handIn: ({ slug }, ctx) => askOf(ctx, slug, { kind: "RESUME" }),
});

change("moveTenant", {
  description:
    "Brings a tenant to another home while it is in use: readers notice nothing, changes wait for less than a second.",
  input: (t) => ({
    ...slugOnly(t),
    isolation: t.field({ type: Isolation, required: true, description: "How it is kept apart afterwards." }),
    database: t.string({
      description: "Which database of the settings; left out, `main`, or for one of its own a free one.",
    }),
    keepSeconds: t.int({
      description: "How long the old home is kept, closed: a day when left out, a year at most, 0 for not at all.",
    }),
  }),
  form: z.object({
    slug: z.string(),
    ...place,
    keepSeconds: z
      .number()
      .min(0, "It must be 0 or more.")
      .max(LONGEST_KEPT_SECONDS, "It must be a year at most.")
      .nullish()
      .transform((value) => value ?? KEPT_SECONDS),
  }),
  async handIn({ slug, isolation, database, keepSeconds }, ctx) {
    mustBeAllowed(ctx, { slug, database, ownerIssuer: null });
    return askOf(ctx, slug, { kind: "MOVE", isolation, database, keepSeconds });
  },
});

change("eraseTenant", {
  description:
    "Removes everything of a tenant for ever, and searches every table for what may be left. What was asked for it before is forgotten, too.",
  input: (t) => ({
    ...slugOnly(t),
    confirmSlug: t.string({ required: true, description: "The same slug again, to show that it is meant." }),
  }),
  form: z
    .object({ slug: z.string(), confirmSlug: z.string() })
    .refine(({ slug, confirmSlug }) => slug === confirmSlug, {
      message: "It is not the same as `slug`. Nothing was handed in.",
      path: ["confirmSlug"],
    }),
  handIn: ({ slug }, ctx) => askOf(ctx, slug, { kind: "ERASE" }),
});
