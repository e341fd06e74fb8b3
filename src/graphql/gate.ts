import type { GraphQLField } from "graphql";
import { type Bits, bitsOf } from "../access/rows.js";
import type { Context } from "./context.js";
import type { MayRule } from "./policy.js";

/** What whoever asks for a field of an object must be allowed there, and there and everywhere below. */
export interface Gate {
  readonly here: Bits;
  readonly below: Bits;
}

export function gateFor({ permission, besides, reach }: MayRule): Gate {
  const asked = bitsOf(besides ? [permission, besides] : [permission]);
  return reach === "SUBTREE" ? { here: 0, below: asked } : { here: asked, below: 0 };
}

/** Lets through whom each of them lets through. */
export function together(gates: readonly Gate[]): Gate {
  const all = (of: (gate: Gate) => Bits) => gates.reduce((bits, gate) => bits | of(gate), 0);
  return { here: all(({ here }) => here), below: all(({ below }) => below) };
}

/**
 * Whether who asks is let through to a field of this object. Where it says no, the rule itself is asked, and says why. Whoever may
 * do it in the whole tenant is let through without a look at the row.
 */
export function passes({ here, below }: Gate, source: unknown, { operation: { scope } }: Context): boolean {
  if (scope === null) return false;
  const { rows } = scope.access;
  const asked = here | below;
  return (rows.all & asked) === asked || rows.allow(source, here, below);
}

type Field = GraphQLField<unknown, Context>;

const GATES = new WeakMap<Field, Gate>();

/** Puts a gate before a field that is a property and nothing else: whoever is let through may read it where it is. */
export const setGate = (field: Field, gate: Gate): void => {
  GATES.set(field, gate);
};

export const gateOf = (field: Field): Gate | undefined => GATES.get(field);
