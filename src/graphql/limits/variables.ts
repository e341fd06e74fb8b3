import { badInput, type DocumentLimits, hold, MORE } from "./bounds.js";

/**
 * Returns when the variables of a request are small enough to be coerced. Not recursive: JSON of 1 MB can be nested
 * 500,000 levels deep. `null` and `undefined` are no variables.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400: a limit, a lone surrogate (no text in GraphQL can hold one),
 *                      or a key `__proto__` (a copy of such an object would change its prototype)
 */
export function checkVariables(
  variables: Readonly<Record<string, unknown>> | null | undefined,
  limits: DocumentLimits,
) {
  let values = 0;
  for (const [name, value] of Object.entries(variables ?? {})) {
    hold(limits, "nameCharacters", name.length, (found) => `is sent with a variable name of ${found} characters`);
    values += checkVariable(`Variable "$${name}"`, value, limits, limits.inputValues - values);
  }
}

/** The number of values in `root`, at most `room`. */
function checkVariable(subject: string, root: unknown, limits: DocumentLimits, room: number): number {
  let values = 1;
  const pending: { value: unknown; above: number }[] = [{ value: root, above: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, above } = next;
    if (typeof value === "string") holdText(subject, value);
    if (typeof value === "object" && value !== null) {
      hold(limits, "inputDepth", above + 1, (found) => `is nested ${found} levels deep`, subject);
      if (Array.isArray(value)) {
        hold(limits, "inputList", value.length, (found) => `has a list of ${found} items`, subject);
      }
      const items = Object.entries(value);
      values += items.length;
      // Before any of them is looked at.
      if (values > room) break;
      for (const [key, item] of items) {
        holdKey(subject, key);
        pending.push({ value: item, above: above + 1 });
      }
    }
  }
  if (values > room) hold(limits, "inputValues", MORE, (found) => `is sent with ${found} values in its variables`);
  return values;
}

function holdKey(subject: string, key: string): void {
  holdText(subject, key);
  if (key === "__proto__") throw badInput(`${subject} has a key "__proto__", which is not accepted.`);
}

function holdText(subject: string, text: string): void {
  // With `u`, a pair is one character and no surrogate.
  if (/\p{Surrogate}/u.test(text)) throw badInput(`${subject} has half of a surrogate pair, which is no character.`);
}
