import { type DocumentLimits, hold, holdKey, holdText, MORE } from "./bounds.js";

/**
 * Returns when the variables of a request are small enough to be coerced. Not recursive: JSON of 1 MB can be nested
 * 500,000 levels deep. `null` and `undefined` are no variables.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400: a limit, a character that no text can hold, or a key
 *                      `__proto__`
 */
export function checkVariables(
  variables: Readonly<Record<string, unknown>> | null | undefined,
  limits: DocumentLimits,
) {
  const names = Object.keys(variables ?? {});
  if (names.length > limits.inputValues) refuseCount(limits);
  let values = 0;
  for (const name of names) {
    holdKey("The set of variables", name);
    hold(limits, "nameCharacters", name.length, (found) => `is sent with a variable name of ${found} characters`);
    values += checkVariable(`Variable "$${name}"`, variables![name], limits, limits.inputValues - values);
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
      const keys = Object.keys(value);
      values += keys.length;
      // Before any of them is looked at.
      if (values > room) break;
      for (const key of keys) {
        holdKey(subject, key);
        pending.push({ value: (value as Record<string, unknown>)[key], above: above + 1 });
      }
    }
  }
  if (values > room) refuseCount(limits);
  return values;
}

const refuseCount = (limits: DocumentLimits) =>
  hold(limits, "inputValues", MORE, (found) => `is sent with ${found} values in its variables`);
