import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import type { Identity } from "../../identity/identity.js";

export class EmailNotVerifiedFailure extends Failure {
  override readonly name = "EmailNotVerifiedFailure";
  readonly code = "EMAIL_NOT_VERIFIED";
}
failureType(
  EmailNotVerifiedFailure,
  "The token has no verified address. Confirm it where you sign in, and sign in again.",
);

/**
 * The address that an identity has, by an issuer that speaks for its domain; normalised.
 * @throws EmailNotVerifiedFailure
 */
export function verifiedEmail({ email, emailVerified }: Identity): string {
  if (emailVerified && email !== null) return email;
  throw new EmailNotVerifiedFailure(
    "Your token has no verified address. Confirm it where you sign in, and sign in again.",
  );
}
