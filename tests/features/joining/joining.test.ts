import { auditOf, sealNow, verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { type Caller, openGateway, type TestGateway } from "../../support/gateway.js";
import { everythingIn, homeOf, inHome, ownerInHome } from "../../support/home.js";
import { tokenFor } from "../../support/letters.js";
import { openPeople, type People } from "../../support/people.js";
import { type Belonging, type Planted, world } from "../../support/world.js";

const DOMAIN = "people.test";
const RECORD = `_tenantry.${DOMAIN}`;
const SOON = new Date(Date.now() + 3_600_000);

let people: People;
let gateway: TestGateway;
let acme: Planted;
let globex: Planted;
/** What DNS holds by name; a code where it fails. */
const dns = new Map<string, string[] | string>();
let asked = 0;
/** What somebody does while DNS is answering, once. */
let meanwhile: (() => Promise<unknown>) | null = null;
beforeAll(async () => {
  people = await openPeople();
  const resolveTxt = async (name: string) => {
    asked += 1;
    const records = dns.get(name) ?? "ENOTFOUND";
    const work = meanwhile;
    meanwhile = null;
    await work?.();
    if (typeof records === "string") throw Object.assign(new Error(records), { code: records });
    return records.map((text) => [text.slice(0, 10), text.slice(10)]);
  };
  gateway = await openGateway({ verifier: people.verifier, leases: 8, resolveTxt });
  const manager = (at: string): readonly Belonging[] => [
    { at, can: ["organizations:read", "members:read", "domains:manage"], reach: "SUBTREE" },
  ];
  const sketch = (slug: string) => ({
    tree: { [slug]: { north: { n1: {} }, south: {} } },
    roles: { local: { at: "north", permissions: ["organizations:read"] } },
    people: {
      ada: [{ at: slug, roles: ["owner"], reach: "SUBTREE" as const }],
      mo: manager("north"),
      temp: [{ at: "north", can: ["organizations:read", "domains:manage"], grantsUntil: SOON }],
    },
  });
  ({ acme, globex } = await world(gateway, { acme: sketch("acme"), globex: sketch("globex") }));
});
beforeEach(async () => {
  dns.clear();
  for (const tenant of ["acme", "globex"]) await homeOf(gateway, tenant)("delete from organization_domains");
  await gateway.database.owner("delete from tenantry.join_domains", []);
});
afterAll(async () => {
  await gateway.close();
  await people.close();
});

const home = (text: string, params: readonly unknown[] = []) => homeOf(gateway, "acme")(text, params);
const at = (slug: string, tenant = acme) => ({ organizationId: tenant.id("Organization", slug) });
const SHOWN = "domain { id domain isProven recordName recordValue checkedAt }";
const claim = (slug: string, domain = DOMAIN, person = "ada", tenant = acme) =>
  change(tenant.as(person), "claimDomain", { ...at(slug, tenant), domain }, SHOWN);
const verify = (slug: string, domain = DOMAIN, person = "ada", tenant = acme) =>
  change(tenant.as(person), "verifyDomain", { ...at(slug, tenant), domain }, SHOWN);
const put = (...values: string[]) => dns.set(RECORD, ["v=spf1 -all", ...values]);
const prove = async (slug: string, tenant = acme) => {
  const { domain } = await claim(slug, DOMAIN, "ada", tenant);
  put(domain.recordValue);
  expect(await verify(slug, DOMAIN, "ada", tenant)).toMatchObject({ domain: { isProven: true } });
  return domain.recordValue as string;
};
const setPolicy = (slug: string, mode: string, grants?: object[], person = "ada", tenant = acme) =>
  change(
    tenant.as(person),
    "setJoinPolicy",
    { ...at(slug, tenant), mode, grants },
    "organization { joinPolicy { mode } }",
  );
/** Makes a person by their address, and a member, who never signed in. */
const writeDown = async (sub: string, slug: string, key: string, reach = "ORGANIZATION") => {
  const { user } = await change(acme.as("ada"), "upsertUser", { email: `${sub}@people.test` }, "user { id }");
  const input = { ...at(slug), userId: user.id, grants: [{ role: { key }, reach }] };
  expect(await change(acme.as("ada"), "addMembership", input, "membership { id }")).toHaveProperty("membership");
};
const as = async (sub: string, changes: Record<string, unknown> = {}, tenant: string | null = null): Promise<Caller> =>
  gateway.withToken(await people.tokenOf(sub, changes), tenant);
const join = (caller: Caller, tenantSlug?: string) =>
  change(
    caller,
    "joinByEmail",
    { tenantSlug },
    "outcome tenantSlug membership { organization { slug } grants { role { key } reach expiresAt } }",
  );
const inForce = async (slug: string) => {
  const { organization } = await acme
    .as("ada")
    .get(`{ organization(by: { slug: "${slug}" }) { joinPolicy { mode isInForce } } }`);
  return organization.joinPolicy;
};
const provenIn = () =>
  home(
    `select o.slug from organization_domains d join organizations o on o.tenant_id = d.tenant_id and o.id = d.organization_id
     where proven_at is not null`,
  );

describe("a domain", () => {
  it("is claimed, proven by a record in its DNS, and released", async () => {
    const { domain } = await claim("north", " People.TEST ");
    expect(domain).toMatchObject({ domain: DOMAIN, isProven: false, recordName: RECORD, checkedAt: null });

    expect(await verify("north")).toMatchObject({ code: "DOMAIN_NOT_PROVEN", field: ["input", "domain"] });
    put("tenantry-verification=of-somebody-else");
    expect(await verify("north")).toMatchObject({ code: "DOMAIN_NOT_PROVEN" });
    put(domain.recordValue);
    expect(await verify("north")).toMatchObject({ domain: { isProven: true, checkedAt: expect.any(String) } });
    expect(await claim("north")).toMatchObject({ domain: { isProven: true, recordValue: domain.recordValue } });
    expect(
      await change(
        acme.as("ada"),
        "releaseDomain",
        { ...at("north"), domain: DOMAIN },
        "releasedDomainId releasedDomain",
      ),
    ).toMatchObject({ releasedDomainId: domain.id, releasedDomain: DOMAIN });
    expect(await verify("north")).toMatchObject({ code: "NOT_FOUND" });
    for (const action of ["domain.claimed", "domain.proven", "domain.released"])
      expect((await auditOf(gateway.database, acme, action)).at(-1)).toMatchObject({ changes: { domain: DOMAIN } });
  });

  it("is one of twenty at most, also for two who claim the twentieth at once, and one that is claimed is claimed again", async () => {
    for (let n = 0; n < 19; n++) await claim("south", `d${n}.test`);

    const both = await Promise.all(["x.test", "y.test"].map((domain) => claim("south", domain)));

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["ClaimDomainPayload", "InvalidInputFailure"]);
    expect(await home("select from organization_domains")).toHaveLength(20);
    expect(await claim("south", "d0.test")).toMatchObject({ domain: { domain: "d0.test" } });
  });

  it.each(["gmail.com", "Outlook.com", "mail.gmail.com", "web.de", "proton.me"])(
    "is not of a provider from whom anybody has an address: %s",
    async (domain) => {
      expect(await claim("north", domain)).toMatchObject({ code: "PUBLIC_DOMAIN", field: ["input", "domain"] });
    },
  );

  it.each(["com", "localhost", "127.0.0.1", "a b.test", "x@people.test", "", "-a.test"])(
    "is a domain name, and not %j",
    async (domain) => {
      expect(await claim("north", domain)).toMatchObject({ code: "INVALID_INPUT", field: ["input", "domain"] });
    },
  );

  it("that is only claimed keeps nobody from proving it", async () => {
    await claim("south");
    await prove("north");

    expect(await provenIn()).toEqual([{ slug: "north" }]);
    expect(await verify("south")).toMatchObject({ code: "DOMAIN_NOT_PROVEN" });
  });

  it("stays with who has proven it while the proof is there, and goes to the next when it is gone", async () => {
    const first = await prove("north");
    const { domain } = await claim("south");
    put(first, domain.recordValue);
    expect(await verify("south")).toMatchObject({ code: "DOMAIN_TAKEN" });

    put(domain.recordValue);

    expect(await verify("south")).toMatchObject({ domain: { isProven: true } });
    expect(await provenIn()).toEqual([{ slug: "south" }]);
    expect((await auditOf(gateway.database, acme, "domain.lapsed")).at(-1)).toMatchObject({
      organization_id: acme.organizations.north,
    });
  });

  it("is proven by one of two who prove it at once", async () => {
    for (let round = 0; round < 5; round++) {
      await home("delete from organization_domains");
      const claims = [await claim("north"), await claim("south")];
      put(...claims.map(({ domain }) => domain.recordValue));

      const answers = await Promise.all([verify("north"), verify("south")]);

      expect(answers.map(({ code }) => code ?? "PROVEN").sort()).toEqual(["DOMAIN_TAKEN", "PROVEN"]);
      expect(await provenIn()).toHaveLength(1);
    }
  });

  it("is proven to nobody while DNS does not answer", async () => {
    await claim("north");
    dns.set(RECORD, "ESERVFAIL");

    const { data, errors } = await acme
      .as("ada")
      .ask("mutation($input: VerifyDomainInput!) { verifyDomain(input: $input) { __typename } }", {
        input: { ...at("north"), domain: DOMAIN },
      });

    expect([data, errors![0]!.extensions.code]).toEqual([{ verifyDomain: null }, "UNAVAILABLE"]);
    expect(await provenIn()).toEqual([]);
  });
});

