import { type Gate, passes, together } from "../gate.js";
import type { Answer } from "./complete.js";
import { AROUND_KEY } from "./size.js";

/** A field of an object, under the key that its answer gets. */
export interface Keyed {
  readonly key: string;
  /** @throws GraphQLError where it fails and may not be null */
  readonly answer: Answer;
  /** What stands before it, and how to answer whom that lets through. */
  readonly gated?: { readonly gate: Gate; readonly answer: Answer };
  /** What it answers wherever it is asked for. */
  readonly always?: string;
}

type Told = Record<string, unknown>;

/**
 * Objects without a prototype's properties, whatever their keys, `__proto__` included; unlike those that `Object.create(null)`
 * makes they share their shape with all others that were asked the same.
 */
function shape(): new () => Told {
  function Shape() {}
  Shape.prototype = Object.create(null);
  return Shape as unknown as new () => Told;
}

/** Answers all fields at once; what they wait for, they wait for together. */
export function answerTogether(fields: readonly Keyed[]): Answer {
  const Shape = shape();
  const written = fields.reduce((sum, { key, always = "" }) => sum + key.length + always.length + AROUND_KEY, 0);
  const open = behindAllGates(fields);
  return (run, source, path) => {
    run.size.addCharacters(written);
    const told = new Shape();
    let waiting: string[] | undefined;
    try {
      for (const { key, answer } of open && passes(open.gate, source, run.contextValue as never)
        ? open.fields
        : fields) {
        const value = answer(run, source, path);
        told[key] = value;
        if (value instanceof Promise) {
          if (waiting) waiting.push(key);
          else waiting = [key];
        }
      }
    } catch (thrown) {
      if (!waiting) throw thrown;
      // Others that still run may fail too, and somebody has to hear of it.
      return whole(told, waiting).finally(() => {
        throw thrown;
      });
    }
    return waiting ? whole(told, waiting) : told;
  };
}

/** For whom every gate lets through: most, whom it saves asking at each. Undefined where that saves nothing. */
function behindAllGates(
  fields: readonly Keyed[],
): { readonly gate: Gate; readonly fields: readonly Keyed[] } | undefined {
  const gates = fields.flatMap(({ gated }) => gated?.gate ?? []);
  if (gates.length < 2) return undefined;
  return {
    gate: together(gates),
    fields: fields.map(({ key, answer, gated }) => ({ key, answer: gated?.answer ?? answer })),
  };
}

/** In as many turns as graphql-js takes, also where one is waited for: which of two errors ends what is around them depends on it. */
function whole(told: Told, waiting: readonly string[]): Promise<Told> {
  return Promise.all(waiting.map((one) => told[one])).then((values) => {
    for (const [n, one] of waiting.entries()) told[one] = values[n];
    return told;
  });
}

/** Answers one field after the other, each when the one before it is done; in as many turns as graphql-js takes. */
export function answerInTurn(fields: readonly Keyed[]): Answer {
  const Shape = shape();
  return (run, source, path) => {
    const next = (told: Told, { key, answer }: Keyed): Told | Promise<Told> => {
      run.size.restart();
      const value = answer(run, source, path);
      const put = (answered: unknown): Told => {
        told[key] = answered;
        return told;
      };
      return value instanceof Promise ? value.then(put) : put(value);
    };
    let told: Told | Promise<Told> = new Shape();
    for (const field of fields) told = told instanceof Promise ? told.then((so) => next(so, field)) : next(told, field);
    return told;
  };
}
