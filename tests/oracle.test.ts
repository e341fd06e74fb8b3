import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GeneratorValue } from "fast-check";
import fc from "fast-check";
import { buildSchema as buildFromText, type GraphQLSchema, isObjectType } from "graphql";
import { Access, type Place } from "../src/access/access.js";
import { execute } from "../src/graphql/executor/execute.js";
import { fromSource, may } from "../src/graphql/policy.js";
import { identityDigest } from "../src/identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../src/identity/issuers.js";
import { loadKey } from "../src/identity/key.js";
import { PRODUCT_FILE, readProduct } from "../src/product.js";
import { buildSchema } from "../src/schema.js";
import { type Asker, type Catalogue, Oracle } from "./oracle/answers.js";
import { predictChanges } from "./oracle/changes.js";
import type { Answered } from "./oracle/document.js";
import { readFacts } from "./oracle/facts.js";
import { FOLDER } from "./support/database.js";
import { openGateway, type TestGateway, UNLIMITED } from "./support/gateway.js";
import { homeOf } from "./support/home.js";
import { judgedDocument } from "./support/judgedDocuments.js";
import { schemaWith } from "./support/policies.js";
import { replay } from "./support/replay.js";
import { anyTenant } from "./support/sketches.js";
import { world } from "./support/world.js";

/** Tenants in a run, and documents about each. */
const TENANTS = Number(process.env.TENANTRY_ORACLE_TENANTS ?? 5);
const DOCUMENTS = Number(process.env.TENANTRY_ORACLE_DOCUMENTS ?? 100);
/** Lists of each tenant whose pages are turned. */
const WALKS = 3;
/** Tenants that one database holds, before the next takes its place. */
const TENANTS_AT_ONCE = 100;
const PEOPLE = ["olga", "vera", "vera", "otto", "otto", "ira", "nobody", null];
/** Most changes are for those who may do much. */
const CHANGERS = [...PEOPLE, "olga", "olga", "olga", "olga"];

const { schema } = buildSchema();
const product = readProduct(PRODUCT_FILE);
const catalogue: Catalogue = {
  permissions: [...product.permissions.values()],
  roles: [...product.roles.values()],
};

let gateway: TestGateway;
/** What the gateway runs documents on: its own schema, or one with a fault in it. */
let served: GraphQLSchema = schema;
let planted = 0;
const open = async () => {
  gateway = await openGateway({ limits: UNLIMITED, execute: (args) => execute({ ...args, schema: served }) });
};
beforeAll(open);
afterAll(() => gateway.close());

/** What the documents of all runs came to. */
const seen = {
  documents: 0,
  shown: 0,
  turned: 0,
  errors: new Map<string, number>(),
  outcomes: new Map<string, number>(),
};
const count = (of: Map<string, number>, what: string) => of.set(what, (of.get(what) ?? 0) + 1);

const isText = expect.any(String);
const byPath = (a: { path: unknown }, b: { path: unknown }) =>
  JSON.stringify(a.path) < JSON.stringify(b.path) ? -1 : 1;

/** Whoever signs in with an address at the development issuer. */
async function askerOf(email: string): Promise<Asker> {
  const who = { issuer: DEVELOPMENT_ISSUER, subject: email };
  const digest = identityDigest(await loadKey({ dataDir: FOLDER }), who);
  return { issuer: who.issuer, email, identity: `\\x${digest.toString("hex")}` };
}

/** An answer as far as it is predicted. */
const plainly = ({ data, errors }: Answered) => ({
  data,
  errors: errors
    .map(({ path, code, permission, organizationId }) => ({ path, code, permission, organizationId }))
    .sort(byPath),
});