describe("Mutation.setJoinPolicy", () => {
  it("gives whoever joins nothing that its maker does not hold, below as well, and for ever", async () => {
    const guest = { role: { key: "guest" } };

    expect(await setPolicy("north", "AUTOMATIC", [{ role: { key: "admin" } }], "mo")).toMatchObject({
      code: "EXCEEDS_YOURS",
      field: ["input", "grants", "0"],
    });
    expect(await setPolicy("north", "AUTOMATIC", [], "temp")).toMatchObject({
      code: "EXCEEDS_YOURS",
      latestExpiresAt: SOON.toISOString(),
    });
    expect(await setPolicy("south", "AUTOMATIC", [{ role: { key: "local" } }])).toMatchObject({ code: "NOT_FOUND" });
    expect(await setPolicy("north", "ASK", [guest])).toMatchObject({ code: "INVALID_INPUT" });
    expect(await setPolicy("north", "AUTOMATIC", [{ ...guest, reach: "SUBTREE" }], "mo")).toMatchObject({
      organization: { joinPolicy: { mode: "AUTOMATIC" } },
    });
  });
});

describe("Mutation.joinByEmail", () => {
  const isNothing = { code: "NOT_FOUND" };

  it("makes whoever has an address of a proven domain a member at once, with the default roles", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC", [{ role: { key: "member" }, reach: "SUBTREE" }]);

    const joined = await join(await as("jan", { name: "Jan" }));

    expect(joined).toMatchObject({
      outcome: "JOINED",
      tenantSlug: "acme",
      membership: {
        organization: { slug: "north" },
        grants: [{ role: { key: "member" }, reach: "SUBTREE", expiresAt: null }],
      },
    });
    const { viewer } = await (await as("jan")).get("{ viewer { user { displayName email emailVerified } } }");
    expect(viewer.user).toEqual({ displayName: "Jan", email: "jan@people.test", emailVerified: true });
    expect(await join(await as("jan"))).toMatchObject({ code: "ALREADY_MEMBER" });
    expect((await auditOf(gateway.database, acme, "membership.joined")).at(-1)).toMatchObject({
      changes: { domain: DOMAIN, setBy: acme.users.ada },
    });
  });

  it("says the same of everything that is not there for the caller", async () => {
    await claim("north");
    await setPolicy("north", "AUTOMATIC");
    const unproven = await join(await as("nia"));
    await prove("north");
    await setPolicy("north", "OFF");
    const off = await join(await as("nia"));
    const unknown = await join(await as("nia"), "no-such-tenant");
    const elsewhere = await join(await as("nia", {}, "globex"));
    await setPolicy("north", "AUTOMATIC");
    const other = await join(await as("nia"), "globex");
    const bound = await join(await as("nia", { tenant: "globex" }));

    expect(unproven).toMatchObject(isNothing);
    expect(new Set([unproven, off, unknown, elsewhere, other, bound].map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await join(await as("nia", { email_verified: false }))).toMatchObject({ code: "EMAIL_NOT_VERIFIED" });
    expect(await home("select id from users where email = 'nia@people.test'")).toEqual([]);
  });

  it("makes no difference of a tenant that the request names and nobody can join in by the address", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");

    expect(await join(await as("hal", {}, "globex"))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
    expect(await join(await as("hob", {}, "no-such-tenant"))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
  });

  it("asks which tenant is meant where there are several", async () => {
    const ours = await prove("north");
    const { domain } = await claim("south", DOMAIN, "ada", globex);
    put(ours, domain.recordValue);
    await verify("south", DOMAIN, "ada", globex);
    await setPolicy("north", "AUTOMATIC");
    await setPolicy("south", "AUTOMATIC", [], "ada", globex);

    expect(await join(await as("kim"))).toMatchObject({ code: "INVALID_INPUT", field: ["input", "tenantSlug"] });
    expect(await join(await as("kit", {}, "no-such-tenant"))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await join(await as("kit", {}, "globex"))).toMatchObject({ outcome: "JOINED", tenantSlug: "globex" });
    expect(await join(await as("kit", {}, "globex"), "acme")).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
    expect(await join(await as("kim"), "globex")).toMatchObject({ outcome: "JOINED", tenantSlug: "globex" });
    expect(await join(await as("kim"), "acme")).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
  });

  describe("where a hundred others come before", () => {
    const OTHERS = "from tenantry.tenants where slug like 'aa-%'";
    beforeEach(async () => {
      await prove("north");
      await setPolicy("north", "AUTOMATIC");
      await gateway.database.owner(
        `insert into tenantry.tenants (id, slug, isolation, database, schema_name, created_at)
         select gen_random_uuid(), 'aa-' || n, isolation, database, schema_name, now()
         from tenantry.homes, generate_series(1, 100) n where isolation = 'SHARED' and database = 'main'`,
      );
    });
    afterEach(() => gateway.database.owner(`delete ${OTHERS}`));

    it("lets in whoever names the tenant", async () => {
      await gateway.database.owner(
        `insert into tenantry.join_domains select d.digest, t.id from (select id ${OTHERS}) t, tenantry.join_domains d`,
      );

      expect(await join(await as("far"), "acme")).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
      expect(await join(await as("far-too", {}, "acme"))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
    });

    it("finds the one tenant that somebody's issuer may enter", async () => {
      await join(await as("listed"));
      const [user] = await home(
        "select encode(identity, 'hex') as digest from users where email = 'listed@people.test'",
      );
      await gateway.database.owner(
        `insert into tenantry.identities (digest, tenant_id) select decode($1, 'hex'), id ${OTHERS}`,
        [user!.digest],
      );
      const listing = await openPeople(["acme"]);
      const apart = await openGateway({ database: gateway.database, verifier: listing.verifier });

      const { viewer } = await apart
        .withToken(await listing.tokenOf("listed"), null)
        .get("{ viewer { tenant { slug } } }");

      expect(viewer.tenant.slug).toBe("acme");
      await apart.close();
      await listing.close();
    });
  });

  it("tells of no other tenant that has proven the domain, or had, and lets nobody join by it", async () => {
    const ours = await prove("north");
    const { domain } = await claim("south", DOMAIN, "ada", globex);
    put(ours, domain.recordValue);
    await verify("south", DOMAIN, "ada", globex);
    await setPolicy("north", "AUTOMATIC");

    await homeOf(gateway, "globex")("delete from join_policies");
    for (const mode of [null, "OFF"]) {
      if (mode) await setPolicy("south", mode, [], "ada", globex);
      expect(await join(await as(`alone-${mode}`))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
    }
    await setPolicy("south", "AUTOMATIC", [], "ada", globex);
    await change(globex.as("ada"), "releaseDomain", { ...at("south", globex), domain: DOMAIN }, "__typename");

    expect(await join(await as("alone"))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
    expect(await join(await as("alone-too"), "globex")).toMatchObject(isNothing);
    // Nor where the record is long gone, and nobody has looked.
    await verify("south", DOMAIN, "ada", globex).catch(() => {});
    const { domain: again } = await claim("south", DOMAIN, "ada", globex);
    put(ours, again.recordValue);
    await verify("south", DOMAIN, "ada", globex);
    put(ours);
    await homeOf(gateway, "globex")("update organization_domains set checked_at = now() - interval '2 days'");
    expect(await join(await as("alone-three"))).toMatchObject({ outcome: "JOINED", tenantSlug: "acme" });
  });

  it("calls by their address whose token has no name that anybody could read", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");

    expect(await join(await as("blank", { name: "\u200b\u202e" }))).toMatchObject({ outcome: "JOINED" });

    const { viewer } = await (await as("blank")).get("{ viewer { user { displayName } } }");
    expect(viewer.user).toEqual({ displayName: "blank@people.test" });
  });

  it("lets in whom somebody made a member before they ever signed in, and changes nothing about that membership", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC", [{ role: { key: "admin" } }]);
    await writeDown("early-bird", "north", "guest");

    expect(await join(await as("early-bird"))).toMatchObject({
      outcome: "JOINED",
      membership: { organization: { slug: "north" }, grants: [{ role: { key: "guest" } }] },
    });
    expect(await (await as("early-bird")).get("{ viewer { user { emailVerified } } }")).toEqual({
      viewer: { user: { emailVerified: true } },
    });
    expect(await join(await as("early-bird"))).toMatchObject({ code: "ALREADY_MEMBER" });
  });

  it("lets in nobody who was written down where the membership was suspended, or its maker could not give the roles", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC", [{ role: { key: "guest" } }], "mo");
    await writeDown("resting", "north", "guest");
    await writeDown("resting", "south", "guest");
    await home(
      `update memberships m set status = 'SUSPENDED' from users u, organizations o
       where u.id = m.user_id and o.id = m.organization_id and u.email = 'resting@people.test' and o.slug = 'north'`,
    );

    expect(await join(await as("resting"))).toMatchObject({ code: "ALREADY_MEMBER" });
    await home("update memberships set status = 'ACTIVE'");
    const grants = await home(
      "select * from grants where membership_id = (select id from memberships where user_id = $1)",
      [acme.users.mo],
    );
    await home("update grants set expires_at = now() + interval '1 h' where id = $1", [grants[0]!.id]);
    expect(await join(await as("resting"))).toMatchObject(isNothing);

    expect(await home("select identity from users where email = 'resting@people.test'")).toEqual([{ identity: null }]);
    await home("update grants set expires_at = null where id = $1", [grants[0]!.id]);
    expect(await join(await as("resting"))).toMatchObject({ outcome: "JOINED" });
  });

  it("begins no membership anew that somebody suspended, also when it has ended", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");
    await join(await as("kept-out"));
    await home(
      `update memberships set status = 'SUSPENDED', expires_at = now() - interval '1 h'
       where user_id = (select id from users where email = 'kept-out@people.test')`,
    );

    expect(await join(await as("kept-out"))).toMatchObject({ code: "ALREADY_MEMBER" });
    expect(
      await home(
        "select m.status, m.expires_at < now() as ended from memberships m join users u on u.id = m.user_id where u.email = 'kept-out@people.test'",
      ),
    ).toEqual([{ status: "SUSPENDED", ended: true }]);
  });

  it("lets somebody find the tenant who joined, and whom nobody let knock", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");
    await join(await as("unheard"));
    const [user] = await home("select identity from users where email = 'unheard@people.test'");
    await gateway.database.owners(async (owners) =>
      (await owners.main).run("delete from tenantry.identities where digest = $1", [user!.identity]),
    );
    const unheard = await as("unheard", {}, "acme");
    expect((await unheard.ask("{ viewer { id } }")).errors![0]!.extensions.code).toBe("TENANT_NOT_FOUND");

    // Also where the proof has to be looked for first.
    await home("update organization_domains set checked_at = now() - interval '2 days'");
    expect(await join(unheard)).toMatchObject({ code: "ALREADY_MEMBER" });
    expect(await unheard.get("{ viewer { user { email } } }")).toEqual({
      viewer: { user: { email: "unheard@people.test" } },
    });
  });

  it.each<[what: string, sql: string]>([
    [
      "has lost what is given",
      "update grants set role_id = null, role_key = 'guest' where membership_id = (select id from memberships where user_id = $1)",
    ],
    ["is suspended", "update users set status = 'SUSPENDED' where id = $1"],
    [
      "holds it for a while only",
      "update grants set expires_at = now() + interval '1 h' where membership_id = (select id from memberships where user_id = $1)",
    ],
  ])("lets nobody in by the word of somebody who %s, and shows so", async (_what, sql) => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC", [{ role: { key: "guest" } }], "mo");
    expect(await inForce("north")).toEqual({ mode: "AUTOMATIC", isInForce: true });
    const before = await home(
      "select * from grants where membership_id = (select id from memberships where user_id = $1)",
      [acme.users.mo],
    );
    await home(sql, [acme.users.mo]);

    const answer = await join(await as("lou"));
    const shown = await inForce("north");

    await home("update users set status = 'ACTIVE' where id = $1", [acme.users.mo]);
    await home("update grants set role_id = $2, role_key = null, expires_at = null where id = $1", [
      before[0]!.id,
      before[0]!.role_id,
    ]);
    expect(answer).toMatchObject(isNothing);
    expect(shown).toEqual({ mode: "AUTOMATIC", isInForce: false });
    expect(await home("select id from users where email = 'lou@people.test'")).toEqual([]);
  });

  it("looks again for a proof that it saw long ago, and takes it back when it is gone", async () => {
    const value = await prove("north");
    await setPolicy("north", "AUTOMATIC");
    asked = 0;
    await join(await as("early"));
    expect(asked).toBe(0);
    await home("update organization_domains set checked_at = now() - interval '2 days'");

    expect(await join(await as("later"))).toMatchObject({ outcome: "JOINED" });
    expect(asked).toBe(1);
    expect(await home("select checked_at > now() - interval '1 min' as fresh from organization_domains")).toEqual([
      { fresh: true },
    ]);
    await home("update organization_domains set checked_at = now() - interval '2 days'");
    dns.delete(RECORD);
    expect(await join(await as("late"))).toMatchObject(isNothing);
    expect(await provenIn()).toEqual([]);
    put(value);
    expect(await join(await as("late"))).toMatchObject(isNothing);
  });

  it("takes back no proof that somebody has seen while it was looked for", async () => {
    const value = await prove("north");
    await setPolicy("north", "AUTOMATIC");
    await home("update organization_domains set checked_at = now() - interval '2 days'");
    dns.delete(RECORD);
    meanwhile = async () => {
      put(value);
      await verify("north");
    };

    expect(await join(await as("between"))).toMatchObject(isNothing);

    expect(await provenIn()).toEqual([{ slug: "north" }]);
    expect(await join(await as("between"))).toMatchObject({ outcome: "JOINED" });
  });

  it("lets one person join once, however often at once", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");
    const many = await as("many");

    const answers = await Promise.all(Array.from({ length: 10 }, () => join(many)));

    expect(answers.map(({ code, outcome }) => code ?? outcome).sort()).toEqual([
      ...Array(9).fill("ALREADY_MEMBER"),
      "JOINED",
    ]);
    expect(await home("select id from users where email = 'many@people.test'")).toHaveLength(1);
  });

  it("lets nobody in who is suspended in the tenant", async () => {
    await prove("north");
    await setPolicy("north", "AUTOMATIC");
    await join(await as("bad"));
    await home("update users set status = 'SUSPENDED' where email = 'bad@people.test'");

    expect(await join(await as("bad"))).toMatchObject(isNothing);
    expect(await join(await as("bad-2", { email: "bad@people.test" }))).toMatchObject(isNothing);
  });
});

