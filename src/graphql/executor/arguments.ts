import { getArgumentValues, Kind, type ValueNode } from "graphql";
import type { Asked, Run } from "./run.js";

type Arguments = { [argument: string]: unknown };

/**
 * How to take the arguments of a field: written once and copied, where they are the same for every execution, and taken once
 * for each where they have variables.
 * @throws GraphQLError for an argument that cannot be taken
 */
export function argumentsFor(asked: Asked): (run: Run) => Arguments {
  const { field, nodes } = asked;
  if (field.args.length === 0) return () => ({});
  const take = (run: Run) => getArgumentValues(field, nodes[0]!, run.variableValues);
  const isWritten = !nodes[0]!.arguments?.some(({ value }) => hasVariable(value));
  let written: Arguments | undefined;
  return (run) => {
    const known = isWritten ? written : run.arguments.get(asked);
    if (known) return { ...known };
    const taken = take(run);
    if (!isFlat(taken)) return taken;
    if (isWritten) written = taken;
    else run.arguments.set(asked, taken);
    return { ...taken };
  };
}

function hasVariable(value: ValueNode): boolean {
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  if (value.kind === Kind.OBJECT) return value.fields.some((field) => hasVariable(field.value));
  return value.kind === Kind.VARIABLE;
}

/** Whether a copy shares nothing with it that a resolver could change: what is kept is given to everybody. */
const isFlat = (taken: Arguments): boolean =>
  Object.values(taken).every((value) => value === null || (typeof value !== "object" && typeof value !== "function"));