/** Some documents about a tenant, by anybody; each answers as the oracle says. */
async function ask(slug: string, documents: number, g: GeneratorValue): Promise<void> {
  const read = () => readFacts(homeOf(gateway, slug), slug);
  let facts = await read();
  const fixed = catalogue.roles.map(({ id }) => id);
  for (let n = 0; n < documents; n++) {
    const kind = g(fc.nat, { max: 4 }) === 0 ? "mutation" : "query";
    const people = kind === "mutation" ? CHANGERS : PEOPLE;
    const person = people[g(fc.nat, { max: people.length - 1 })] ?? null;
    const email = `${person}@${slug}.test`;
    const asker = person === null ? null : await askerOf(email);
    const oracleOf = (rows: typeof facts) => new Oracle(rows, catalogue, asker, isText);
    const document = judgedDocument(schema, kind, facts, fixed, g);
    const caller = person === null ? gateway.anonymous : gateway.as(email, slug);

    const { data = null, errors = [] } = await caller.ask(document);

    const answered = { data, errors: errors.map(({ path = [], extensions }) => ({ path, ...extensions })) };
    const before = oracleOf(facts);
    if (JSON.stringify(data).includes("Payload")) facts = await read();
    const right =
      kind === "query"
        ? before.answer(document)
        : await predictChanges(document, answered, before, async () => oracleOf(facts));
    expect({ person, document, ...plainly(answered) }).toEqual({ person, document, ...plainly(right) });

    seen.documents += 1;
    seen.shown += Object.values(data ?? {}).some((value) => value !== null) ? 1 : 0;
    for (const { extensions } of errors) count(seen.errors, String(extensions.code));
    if (kind === "mutation")
      for (const value of Object.values(data ?? {}))
        count(seen.outcomes, (value as { __typename?: string } | null)?.__typename ?? "null");
  }
}

/** Lists that somebody can turn the pages of, each with its arguments. */
const LISTS: readonly ((args: string) => string)[] = [
  (args) => `organizations(${args})`,
  (args) => `organizations(orderBy: NAME_DESC, filter: { search: "o1" }, ${args})`,
  (args) => `users(${args})`,
  (args) => `viewer { memberships(${args}) SELECTION }`,
  ...[
    "children(orderBy: CREATED_AT_DESC, ",
    "descendants(maxDepth: 3, ",
    "memberships(filter: { via: [DIRECT, INHERITED], status: [ACTIVE, EXPIRED] }, orderBy: NAME_DESC, ",
    "auditEvents(",
    "invitations(",
    "joinRequests(",
  ].map((list) => (args: string) => `organization(by: { slug: "o0" }) { ${list}${args}) SELECTION }`),
];

const FORWARD_ONLY = ["descendants", "auditEvents", "invitations", "joinRequests"];

/** Somebody turns all pages of a list, in one direction; together they are the list that the oracle foresees. */
async function turnPages(slug: string, g: GeneratorValue): Promise<void> {
  const one = <T>(of: readonly T[]): T => of[g(fc.nat, { max: of.length - 1 })]!;
  const [person, list, size] = [one(["olga", "olga", "vera", "otto"]), one(LISTS), one([1, 2, 3])];
  // Some lists are read from their beginning only.
  const isForward = one([true, FORWARD_ONLY.some((name) => list("").includes(`${name}(`))]);
  const asker = await askerOf(`${person}@${slug}.test`);
  const selection = "{ nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";
  const documentOf = (args: string) => {
    const field = list(args);
    return `{ ${field.includes("SELECTION") ? field.replace("SELECTION", selection) : `${field} ${selection}`} }`;
  };
  const idsIn = ({ nodes }: Listed) => nodes.map(({ id }) => id);
  const whole = listIn(
    new Oracle(await readFacts(homeOf(gateway, slug), slug), catalogue, asker, isText).answer(documentOf("first: 100"))
      .data,
  );
  let turned: string[] = [];
  for (let cursor: string | null = null, isMore = whole !== null; isMore; ) {
    const from = cursor === null ? "" : `, ${isForward ? "after" : "before"}: "${cursor}"`;
    const document = documentOf(`${isForward ? "first" : "last"}: ${size}${from}`);
    const page = listIn((await gateway.as(asker.email, slug).ask(document)).data);
    if (!page) throw new Error(`A page is missing: ${document}`);
    turned = isForward ? [...turned, ...idsIn(page)] : [...idsIn(page), ...turned];
    const { pageInfo } = page;
    [cursor, isMore] = isForward
      ? [pageInfo.endCursor, pageInfo.hasNextPage]
      : [pageInfo.startCursor, pageInfo.hasPreviousPage];
    if (turned.length > 200) throw new Error(`The pages do not end: ${document}`);
  }
  seen.turned += turned.length;
  expect({ person, list: list(""), size, isForward, turned }).toEqual({
    person,
    list: list(""),
    size,
    isForward,
    turned: whole ? idsIn(whole) : [],
  });
}

