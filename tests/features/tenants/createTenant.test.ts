import { createVerifier } from "../../../src/identity/verifier.js";
import { eraseTenant } from "../../../src/tenancy/tenants/erase.js";
import { sign, signingKey, testIssuer } from "../../identity/testIssuer.js";
import { type Caller, openGateway, type TestGateway } from "../../support/gateway.js";
import { openWorker } from "../../support/operators.js";
import { recordOf } from "../../support/sessions.js";

const ISSUER = "https://id.example";
const LISTED = ["northwind", "not-made-yet"];
let gateway: TestGateway;
let worker: Awaited<ReturnType<typeof openWorker>>;
let close: () => Promise<void>;
let tokenOf: (sub: string, changes?: Record<string, unknown>) => Promise<string>;
beforeAll(async () => {
  const key = await signingKey("people");
  const server = await testIssuer([key]);
  const issuers = [
    { ...server.settings, issuer: ISSUER, tenants: "any" as const, emailDomains: ["people.test"] },
    { ...server.settings, issuer: "https://partner.example", tenants: LISTED, emailDomains: ["people.test"] },
    {
      ...server.settings,
      issuer: "https://bound.example",
      tenants: "any" as const,
      emailDomains: ["people.test"],
      tenantClaim: "org",
    },
  ];
  gateway = await openGateway({ signUp: true, verifier: createVerifier({ issuers }) });
  worker = await openWorker(gateway.database);
  close = server.close;
  tokenOf = (sub, changes = {}) =>
    sign(key, {
      iss: ISSUER,
      aud: "product",
      sub,
      exp: Math.floor(Date.now() / 1000) + 600,
      email: `${sub}@people.test`,
      email_verified: true,
      ...changes,
    });
});
afterAll(async () => {
  await worker.close();
  await gateway.close();
  await close();
});

const as = async (sub: string, changes?: Record<string, unknown>, tenant: string | null = null): Promise<Caller> =>
  gateway.withToken(await tokenOf(sub, changes), tenant);
const DOCUMENT = `mutation($input: CreateTenantInput!) {
  createTenant(input: $input) { __typename ... on CreateTenantPayload { signUp { id slug status } } ... on Failure { code field } } }`;
const create = async (caller: Caller, slug: string, name = "New") =>
  (await caller.get(DOCUMENT, { input: { slug, name } })).createTenant;
const signUpsOf = async (caller: Caller) =>
  (await caller.get("{ identity { signUps { id slug status } } }")).identity.signUps;

