import { z } from "zod";
import { shownText } from "../../graphql/form.js";
import { normaliseEmail } from "../../identity/email.js";

export const email = z.string().transform((value, ctx) => {
  const normalised = normaliseEmail(value);
  if (normalised === null) ctx.addIssue("This is not an e-mail address: name@example.com.");
  return normalised ?? z.NEVER;
});

const locale = z.string().transform((value, ctx) => {
  try {
    const [canonical] = value.length <= 35 ? Intl.getCanonicalLocales(value) : [];
    if (canonical) return canonical;
  } catch {
    // Not a language tag: told like one that is too long.
  }
  ctx.addIssue("A locale is a language as BCP 47 writes it: de-AT.");
  return z.NEVER;
});

/** How somebody is called, shown and spoken to. */
export const appearance = {
  displayName: shownText("A display name", 200).nullish(),
  imageUrl: z.string().nullish(),
  locale: locale.nullish(),
};