interface Listed {
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: Readonly<Record<"hasNextPage" | "hasPreviousPage", boolean>> &
    Readonly<Record<"startCursor" | "endCursor", string | null>>;
}

/** The one list in an answer; null where something on the way to it is. */
function listIn(data: unknown): Listed | null {
  if (typeof data !== "object" || data === null) return null;
  return "nodes" in data ? (data as Listed) : listIn(Object.values(data)[0]);
}

const property = (documents: number) =>
  fc.asyncProperty(anyTenant, fc.gen(), async (sketch, g) => {
    if (planted > 0 && planted % TENANTS_AT_ONCE === 0) {
      await gateway.close();
      await open();
    }
    const slug = `tenant-${planted++}`;
    await world(gateway, { [slug]: sketch });
    await ask(slug, documents, g);
    for (let n = 0; n < WALKS; n++) await turnPages(slug, g);
    if (planted % TENANTS_AT_ONCE === 0) process.stderr.write(`${planted} tenants, ${seen.documents} documents\n`);
  });

describe("the oracle", () => {
  it("knows every field of schema.graphql, and no other", () => {
    const published = buildFromText(readFileSync(join(import.meta.dirname, "../schema.graphql"), "utf8"));
    const fields = Object.values(published.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !/^__|(Mutation|Payload|Failure)$/.test(type.name)
        ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
        : [],
    );

    const known = new Oracle({ users: [] } as never, catalogue, null, isText).fields;

    expect(
      Object.entries(known)
        .flatMap(([type, own]) => Object.keys(own).map((field) => `${type}.${field}`))
        .sort(),
    ).toEqual(fields.sort());
  });

  it("foresees what every document answers, whoever asks", async () => {
    await fc.assert(property(DOCUMENTS), { numRuns: TENANTS, endOnFailure: true, ...replay });
  });

  it("was asked about much that is shown, and much that is not, for many a reason", () => {
    expect(seen.documents).toBeGreaterThanOrEqual(TENANTS * DOCUMENTS);
    expect(seen.shown).toBeGreaterThan(seen.documents / 3);
    expect(seen.turned).toBeGreaterThan(0);
    expect([...seen.errors.keys()]).toEqual(expect.arrayContaining(["FORBIDDEN", "UNAUTHENTICATED", "BAD_USER_INPUT"]));
    expect([...seen.outcomes.keys()]).toContain("NotFoundFailure");
    expect([...seen.outcomes.keys()].filter((name) => name.endsWith("Payload")).length).toBeGreaterThan(2);
  });

  const { allows, visibleScope } = Access.prototype;
  afterEach(() => {
    served = schema;
    Object.assign(Access.prototype, { allows, visibleScope });
  });

  it.each<[fault: string, plant: () => void]>([
    [
      "rules ask for another permission",
      () => {
        const other = may("members:read").in(fromSource);
        const fields = ["children", "descendants", "roles"].map((field) => `Organization.${field}`);
        served = schemaWith(Object.fromEntries(fields.map((field) => [field, other]))).schema;
      },
    ],
    [
      "no grant reaches down",
      () =>
        override({
          allows(this: Access, { id }: Place, ...asked) {
            return allows.call(this, { id, path: [] }, ...asked);
          },
        }),
    ],
    [
      "nothing is ever suspended",
      () =>
        override({
          allows(this: Access, ...asked) {
            return allows.apply(this.asIfAllWereOpen(), asked);
          },
        }),
    ],
    ["lists leave out nothing that is closed", () => override({ visibleScope: withoutBlocked })],
  ])("finds out if %s", async (_fault, plant) => {
    plant();

    const { failed } = await fc.check(property(25), { numRuns: 200, endOnFailure: true });

    expect(failed).toBe(true);
  });

  function withoutBlocked(this: Access) {
    return { ...visibleScope.call(this), blocked: [] };
  }
  const override = (methods: Partial<Access>) => Object.assign(Access.prototype, methods);
});
