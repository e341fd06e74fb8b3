import type { Access } from "./access.js";

/** Whether two readings of a viewer's access stand on the same grounds, in whatever order. */
export function isSame(one: Access, other: Access): boolean {
  const [these, those] = [groundsOf(one), groundsOf(other)];
  return these.length === those.length && these.every((ground, at) => ground === those[at]);
}

function groundsOf({ grounds: { grants, memberOf, suspended, archived } }: Access): string[] {
  return [
    ...grants.map(({ permissions, ...held }) => JSON.stringify(["grant", held, [...permissions].sort()])),
    ...memberOf.map((place) => JSON.stringify(["member of", place])),
    ...suspended.map((place) => JSON.stringify(["suspended", place])),
    ...archived.map((id) => `archived ${id}`),
  ].sort();
}
