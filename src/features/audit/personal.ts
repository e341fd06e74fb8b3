import { createHash, randomBytes } from "node:crypto";

type Values = Readonly<Record<string, unknown>>;

const namesIn = (changes: Values): string[] =>
  [
    ...new Set([changes.before, changes.after].flatMap((values) => Object.keys((values as Values | undefined) ?? {}))),
  ].sort();

/** What stands apart: a value that may be erased, and the salted digest by which an event knows it. Bytes are in hexadecimal. */
export interface Apart {
  readonly commitment: string;
  readonly salt: string;
  readonly value: string;
}

/** What is written of a change of a person: the event, and beside it what may be erased. */
export interface Parted extends Apart {
  readonly changes: Values;
}

/** Sets a value apart. */
export function setApart(content: Values): Apart {
  const [salt, value] = [randomBytes(32), JSON.stringify(content)];
  const commitment = createHash("sha256").update(salt).update(value).digest("hex");
  return { commitment, salt: salt.toString("hex"), value };
}

/** Parts what changed about a person: the event names it, and holds a salted digest of the values. */
export const part = (changes: Values): Parted => ({ changes: { personal: namesIn(changes) }, ...setApart(changes) });

/** What changed, as it is shown: the values, or that they were erased. */
export const join = (changes: Values, value: string | null): Values =>
  value === null ? { erased: changes.personal } : (JSON.parse(value) as Values);