describe("Mutation.createTenant", () => {
  it("makes a tenant that the caller owns, in a moment that they can wait for", async () => {
    const pia = await as("pia");
    const { signUp } = await create(pia, "pia-and-co", "Pia & Co");
    const before = await signUpsOf(pia);

    await worker.all();

    expect(before).toEqual([{ ...signUp, slug: "pia-and-co", status: "PENDING" }]);
    expect(await signUpsOf(pia)).toEqual([{ ...signUp, status: "READY" }]);
    const inside = await as("pia", {}, "pia-and-co");
    const { viewer } = await inside.get(
      '{ viewer { user { email } tenant { name root { viewerCan(permission: "organizations:delete") } } } }',
    );
    expect(viewer).toEqual({
      user: { email: "pia@people.test" },
      tenant: { name: "Pia & Co", root: { viewerCan: true } },
    });
    const other = await as("paul");
    expect(await signUpsOf(other)).toEqual([]);
    expect(await other.ask("{ viewer { id } }")).toMatchObject({
      errors: [{ extensions: { code: "TENANT_REQUIRED" } }],
    });
  });

  it("is for nobody without a token", async () => {
    const { status, data, errors } = await gateway.anonymous.ask(DOCUMENT, { input: { slug: "any", name: "Any" } });

    expect([status, data, errors![0]!.extensions.code]).toEqual([200, { createTenant: null }, "UNAUTHENTICATED"]);
  });

  it.each([
    ["without an address", { email: undefined }, "EMAIL_NOT_VERIFIED"],
    ["with an address that is not verified", { email_verified: false }, "EMAIL_NOT_VERIFIED"],
    ["with an address that its issuer does not speak for", { email: "x@elsewhere.test" }, "EMAIL_NOT_VERIFIED"],
    ["of an issuer that enters named tenants only", { iss: "https://partner.example" }, "SIGN_UP_CLOSED"],
    ["that is bound to another tenant", { iss: "https://bound.example", org: "lumen" }, "SIGN_UP_CLOSED"],
  ])("is refused for a token %s", async (_what, changes, code) => {
    expect(await create(await as("nora", changes), "nora")).toMatchObject({ code });
    expect(await gateway.database.owner("select from tenantry.jobs where slug = 'nora'")).toEqual([]);
  });

  it("tells people of an issuer with a list nothing of the slugs in it, taken or free", async () => {
    const nora = await as("nora", { iss: "https://partner.example" });

    const answers = [];
    for (const slug of LISTED) answers.push(await create(nora, slug));

    expect(answers[0]).toMatchObject({ code: "SIGN_UP_CLOSED" });
    expect(answers[1]).toEqual(answers[0]);
    expect(await gateway.database.owner("select from tenantry.jobs where slug = 'not-made-yet'")).toEqual([]);
  });

  it("answers alike for a slug that is in use, was, is reserved, or is about to be", async () => {
    const [quin, rosa] = [await as("quin"), await as("rosa")];
    await gateway.database.owner(
      "insert into tenantry.slugs (slug, tenant_id) select 'northwind-old', id from tenantry.tenants where slug = 'northwind'",
    );
    await create(rosa, "rosa");

    const answers = [];
    for (const slug of ["northwind", "northwind-old", "admin", "rosa"])
      answers.push(await quin.ask(DOCUMENT, { input: { slug, name: "N" } }));

    expect(answers[0]!.data.createTenant).toEqual({
      __typename: "SlugUnavailableFailure",
      code: "SLUG_UNAVAILABLE",
      field: ["input", "slug"],
    });
    for (const { status, data, errors } of answers)
      expect({ status, data, errors }).toEqual({ status: 200, data: answers[0]!.data });
    await worker.all();
  });

  it("gives one person three, however many they ask for at once, and another one theirs", async () => {
    const [tess, uma] = [await as("tess"), await as("uma")];

    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => create(tess, `tess-${n}`)));

    expect(answers.filter(({ signUp }) => signUp)).toHaveLength(3);
    expect(answers.filter(({ code }) => code === "TOO_MANY_TENANTS")).toHaveLength(5);
    await worker.all();
    expect(await create(tess, "tess-more")).toMatchObject({ code: "TOO_MANY_TENANTS" });
    expect(await create(uma, "uma")).toMatchObject({ __typename: "CreateTenantPayload" });
  });

  it("counts neither what could not be made nor what is erased", async () => {
    const vic = await as("vic");
    for (const slug of ["vic-1", "vic-2", "vic-3"]) await create(vic, slug);
    // Somebody else is quicker, by another way.
    await gateway.database.owner(
      "insert into tenantry.slugs (slug, tenant_id) select 'vic-1', id from tenantry.tenants where slug = 'northwind'",
    );

    await worker.all();

    expect((await signUpsOf(vic)).map(({ status }: { status: string }) => status)).toEqual([
      "FAILED",
      "READY",
      "READY",
    ]);
    expect(await create(vic, "vic-4")).toMatchObject({ __typename: "CreateTenantPayload" });
    expect(await create(vic, "vic-5")).toMatchObject({ code: "TOO_MANY_TENANTS" });
    const erased = await gateway.database.owners(async (owners) => {
      const { id } = await recordOf(gateway.database, "vic-2");
      return eraseTenant(owners, { id });
    });
    expect(erased.found).toEqual([]);
    expect(await create(vic, "vic-5")).toMatchObject({ __typename: "CreateTenantPayload" });
    await worker.all();
  });

  it("runs beside a change in a tenant, each judged by its own rule", async () => {
    const both =
      'mutation($input: CreateTenantInput!) { createTenant(input: $input) { __typename } createOrganization(input: { parentId: "x", name: "X", slug: "x" }) { __typename } }';
    const yan = await as("yan");

    expect(await yan.ask(both, { input: { slug: "yan", name: "Yan" } })).toMatchObject({
      errors: [{ extensions: { code: "TENANT_REQUIRED" } }],
    });
    expect(await signUpsOf(yan)).toEqual([]);
    const two = `mutation { a: createTenant(input: { slug: "yan-a", name: "A" }) { __typename } b: createTenant(input: { slug: "B", name: "B" }) { __typename } }`;
    expect(await yan.get(two)).toEqual({
      a: { __typename: "CreateTenantPayload" },
      b: { __typename: "InvalidInputFailure" },
    });
  });

  it("is closed unless the settings open it", async () => {
    const closed = await openGateway({ database: gateway.database });

    const answer = await closed.as("ada@northwind.test", null).get(DOCUMENT, { input: { slug: "mine", name: "Mine" } });

    expect(answer.createTenant).toEqual({ __typename: "SignUpClosedFailure", code: "SIGN_UP_CLOSED", field: null });
    await closed.close();
  });
});
