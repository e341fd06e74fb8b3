import { createHash, randomBytes } from "node:crypto";

type Values = Readonly<Record<string, unknown>>;

/** What is written of a change of a person: the event, and beside it what may be erased. */
export interface Parted {
  readonly changes: Values;
  readonly commitment: string;
  readonly salt: string;
  readonly value: string;
}

const namesIn = (changes: Values): string[] =>
  [
    ...new Set([changes.before, changes.after].flatMap((values) => Object.keys((values as Values | undefined) ?? {}))),
  ].sort();

/** Parts what changed about a person: the event names it, and holds a salted digest of the values. Bytes are in hexadecimal. */
export function part(changes: Values): Parted {
  const [salt, value] = [randomBytes(32), JSON.stringify(changes)];
  return {
    changes: { personal: namesIn(changes) },
    commitment: createHash("sha256").update(salt).update(value).digest("hex"),
    salt: salt.toString("hex"),
    value,
  };
}

/** What changed, as it is shown: the values, or that they were erased. */
export const join = (changes: Values, value: string | null): Values =>
  value === null ? { erased: changes.personal } : (JSON.parse(value) as Values);
