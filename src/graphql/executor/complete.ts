import {
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLList,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isAbstractType,
  isListType,
  isNonNullType,
} from "graphql";
import { inspect } from "graphql/jsutils/inspect.js";
import { askTypeOf, typeNamed } from "./abstract.js";
import type { Info } from "./info.js";
import { isLeaf, type Serialize, serializeOf } from "./leaf.js";
import { type Asked, coordinateOf, fail, isPromise, type Path, type Run } from "./run.js";

/**
 * What becomes of a value that a resolver answered: what the caller is told, or a promise of that.
 * @param path where it stands, for an item of a list; where the field stands when left out
 * @throws what ends the field, or the item
 */
export type Complete = (value: unknown, run: Run, info: Info, path?: Path) => unknown;

/** Answers what is asked of an object that stands somewhere. */
export type Answer = (run: Run, source: unknown, path: Path | undefined) => unknown;

/** How to answer what a field asks of the objects of a type that it leads to. */
export type Below = (asked: Asked, type: GraphQLObjectType, run: Run) => Answer;

/** How to complete values of a type, the field's own or one within it. */
export function completeOf(type: GraphQLOutputType, asked: Asked, below: Below): Complete {
  if (isLeaf(type)) return serializeOf(type, asked);
  if (isNonNullType(type)) return completeNonNull(completeOf(type.ofType, asked, below), asked);
  const complete = isListType(type)
    ? completeList(type, asked, below)
    : isAbstractType(type)
      ? completeAbstract(type, asked, below)
      : completeObject(type, asked, below);
  return (value, run, info, path = info.path) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    return complete(value, run, info, path);
  };
}

function completeNonNull(complete: Complete, asked: Asked): Complete {
  return (value, run, info, path) => {
    const completed = complete(value, run, info, path);
    if (completed === null) throw new Error(`Cannot return null for non-nullable field ${coordinateOf(asked)}.`);
    return completed;
  };
}

/** The same for what is there and no error. */
type CompleteSome = (value: unknown, run: Run, info: Info, path: Path) => unknown;

function completeList(list: GraphQLList<GraphQLOutputType>, asked: Asked, below: Below): CompleteSome {
  const { ofType } = list;
  const settle = settleOf(ofType, completeOf(ofType, asked, below), asked);
  const serialize = isLeaf(ofType) ? serializeOf(ofType, asked) : null;
  return (value, run, info, path) => {
    if (!isIterable(value))
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${coordinateOf(asked)}".`);
    const items: unknown[] = [];
    let isWaiting = false;
    try {
      for (const item of value) {
        // An object adds itself.
        if (serialize) run.size.addObject();
        if (serialize && typeof item === "string") {
          items.push(settleText(serialize, item, run, asked, ofType, path, items.length));
          continue;
        }
        const settled = settle(item, run, info, { prev: path, key: items.length, typename: undefined });
        if (settled instanceof Promise) isWaiting = true;
        items.push(settled);
      }
    } catch (thrown) {
      if (isWaiting) Promise.all(items).catch(() => {});
      hear(value, list);
      throw thrown;
    }
    return isWaiting ? Promise.all(items) : items;
  };
}

/**
 * Has somebody hear of every failure among the items of a list that has failed: of those included that it did not come to, and of
 * theirs where they are lists. Else the process would end by it.
 */
function hear(value: unknown, type: GraphQLOutputType): void {
  const list = getNullableType(type);
  // Anything else with a `then` may do its work when that is called, and does not end the process.
  if (value instanceof Promise)
    value.then(
      (answered) => hear(answered, type),
      () => {},
    );
  // Whatever else can be gone through has made no more items than it gave.
  else if (isListType(list) && (Array.isArray(value) || value instanceof Set))
    for (const item of value) hear(item, list.ofType);
}

/** Texts are many in some lists, and nothing to wait for: where they stand is said where one fails. */
function settleText(
  serialize: Serialize,
  text: string,
  run: Run,
  asked: Asked,
  type: GraphQLOutputType,
  prev: Path,
  key: number,
): unknown {
  try {
    return serialize(text, run);
  } catch (thrown) {
    return fail(thrown, run, asked, type, { prev, key, typename: undefined });
  }
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && typeof (value as Iterable<unknown>)[Symbol.iterator] === "function";

function completeAbstract(type: GraphQLAbstractType, asked: Asked, below: Below): CompleteSome {
  const ask = askTypeOf(type);
  const known = new Map<unknown, CompleteSome>();
  const completeAs = (name: unknown, value: unknown, run: Run, info: Info, path: Path) => {
    let complete = known.get(name);
    if (!complete) {
      complete = completeObject(typeNamed(name, type, run.schema, asked, value), asked, below);
      known.set(name, complete);
    }
    return complete(value, run, info, path);
  };
  return (value, run, info, path) => {
    const name = ask(value, run, info);
    return isPromise(name)
      ? Promise.resolve(name).then((told) => completeAs(told, value, run, info, path))
      : completeAs(name, value, run, info, path);
  };
}

function completeObject(type: GraphQLObjectType, asked: Asked, below: Below): CompleteSome {
  let answer: Answer | undefined;
  return (value, run, info, path) => {
    run.size.addObject();
    answer ??= below(asked, type, run);
    if (!type.isTypeOf) return answer(run, value, path);
    const isOf = type.isTypeOf(value, run.contextValue, info);
    if (!isPromise(isOf)) return isOf ? answer(run, value, path) : refuse(type, value, asked);
    return Promise.resolve(isOf).then((is) => (is ? answer!(run, value, path) : refuse(type, value, asked)));
  };
}

function refuse(type: GraphQLObjectType, value: unknown, { nodes }: Asked): never {
  throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, { nodes });
}

/**
 * Completes what a field or an item of its list came to, at once or when it is there; what fails is null.
 * @throws GraphQLError where it fails and may not be null
 */
export function settleOf(type: GraphQLOutputType, complete: Complete, asked: Asked): Complete {
  return (value, run, info, path) => {
    try {
      const completed = isPromise(value)
        ? waited(value, run).then((answered) => complete(answered, run, info, path))
        : complete(value, run, info, path);
      if (!(completed instanceof Promise)) return completed;
      return completed.then(undefined, (thrown) => fail(thrown, run, asked, type, path ?? info.path));
    } catch (thrown) {
      return fail(thrown, run, asked, type, path ?? info.path);
    }
  };
}

/** Each that is waited for is counted: it takes room until it is there, and where it comes to nothing it is no object either. */
function waited(value: PromiseLike<unknown>, { size }: Run): Promise<unknown> {
  const promise = Promise.resolve(value);
  try {
    size.addWait();
  } catch (thrown) {
    // Nobody else will hear of it if it fails.
    promise.catch(() => {});
    throw thrown;
  }
  return promise;
}
