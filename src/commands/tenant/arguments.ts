import { isReserved, name as nameForm, slug as slugForm } from "../../features/organizations/form.js";
import { normaliseEmail } from "../../identity/email.js";
import { UsageError } from "../explain.js";

/** @throws UsageError when it is no slug, or one that no tenant may have */
export function slugIn(text: string, argument = "<slug>"): string {
  const { success, error } = slugForm.safeParse(text);
  if (!success) throw new UsageError(`${argument} ${text} will not do. ${error.issues[0]!.message}`);
  if (isReserved(text))
    throw new UsageError(`${argument} ${text} is kept for the product's own addresses. Choose another one.`);
  return text;
}

export function nameIn(text: string): string {
  const { success, data, error } = nameForm.safeParse(text);
  if (!success) throw new UsageError(`--name will not do. ${error.issues[0]!.message}`);
  return data;
}

export function emailIn(text: string): string {
  const email = normaliseEmail(text);
  if (!email) throw new UsageError(`--owner ${text} is no e-mail address, such as ada@acme.example.`);
  return email;
}
