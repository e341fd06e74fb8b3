import type { Caller } from "./gateway.js";

/** What a mutation answered: the payload's fields or the failure's, with its type. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own mutation answers
export type Outcome = any;

const FAILURE = "... on Failure { code message field ... on ExceedsYoursFailure { permissions latestExpiresAt } }";

/**
 * Sends one mutation and answers its result; throws when there are errors.
 * @param payload what to select of the payload
 */
export async function change(caller: Caller, name: string, input: object, payload: string): Promise<Outcome> {
  const data = await caller.get(document(name, payload), { input });
  return data[name];
}

/** The same for a test that expects an error: its code, and the data. */
export async function refused(caller: Caller, name: string, input: object): Promise<{ code: unknown; data: unknown }> {
  const { data, errors } = await caller.ask(document(name, "__typename"), { input });
  return { code: errors?.[0]?.extensions.code, data: data?.[name] ?? null };
}

function document(name: string, payload: string): string {
  const title = name[0]!.toUpperCase() + name.slice(1);
  return `mutation($input: ${title}Input!) { ${name}(input: $input) { __typename ... on ${title}Payload { ${payload} } ${FAILURE} } }`;
}
