import { defaultFieldResolver, TypeNameMetaFieldDef } from "graphql";
import { type Gate, gateOf, passes } from "../gate.js";
import { argumentsFor } from "./arguments.js";
import { type Answer, type Below, completeOf, settleOf } from "./complete.js";
import { Info, pathOf } from "./info.js";
import { isLeaf, type LeafType, serializeOf } from "./leaf.js";
import type { Keyed } from "./object.js";
import { type Asked, fail } from "./run.js";

/** How to answer a field of an object. */
export function keyedOf(asked: Asked, below: Below): Keyed {
  const { key, field, parent } = asked;
  if (field === TypeNameMetaFieldDef) return { key, answer: () => parent.name, always: parent.name };
  const { type, args, resolve = defaultFieldResolver } = field;
  const gate = gateOf(field);
  if ((resolve !== defaultFieldResolver && !gate) || args.length > 0 || !isLeaf(type))
    return { key, answer: answerResolved(asked, below) };
  const answer = answerRead(asked, type, gate, below);
  return gate ? { key, answer, gated: { gate, answer: answerRead(asked, type, undefined, below) } } : { key, answer };
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
    if (source !== null && typeof source === "object" && (!gate || passes(gate, source, run.contextValue as never))) {
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
