import type { Grounds } from "./access.js";

/** Whether two readings of a viewer's grounds say the same, in whatever order. */
export function sameGrounds(one: Grounds, other: Grounds): boolean {
  const [these, those] = [partsOf(one), partsOf(other)];
  return these.length === those.length && these.every((part, at) => part === those[at]);
}

function partsOf({ grants, memberOf, suspended }: Grounds): string[] {
  return [
    ...grants.map(({ permissions, ...held }) => JSON.stringify(["grant", held, [...permissions].sort()])),
    ...memberOf.map((place) => JSON.stringify(["member of", place])),
    ...suspended.map((place) => JSON.stringify(["suspended", place])),
  ].sort();
}