describe("a request to join", () => {
  const requests = async (person = "ada") => {
    const { organization } = await acme
      .as(person)
      .get(
        '{ organization(by: { slug: "north" }) { joinRequests(status: [OPEN]) { nodes { id email displayName } } } }',
      );
    return organization.joinRequests.nodes;
  };
  const approve = (id: string, grants: object[] = [], person = "ada") =>
    change(
      acme.as(person),
      "approveJoinRequest",
      { joinRequestId: id, grants },
      "joinRequest { status } membership { organization { slug } user { email } } organization { slug }",
    );
  const refuse = (id: string) =>
    change(acme.as("ada"), "refuseJoinRequest", { joinRequestId: id }, "joinRequest { status }");
  const open = async (sub: string): Promise<string> => {
    await prove("north");
    await setPolicy("north", "ASK");
    expect(await join(await as(sub))).toMatchObject({ outcome: "REQUESTED", membership: null });
    return (await requests()).find(({ email }: { email: string }) => email === `${sub}@people.test`).id;
  };

  it("makes nobody anybody until it is approved, by somebody who may give what is given", async () => {
    const id = await open("pat");
    const pat = await as("pat", {}, "acme");
    expect((await pat.ask("{ viewer { id } }")).errors![0]!.extensions.code).toBe("TENANT_NOT_FOUND");
    expect(await home("select id from users where email = 'pat@people.test'")).toEqual([]);

    expect(await approve(id, [{ role: { key: "admin" } }], "mo")).toMatchObject({ code: "EXCEEDS_YOURS" });
    expect(await approve(id, [{ role: { key: "guest" } }], "mo")).toMatchObject({
      joinRequest: { status: "APPROVED" },
      membership: { organization: { slug: "north" }, user: { email: "pat@people.test" } },
      organization: { slug: "north" },
    });

    expect(await pat.get("{ viewer { user { email } memberships { nodes { roles { key } } } } }")).toEqual({
      viewer: { user: { email: "pat@people.test" }, memberships: { nodes: [{ roles: [{ key: "guest" }] }] } },
    });
    expect(await approve(id)).toMatchObject({ code: "JOIN_REQUEST_CLOSED" });
    expect(await join(await as("pat"))).toMatchObject({ code: "ALREADY_MEMBER" });
  });

  it("lets nobody knock before it is approved, so that who is in one tenant may go on to name none", async () => {
    const { domain } = await claim("south", DOMAIN, "ada", globex);
    put(domain.recordValue);
    await verify("south", DOMAIN, "ada", globex);
    await setPolicy("south", "AUTOMATIC", [], "ada", globex);
    expect(await join(await as("settled"), "globex")).toMatchObject({ outcome: "JOINED" });
    await homeOf(gateway, "globex")("delete from organization_domains");
    const [user] = await homeOf(
      gateway,
      "globex",
    )("select encode(identity, 'hex') as digest from users where email = 'settled@people.test'");
    const knocksAt = () =>
      gateway.database.owner(
        `select t.slug from tenantry.identities i join tenantry.tenants t on t.id = i.tenant_id
         where encode(i.digest, 'hex') = $1 order by t.slug`,
        [user!.digest],
      );

    const id = await open("settled");

    expect(await knocksAt()).toEqual([{ slug: "globex" }]);
    await approve(id);
    expect(await knocksAt()).toEqual([{ slug: "acme" }, { slug: "globex" }]);

    // Where that failed when it was approved, whoever looks, and approves once more, mends it.
    await gateway.database.owner("delete from tenantry.identities where encode(digest, 'hex') = $1", [user!.digest]);
    expect(await approve(id)).toMatchObject({ code: "JOIN_REQUEST_CLOSED" });
    expect(await knocksAt()).toEqual([{ slug: "acme" }]);
  });

  it("is one, however often somebody asks at once", async () => {
    await prove("north");
    await setPolicy("north", "ASK");
    const often = await as("often");

    const answers = await Promise.all(Array.from({ length: 10 }, () => join(often)));

    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(["REQUESTED"]));
    const [request, ...others] = await home("select id from join_requests where email = 'often@people.test'");
    expect(others).toEqual([]);
    expect(await auditOf(gateway.database, acme, "joinRequest.made", request!.id as string)).toHaveLength(1);
  });

  it("is refused for good", async () => {
    const id = await open("nope");

    expect(await refuse(id)).toMatchObject({ joinRequest: { status: "REFUSED" } });
    expect(await join(await as("nope"))).toMatchObject({ code: "JOIN_REFUSED" });
    await setPolicy("north", "AUTOMATIC");
    expect(await join(await as("nope"))).toMatchObject({ code: "JOIN_REFUSED" });

    await change(
      acme.as("ada"),
      "inviteMember",
      { ...at("north"), email: "nope@people.test", grants: [] },
      "__typename",
    );
    const token = await tokenFor(gateway.database, acme, "nope@people.test");
    await change(await as("nope"), "acceptInvitation", { token }, "__typename");
    expect(await join(await as("nope"))).toMatchObject({ code: "ALREADY_MEMBER" });
    expect(await approve(id)).toMatchObject({ code: "JOIN_REQUEST_CLOSED" });
  });

  it("is made while whoever set the policy may manage domains, for however long, and no longer", async () => {
    await prove("n1");
    await setPolicy("n1", "ASK", undefined, "mo");
    const ofMo = "(select id from memberships where user_id = $1)";
    await home(`update grants set expires_at = now() + interval '1 h' where membership_id = ${ofMo}`, [acme.users.mo]);
    const [lasting, asking] = [await inForce("n1"), await join(await as("asker"))];
    await home("update users set status = 'SUSPENDED' where id = $1", [acme.users.mo]);
    const [over, late] = [await inForce("n1"), await join(await as("late-asker"))];
    await home("update users set status = 'ACTIVE' where id = $1", [acme.users.mo]);
    await home(`update grants set expires_at = null where membership_id = ${ofMo}`, [acme.users.mo]);

    expect([lasting, asking.outcome]).toEqual([{ mode: "ASK", isInForce: true }, "REQUESTED"]);
    expect([over, late.code]).toEqual([{ mode: "ASK", isInForce: false }, "NOT_FOUND"]);
    expect(await inForce("south")).toEqual({ mode: "OFF", isInForce: true });
  });

  it("is refused for good whatever account they come with, as long as the address is the same", async () => {
    const id = await open("twice");
    const [earlier, later] = [2, 3].map((n) => as(`twice-${n}`, { email: "twice@people.test" }));
    expect(await join(await earlier!)).toMatchObject({ outcome: "REQUESTED" });
    await refuse(id);

    for (const mode of ["ASK", "AUTOMATIC"]) {
      await setPolicy("north", mode);
      for (const other of [earlier, later]) expect(await join(await other!)).toMatchObject({ code: "JOIN_REFUSED" });
    }
  });

  it("lets in whom somebody made a member meanwhile, as they are", async () => {
    const id = await open("soon");
    await writeDown("soon", "north", "guest");

    expect(await approve(id, [{ role: { key: "admin" } }])).toMatchObject({ joinRequest: { status: "APPROVED" } });
    expect(await (await as("soon", {}, "acme")).get("{ viewer { memberships { nodes { roles { key } } } } }")).toEqual({
      viewer: { memberships: { nodes: [{ roles: [{ key: "guest" }] }] } },
    });
  });

  it("hands nobody to whoever asked long ago who holds more than who approves", async () => {
    const id = await open("former");
    await writeDown("former", "acme", "owner", "SUBTREE");

    const refused = await approve(id, [], "mo");

    // What somebody holds where mo reads no members is not for mo to know.
    expect(refused).toMatchObject({ code: "EXCEEDS_YOURS", field: ["input", "joinRequestId"], permissions: [] });
    expect(await home("select identity from users where email = 'former@people.test'")).toEqual([{ identity: null }]);
    expect(await approve(id)).toMatchObject({ joinRequest: { status: "APPROVED" } });
  });

  it("is approved or refused, never both", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await open(`torn-${round}`);

      const [approved, refused] = await Promise.all([approve(id), refuse(id)]);

      const codes = [approved.code ?? "DONE", refused.code ?? "DONE"];
      const isIn = (await home("select id from users where email = $1", [`torn-${round}@people.test`])).length === 1;
      expect(codes).toEqual(isIn ? ["DONE", "JOIN_REQUEST_CLOSED"] : ["JOIN_REQUEST_CLOSED", "DONE"]);
    }
  });

  it("is forgotten with the person", async () => {
    const id = await open("gone");
    await approve(id);
    const [user] = await home("select id from users where email = 'gone@people.test'");
    const userId = Buffer.from(`User:${user!.id}`).toString("base64url");

    expect(await inHome(gateway, "acme", everythingIn)).toContain("gone@people.test");

    await change(acme.as("ada"), "eraseUser", { userId }, "__typename");

    expect(await inHome(gateway, "acme", everythingIn)).not.toContain("gone@people.test");
    expect(await join(await as("gone"))).toMatchObject({ outcome: "REQUESTED" });
  });

  it("leaves nothing of from where it was made, by somebody who is nobody in the tenant, that nobody could erase", async () => {
    const id = await open("passer");
    const offer = { ...at("north"), email: "passer@people.test", grants: [] };
    await change(acme.as("ada"), "inviteMember", offer, "__typename");
    const token = await tokenFor(gateway.database, acme, "passer@people.test");
    await change(await as("passer"), "declineInvitation", { token }, "__typename");
    await approve(id);
    await setPolicy("north", "AUTOMATIC");
    await join(await as("comer"));
    const origins = (action: string, email: string) =>
      home(
        `select origin is not null as is_noted from audit_events
         where action = $1 and (actor_id in (select id from users where email = $2) or target_id in (
           select id from join_requests where email = $2 union select id from invitations where email = $2))`,
        [action, email],
      );

    expect(await origins("joinRequest.made", "passer@people.test")).toEqual([{ is_noted: false }]);
    expect(await origins("invitation.declined", "passer@people.test")).toEqual([{ is_noted: false }]);
    expect(await origins("membership.joined", "comer@people.test")).toEqual([{ is_noted: true }]);

    for (const email of ["passer@people.test", "comer@people.test"]) {
      const [user] = await home("select id from users where email = $1", [email]);
      const userId = Buffer.from(`User:${user!.id}`).toString("base64url");
      await change(acme.as("ada"), "eraseUser", { userId }, "__typename");
      expect(await home("select from audit_values where subject_id = $1", [user!.id])).toEqual([]);
    }
    expect(await home("select from audit_values where subject_id not in (select id from users)")).toEqual([]);
    await sealNow(gateway, "acme");
    expect(await ownerInHome(gateway, "acme", (run) => verifyIn(run, acme.tenantId))).toMatchObject({ broken: null });
  });

  it("is not approved for somebody who was suspended meanwhile", async () => {
    const id = await open("meanwhile");
    await change(acme.as("ada"), "upsertUser", { email: "meanwhile@people.test" }, "__typename");
    await home("update users set status = 'SUSPENDED' where email = 'meanwhile@people.test'");

    expect(await approve(id)).toMatchObject({ code: "JOIN_REQUEST_CLOSED" });
  });
});
