import { z } from "zod";
import { normaliseEmail } from "../../identity/email.js";

export const email = z.string().transform((value, ctx) => {
  const normalised = normaliseEmail(value);
  if (normalised === null) ctx.addIssue("This is not an e-mail address: name@example.com.");
  return normalised ?? z.NEVER;
});
