import { defaultFieldResolver, TypeNameMetaFieldDef } from "graphql";
import { type Gate, gateOf } from "../gate.js";
import { argumentsFor } from "./arguments.js";
import { type Answer, type Below, completeOf, settleOf } from "./complete.js";
import { Info, pathOf } from "./info.js";
import { isLeaf, type LeafType, serializeOf } from "./leaf.js";
import { type Asked, fail } from "./run.js";

/**
 * How to answer a field of an object.
 * @throws GraphQLError where it fails and may not be null
 */
export function answerOf(asked: Asked, below: Below): Answer {
  if (asked.field === TypeNameMetaFieldDef) return () => asked.parent.name;
  const { type, args, resolve = defaultFieldResolver } = asked.field;
  const gate = gateOf(asked.field);
  return (resolve === defaultFieldResolver || gate) && args.length === 0 && isLeaf(type)
    ? answerRead(asked, type, gate, below)
    : answerResolved(asked, below);
}

function answerResolved(asked: Asked, below: Below): Answer {
  const { type, resolve = defaultFieldResolver } = asked.field;
  const argumentsOf = argumentsFor(asked);
  const settle = settleOf(type, completeOf(type, asked, below), asked);
  return (run, source, above) => {
    const info = new Info(run, asked, above);
    let value: unknown;
    try {
      value = resolve(source, argumentsOf(run), run.contextValue, info);
    } catch (thrown) {
      return fail(thrown, run, asked, type, info.path);
    }
    return settle(value, run, info);
  };
}

/** Most fields are a property of a row, and neither a method of it nor waited for: there is as little of these as can be. */
function answerRead(asked: Asked, type: LeafType, gate: Gate | undefined, below: Below): Answer {
  const { name } = asked.field;
  const serialize = serializeOf(type, asked);
  let otherwise: Answer | undefined;
  return (run, source, above) => {
    if (source !== null && typeof source === "object" && (!gate || gate(source, run.contextValue as never))) {
      try {
        const value = (source as Record<string, unknown>)[name];
        if (value === null || (typeof value !== "object" && typeof value !== "function")) return serialize(value, run);
      } catch (thrown) {
        return fail(thrown, run, asked, type, pathOf(asked, above));
      }
    }
    otherwise ??= answerResolved(asked, below);
    return otherwise(run, source, above);
  };
}
