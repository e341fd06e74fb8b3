import { z } from "zod";
import { MAIN } from "./names.js";

const NAME = /^[a-z][a-z0-9-]{0,40}$/;
const FORM = 'must be JSON that names databases in lower case: {"eu": "postgres://login:password@host:port/database"}';
const TAKEN = `must not name a database ${MAIN}: that is what the one of DATABASE_URL is called`;

/** A URL whose login, password and path can be read: of those that can be read as URLs at all. */
const isReadable = (value: string): boolean => {
  if (!URL.canParse(value)) return true;
  const { username, password, pathname } = new URL(value);
  try {
    return [username, password, pathname].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
};

/** A URL with a login in it, in which a `%` that stands for itself is written as such. */
export const urlWithLogin = (isMeant: (value: string) => boolean, form: string) =>
  z
    .string()
    .refine(isMeant, `must be ${form}`)
    .refine(isReadable, "has a % in its login, password or path that means nothing: write it as %25");

/** The address of a database and the login to it. */
export const databaseUrl = urlWithLogin((value) => {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, pathname } = new URL(value);
  return /^postgres(ql)?:$/.test(protocol) && username !== "" && password !== "" && pathname.length > 1;
}, "postgres://login:password@host:port/database");

/** JSON that gives databases names. */
export const databaseUrls = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: FORM });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string().regex(NAME), databaseUrl, { error: FORM }))
  .refine((databases) => !Object.hasOwn(databases, MAIN), { error: TAKEN });

/** Names of databases, separated by commas. */
export const databaseNames = z
  .string()
  .transform((text) => text.split(",").flatMap((name) => name.trim() || []))
  .refine((names) => names.every((name) => NAME.test(name)), {
    error: "must be names in lower case, separated by commas: lumen,spare",
  })
  .refine((names) => !names.includes(MAIN), { error: TAKEN });
