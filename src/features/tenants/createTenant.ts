import { z } from "zod";
import type { Context } from "../../graphql/context.js";
import { Failure, InvalidInputFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import { mayEnter } from "../../identity/identity.js";
import { JobOpenError, TooManyTenantsError } from "../../tenancy/jobs/desk.js";
import type { Job } from "../../tenancy/jobs/job.js";
import { isReserved, name, slug } from "../organizations/form.js";
import { SlugUnavailableFailure, slugUnavailable } from "../organizations/takeSlug.js";
import { EmailNotVerifiedFailure, verifiedEmail } from "../users/verifiedEmail.js";
import { SignUp } from "./signUp.js";

export class SignUpClosedFailure extends Failure {
  override readonly name = "SignUpClosedFailure";
  readonly code = "SIGN_UP_CLOSED";
}
failureType(
  SignUpClosedFailure,
  "Nobody makes tenants here by themselves, or not with this token. Ask who runs the service.",
);

export class TooManyTenantsFailure extends Failure {
  override readonly name = "TooManyTenantsFailure";
  readonly code = "TOO_MANY_TENANTS";
}
failureType(
  TooManyTenantsFailure,
  "The person has made as many tenants as one may. Ask who runs the service for more.",
);

const form = z.object({ name, slug });

/**
 * Asks for a tenant that the caller will own. It is made by a process of its own, for this one owns nothing.
 * @throws SignUpClosedFailure      nobody may, or the issuer enters named tenants only, or the token another one
 * @throws EmailNotVerifiedFailure
 * @throws SlugUnavailableFailure   it is another tenant's, was, is about to be, or is reserved: never which
 * @throws TooManyTenantsFailure    also for two calls at once
 */
export async function createTenant(ctx: Context, wish: z.output<typeof form>): Promise<Job> {
  const [identity, { isOpen, desk, digest }] = [ctx.identity!, ctx.signUps!];
  if (!isOpen) throw new SignUpClosedFailure("Nobody makes tenants here by themselves. Ask who runs the service.");
  const email = verifiedEmail(identity);
  // Of an issuer with a list nobody may take a listed slug, nor learn which of them there are.
  if (identity.tenants !== "any" || !mayEnter(identity, wish.slug))
    throw new SignUpClosedFailure("Nobody makes tenants with tokens like yours. Ask who runs the service.");
  if (isReserved(wish.slug) || (await desk.isTaken(wish.slug))) throw slugUnavailable();
  const { issuer, subject } = identity;
  const owner = { email, name: identity.name ?? email, signIn: { issuer, subject } };
  const order = { kind: "SIGN_UP", name: wish.name, owner, isolation: "SCHEMA", database: null } as const;
  return desk.signUp(digest, wish.slug, order).catch((error) => {
    if (error instanceof JobOpenError) throw slugUnavailable();
    if (!(error instanceof TooManyTenantsError)) throw error;
    throw new TooManyTenantsFailure("You have made as many tenants as one may. Ask who runs the service for more.");
  });
}

mutation<z.output<typeof form>, { signUp: Job }>("createTenant", {
  description:
    "Asks for a tenant of one's own, which the caller will own. Needs a token with a verified address, and no tenant. It is made in a moment: `identity { signUps }` says when it is ready.",
  input: (t) => ({
    name: t.string({ required: true, description: "What people call it: 1 to 200 characters." }),
    slug: t.string({
      required: true,
      description: "Its address, unique among all tenants: lower-case letters, digits and hyphens, at most 63.",
    }),
  }),
  form,
  payload: {
    description: "The tenant was asked for.",
    fields: (t) => ({
      signUp: t.field({
        type: SignUp,
        description: "How far it is: the same as in `identity { signUps }`.",
        resolve: ({ signUp }) => signUp,
      }),
    }),
  },
  failures: [
    SignUpClosedFailure,
    EmailNotVerifiedFailure,
    TooManyTenantsFailure,
    SlugUnavailableFailure,
    InvalidInputFailure,
  ],
  change: async (input, ctx) => ({ signUp: await createTenant(ctx, input) }),
});
