import type { GraphQLField } from "graphql";
import { bitsOf } from "../access/rows.js";
import type { Context } from "./context.js";
import type { MayRule } from "./policy.js";

/** Whether who asks is let through to a field of this object. Where it says no, the rule itself is asked, and says why. */
export type Gate = (source: unknown, ctx: Context) => boolean;

/** The gate of a rule about its source. Whoever may do it in the whole tenant is let through without a look at the row. */
export function gateFor({ permission, besides, reach }: MayRule): Gate {
  const asked = bitsOf(besides ? [permission, besides] : [permission]);
  return (source, { operation: { scope } }) => {
    if (scope === null) return false;
    const { rows } = scope.access;
    return (rows.all & asked) === asked || rows.allow(source, asked, reach);
  };
}

type Field = GraphQLField<unknown, Context>;

const GATES = new WeakMap<Field, Gate>();

/** Puts a gate before a field that is a property and nothing else: whoever is let through may read it where it is. */
export const setGate = (field: Field, gate: Gate): void => {
  GATES.set(field, gate);
};

export const gateOf = (field: Field): Gate | undefined => GATES.get(field);
