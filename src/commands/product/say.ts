import type { ProductChange } from "../../access/productChange.js";
import { isInUse, type Planned } from "./plan.js";
import type { Concerned } from "./survey.js";

const SIGNS = { ADDED: "+", CHANGED: "~", REWORDED: "~", REMOVED: "-" } as const;
const KINDS = { PERMISSION: "permission", ROLE: "role template" } as const;

/** A change in one line, as a person reads it. */
export function say(planned: Planned): string {
  const { change } = planned;
  const { kind, key, what, gained, lost } = change;
  const named = `${SIGNS[what]} ${KINDS[kind]} ${key}`;
  if (what === "REWORDED") return `${named}: other words, for nobody a difference.`;
  const parts = [
    ...(what === "CHANGED" && gained.length > 0 ? [`gains ${gained.join(", ")}`] : []),
    ...(what === "CHANGED" && lost.length > 0 ? [`loses ${lost.join(", ")}`] : []),
  ];
  const people = `${count(planned.people, "person", "people")} ${what === "CHANGED" ? "concerned" : what === "ADDED" ? "gain it" : "lose it"}`;
  const by = [
    `by ${count(planned.grants, "grant")}`,
    ...(kind === "PERMISSION" ? [`named by ${count(planned.roles, "role")} of tenants' own`] : []),
    ...(planned.offers > 0
      ? [`offered by ${count(planned.offers, "open invitation or join policy", "open invitations and join policies")}`]
      : []),
    `in ${count(planned.tenants, "tenant")}`,
  ];
  return `${named}${parts.length > 0 ? ` ${parts.join(" and ")}` : ""}: ${[people, ...by].join(", ")}.${isInUse(planned) ? " In use." : ""}`;
}

/** The same for programs: of one tenant, or with `tenants`, how many there are, of all. */
export const toLine = (
  where: { readonly tenant: string } | { readonly tenants: number },
  change: ProductChange,
  { roles, grants, people, offers }: Concerned,
): string => {
  const { kind, key, what, gained, lost } = change;
  const inUse = isInUse({ change, roles, grants, offers });
  return `${JSON.stringify({ ...where, kind, key, what, gained, lost, roles, grants, people, offers, inUse })}\n`;
};

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;
