import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { HOSTILE, type Hostile } from "./hostileRequests.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

let sent = 0;
/** Each time another text, so that nothing is known about it from before. */
function bodyOf({ query, variables }: Hostile): string {
  sent += 1;
  const text = JSON.stringify(`${query}#${sent}`);
  const values = typeof variables === "string" ? variables : JSON.stringify(variables ?? null);
  return `{"query":${text},"variables":${values}}`;
}

const send = (body: string) =>
  gateway.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body,
  });

/** Milliseconds of processor time until the answer is there. */
async function cpuOf(body: string): Promise<number> {
  const before = process.cpuUsage();
  await (await send(body)).text();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** In megabytes. */
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 1e6;
};

const LETTERS = [..."abcdefghij"];
const UNKNOWN = LETTERS.flatMap((a) => LETTERS.map((b) => a + b)).join(" ");
const CONNECTIONS =
  "children descendants memberships invitations domains joinPolicy joinRequests deletionPreview auditEvents"
    .split(" ")
    .map((name) => `${name} { __typename }`)
    .join(" ");
/** Each fragment spreads the next one at two places: 1,537 fields with a rule. */
const DOUBLED = Array.from(
  { length: 7 },
  (_, n) => `fragment F${n} on Organization { parent { ...F${n + 1} } ancestors { ...F${n + 1} } }`,
)
  .concat(`fragment F7 on Organization { memberCount roles { id } grantableRoles { id } ${CONNECTIONS} }`)
  .join(" ");

describe("a request that would cost dearly", () => {
  it.each(HOSTILE.map((hostile) => [hostile.what, hostile] as const))(
    "is refused with words, at little cost and before any SQL: %s",
    async (_what, hostile) => {
      let response!: Response;
      const canary = gateway.as("ada@northwind.test", "northwind");
      await canary.get("{ viewer { id } }");

      const statements = await gateway.database.statements(async () => {
        response = await send(bodyOf(hostile));
      });
      const cpu = [await cpuOf(bodyOf(hostile)), await cpuOf(bodyOf(hostile)), await cpuOf(bodyOf(hostile))];

      const text = await response.text();
      const { data, errors } = JSON.parse(text);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      expect(data).toBeUndefined();
      const { code, limit } = errors[0].extensions;
      expect(limit ?? code).toBe(hostile.refusedBy);
      expect(statements).toEqual([]);
      expect(text.length).toBeLessThan(50_000);
      expect(Math.min(...cpu)).toBeLessThan(250);
      expect((await canary.get("{ viewer { id } }")).viewer.id).toBeTruthy();
    },
  );

  it("does not keep others from their answers", async () => {
    const ada = gateway.as("ada@northwind.test", "northwind");

    const answers = await Promise.all(
      HOSTILE.flatMap((hostile) => [send(bodyOf(hostile)).then(({ status }) => status), ada.ask("{ viewer { id } }")]),
    );

    const others = answers.filter((answer) => typeof answer === "object");
    expect(others).toHaveLength(HOSTILE.length);
    expect(new Set(others.map(({ status, errors }) => (errors ? errors : status)))).toEqual(new Set([200]));
  });

  it("leaves nothing behind in memory, however often it comes", async () => {
    const round = async () => {
      for (const hostile of HOSTILE) await (await send(bodyOf(hostile))).text();
    };
    for (let n = 0; n < 2; n++) await round();
    const before = heap();
    for (let n = 0; n < 5; n++) await round();

    expect(heap() - before).toBeLessThan(10);
  });

  it.each([
    ["that is invalid a hundred times", `{ viewer { ${UNKNOWN} } }`, "GRAPHQL_VALIDATION_FAILED", 50],
    [
      "whose fragments make much of little",
      `{ organization(by: { slug: "x" }) { ...F0 } } ${DOUBLED}`,
      "UNAUTHENTICATED",
      100,
    ],
  ])("keeps little of a text %s, each another", async (_what, query, expected, most) => {
    const ask = async () => JSON.parse(await (await send(bodyOf({ query, what: "", refusedBy: "" }))).text());
    for (let n = 0; n < 20; n++) await ask();
    const before = heap();

    for (let n = 0; n < 199; n++) await ask();
    const { errors } = await ask();

    expect(errors[0].extensions.code).toBe(expected);
    expect((heap() - before) / 200).toBeLessThan(most / 1000);
  });
});
