import { encodeId, idOf } from "../../../src/graphql/nodeId.js";
import { newId } from "../../../src/ids.js";
import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const HOUR = 3_600_000;
const [PAST, SOON, LATER] = [-HOUR, HOUR, 2 * HOUR].map((ms) => new Date(Date.now() + ms)) as [Date, Date, Date];
const CLERK = ["organizations:read", "members:read"];

let gateway: TestGateway;
let acme: Planted;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  const atNorth = (permissions: readonly string[]) => ({ at: "north", permissions });
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {} }, south: {} } },
      roles: {
        idle: atNorth(CLERK),
        clerk: atNorth(CLERK),
        seller: atNorth(CLERK),
        twin: atNorth(CLERK),
        faded: atNorth(CLERK),
        kept: atNorth(CLERK),
        strong: atNorth(["organizations:read", "organizations:delete"]),
        buyer: { at: "store", permissions: CLERK },
        reader: { permissions: ["organizations:read"] },
        temp: { permissions: ["organizations:read"] },
        wide: { permissions: CLERK },
        rare: { permissions: CLERK },
        common: { permissions: CLERK },
        offered: atNorth(CLERK),
        joined: atNorth(CLERK),
        lure: atNorth(CLERK),
        withdrawn: atNorth(CLERK),
      },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        // Defines the roles of north, and may not read its members.
        dan: [{ at: "north", can: ["organizations:read", "roles:manage"], reach: "SUBTREE" }],
        interim: [{ at: "acme", roles: ["owner"], reach: "SUBTREE", grantsUntil: SOON }],
        cleo: [{ at: "north", roles: ["clerk"], reach: "SUBTREE", grantsUntil: LATER }],
        carl: [{ at: "store", roles: ["clerk"] }],
        paul: [{ at: "store", roles: ["clerk"], suspended: true }],
        both: [{ at: "north", roles: ["twin", "reader"] }],
        sara: [{ at: "store", roles: ["seller"], reach: "SUBTREE" }],
        gone: [{ at: "north", roles: ["faded"], grantsUntil: PAST }],
        past: [{ at: "store", roles: ["faded"], until: PAST }],
        tom: [{ at: "south", roles: ["temp"] }],
        kit: [{ at: "north", roles: ["kept"] }],
        max: [{ at: "store", roles: ["strong"] }],
        wim: [{ at: "south", roles: ["wide"] }],
        lone: [{ at: "south", roles: ["rare"] }],
        ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`h${n}`, [{ at: "south", roles: ["common"] }]])),
        southerner: [{ at: "south", roles: ["admin"], reach: "SUBTREE" }],
      },
    },
  }));
  home = homeOf(gateway, "acme");
});
afterAll(() => gateway.close());

const PAYLOAD = "deletedRoleId replacement { key }";
const remove = (by: string, key: string, replacement?: object) =>
  change(acme.as(by), "deleteRole", { roleId: acme.id("Role", key), replacement }, PAYLOAD);
const isThere = async (key: string) => (await home("select from roles where key = $1", [key])).length === 1;
/** What somebody has, as rows. */
const grantsOf = (name: string) =>
  home(
    `select coalesce(g.role_key, r.key) as role, g.reach, (extract(epoch from g.expires_at) * 1000)::float8 as "until"
     from grants g join memberships m on m.id = g.membership_id join users u on u.id = m.user_id
       left join roles r on r.id = g.role_id
     where u.display_name = $1 order by 1`,
    [name],
  );

describe("deleteRole", () => {
  it("removes a role that nobody has", async () => {
    expect(await remove("ben", "idle")).toEqual({
      __typename: "DeleteRolePayload",
      deletedRoleId: acme.id("Role", "idle"),
      replacement: null,
    });
    expect(await isThere("idle")).toBe(false);
    expect(await auditOf(gateway.database, acme, "role.deleted", acme.roles.idle)).toMatchObject([
      { organization_id: acme.organizations.north, changes: { before: { key: "idle", permissions: CLERK } } },
    ]);
  });

  it("needs a replacement for one that somebody has, and changes nothing without", async () => {
    expect(await remove("ben", "kept")).toMatchObject({
      __typename: "RoleInUseFailure",
      code: "ROLE_IN_USE",
      field: ["input", "replacement"],
    });
    expect(await grantsOf("kit")).toMatchObject([{ role: "kept" }]);
  });

  it("gives everybody the replacement instead, as far and as long, suspended ones too", async () => {
    expect(await remove("ada", "clerk", { key: "member" })).toMatchObject({ replacement: { key: "member" } });

    expect(await grantsOf("cleo")).toEqual([{ role: "member", reach: "SUBTREE", until: LATER.getTime() }]);
    expect(await grantsOf("carl")).toEqual([{ role: "member", reach: "ORGANIZATION", until: null }]);
    expect(await grantsOf("paul")).toEqual([{ role: "member", reach: "ORGANIZATION", until: null }]);
    expect(await isThere("clerk")).toBe(false);
    const [told] = await auditOf(gateway.database, acme, "grant.replaced", acme.memberships["cleo@north"]);
    expect(told).toMatchObject({
      organization_id: acme.organizations.north,
      changes: { before: { role: "clerk" }, after: { role: "member" }, reach: "SUBTREE" },
    });
    expect(await auditOf(gateway.database, acme, "grant.replaced")).toHaveLength(3);
  });

  it("takes one of the tenant's own as the replacement, by its id or by the key that counts there", async () => {
    expect(await remove("ada", "seller", { key: "reader" })).toMatchObject({ replacement: { key: "reader" } });

    expect(await grantsOf("sara")).toEqual([{ role: "reader", reach: "SUBTREE", until: null }]);
  });

  it("leaves one grant of two where somebody has both, until the later end", async () => {
    await home("update grants set expires_at = $1 where id = $2", [SOON, acme.grants["both@north"]]);
    await home("update grants set expires_at = $1 where role_id = $2", [PAST, acme.roles.reader]);

    expect(await remove("ada", "twin", { id: acme.id("Role", "reader") })).toMatchObject({
      __typename: "DeleteRolePayload",
    });

    expect(await grantsOf("both")).toEqual([{ role: "reader", reach: "ORGANIZATION", until: SOON.getTime() }]);
  });

  it("takes what has ended for nobody's, and lets it go", async () => {
    expect(await remove("ben", "faded")).toMatchObject({ __typename: "DeleteRolePayload" });

    expect([await grantsOf("gone"), await grantsOf("past")]).toEqual([[], []]);
  });

  it.each<[string, string, object]>([
    ["itself", "kept", { key: "kept" }],
    ["a role that is not usable wherever it is", "kept", { key: "buyer" }],
    ["a role that does not exist", "kept", { key: "nothing" }],
  ])("does not take %s as the replacement", async (_what, key, replacement) => {
    const failed = await remove("ada", key, replacement);

    expect(failed.__typename).toMatch(/^(InvalidInput|NotFound)Failure$/);
    expect(failed.field).toEqual(["input", "replacement"]);
    expect(await grantsOf("kit")).toMatchObject([{ role: "kept" }]);
  });

  it("gives by it nothing that the viewer could not give wherever somebody has the role, and takes nothing that they lack", async () => {
    const exceeds = { __typename: "ExceedsYoursFailure", field: ["input", "replacement"] };

    expect(await remove("ben", "kept", { key: "owner" })).toMatchObject({
      ...exceeds,
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
    expect(await remove("ben", "strong", { key: "guest" })).toMatchObject({
      ...exceeds,
      permissions: ["organizations:delete"],
    });
    expect(await remove("interim", "kept", { key: "member" })).toMatchObject({
      ...exceeds,
      latestExpiresAt: SOON.toISOString(),
    });
  });

  it("does not say what is missing where the viewer may not read members", async () => {
    const failed = await remove("dan", "kept", { key: "member" });

    expect(failed).toMatchObject({ __typename: "ExceedsYoursFailure", permissions: [], latestExpiresAt: null });
    expect(failed.message).not.toContain("members:");
  });

  it("removes no role of the catalogue", async () => {
    const { organization } = await acme.as("ada").get('{ organization(by: { slug: "acme" }) { roles { id key } } }');
    const { id: roleId } = organization.roles.find((role: { key: string }) => role.key === "guest");

    expect(
      await change(acme.as("ada"), "deleteRole", { roleId, replacement: { key: "member" } }, PAYLOAD),
    ).toMatchObject({ __typename: "FixedRoleFailure", field: ["input", "roleId"] });
  });

  it("finds a role only where it is usable in something that the caller sees, and asks for the right to define it", async () => {
    const hidden = await remove("southerner", "kept");

    expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "roleId"] });
    const missing = { roleId: encodeId("Role", newId()) };
    expect(await change(acme.as("southerner"), "deleteRole", missing, PAYLOAD)).toEqual(hidden);
    expect(await refused(acme.as("southerner"), "deleteRole", { roleId: acme.id("Role", "wide") })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
  });

  it("is there for nobody any more when somebody is given the role at once: before, or not at all", async () => {
    const outcomes = [];
    for (let round = 0; round < 10; round++) {
      const { role } = await change(
        acme.as("ada"),
        "createRole",
        { key: `r${round}`, name: "R", permissions: CLERK },
        "role { id }",
      );
      await home("delete from grants where membership_id = $1", [acme.memberships["wim@south"]]);
      const membershipId = acme.id("Membership", "wim@south");
      const give = () => change(acme.as("ada"), "grantRole", { membershipId, role: { id: role.id } }, "__typename");
      const drop = () =>
        change(acme.as("ada"), "deleteRole", { roleId: role.id, replacement: { key: "guest" } }, PAYLOAD);

      const [given] = await Promise.all(round % 2 === 0 ? [give(), drop()] : [drop(), give()].reverse());

      outcomes.push(given.__typename);
      expect(await isThere(`r${round}`)).toBe(false);
      expect(await grantsOf("wim")).toEqual(
        given.__typename === "GrantRolePayload" ? [{ role: "guest", reach: "ORGANIZATION", until: null }] : [],
      );
    }
    expect(outcomes.every((name) => ["GrantRolePayload", "NotFoundFailure"].includes(name))).toBe(true);
  });

  it("takes as many statements for forty who have it as for one", async () => {
    const run = (key: string) => gateway.database.statements(() => remove("ada", key, { key: "guest" }));

    const one = ofData(await run("rare"));
    const many = ofData(await run("common"));

    expect(many.map((text) => text.slice(0, 40))).toEqual(one.map((text) => text.slice(0, 40)));
    expect(await grantsOf("h7")).toMatchObject([{ role: "guest" }]);
  });

  it("is done once by two at once", async () => {
    const both = await Promise.all([remove("ada", "temp", { key: "guest" }), remove("ada", "temp", { key: "member" })]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["DeleteRolePayload", "NotFoundFailure"]);
    expect(await grantsOf("tom")).toHaveLength(1);
  });
});

describe("deleteRole, of a role that is offered", () => {
  const at = (slug: string) => ({ organizationId: acme.id("Organization", slug) });
  const invite = async (email: string, ...grants: object[]) => {
    const made = await change(acme.as("ada"), "inviteMember", { ...at("north"), email, grants }, "invitation { id }");
    return made.invitation.id as string;
  };
  const offersTo = async (email: string) => {
    const { organization } = await acme
      .as("ada")
      .get(
        '{ organization(by: { slug: "north" }) { invitations { nodes { email grants { role { key } reach expiresAt } } } } }',
      );
    return organization.invitations.nodes.find((one: { email: string }) => one.email === email).grants;
  };
  const role = (key: string) => ({ role: { key } });

  it("needs a replacement, which the invitation offers instead, each role once and as long as the longer", async () => {
    const expiresAt = LATER.toISOString();
    await invite(
      "eve@acme.test",
      { ...role("offered"), expiresAt },
      { ...role("reader"), expiresAt: SOON.toISOString() },
    );

    expect(await remove("ada", "offered")).toMatchObject({ code: "ROLE_IN_USE" });
    expect(await offersTo("eve@acme.test")).toHaveLength(2);
    expect(await remove("ada", "offered", { key: "reader" })).toMatchObject({ replacement: { key: "reader" } });

    expect(await offersTo("eve@acme.test")).toEqual([{ ...role("reader"), reach: "ORGANIZATION", expiresAt }]);
    expect(await auditOf(gateway.database, acme, "offer.replaced")).toMatchObject([
      { target_type: "Invitation", changes: { before: { role: "offered" }, after: { role: "reader" } } },
    ]);
  });

  it("gives whoever joins the replacement", async () => {
    const grants = [{ ...role("joined"), reach: "SUBTREE" }, role("guest")];
    await change(acme.as("ada"), "setJoinPolicy", { ...at("north"), mode: "AUTOMATIC", grants }, "__typename");

    expect(await remove("ada", "joined")).toMatchObject({ code: "ROLE_IN_USE" });
    expect(await remove("ada", "joined", { key: "member" })).toMatchObject({ replacement: { key: "member" } });

    const { organization } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "north" }) { joinPolicy { grants { role { key } reach } } } }');
    expect(organization.joinPolicy.grants).toHaveLength(2);
    expect(organization.joinPolicy.grants).toEqual(
      expect.arrayContaining([
        { ...role("member"), reach: "SUBTREE" },
        { ...role("guest"), reach: "ORGANIZATION" },
      ]),
    );
  });

  it("is offered to nobody any more when somebody offers it at once: before, or not at all", async () => {
    for (let round = 0; round < 6; round++) {
      const { role: made } = await change(
        acme.as("ada"),
        "createRole",
        { key: `o${round}`, name: "O", permissions: CLERK },
        "role { id }",
      );
      const offered = [{ role: { id: made.id } }];
      const email = `o${round}@acme.test`;
      const offer = (name: string, input: object) => () =>
        change(acme.as("ada"), name, { ...at("north"), ...input, grants: offered }, "__typename");
      const attempts = [
        offer("inviteMember", { email }),
        () => change(acme.as("ada"), "deleteRole", { roleId: made.id, replacement: { key: "guest" } }, PAYLOAD),
        offer("setJoinPolicy", { mode: "AUTOMATIC" }),
      ];

      const outcomes = await Promise.all(
        (round % 2 === 0 ? attempts : attempts.toReversed()).map((attempt) => attempt()),
      );

      const names = outcomes.map(({ __typename }) => __typename);
      const isExpected = /^(InviteMember|SetJoinPolicy|DeleteRole)Payload$|^NotFoundFailure$/;
      expect(names.filter((name) => !isExpected.test(name))).toEqual([]);
      expect(names).toContain("DeleteRolePayload");
      if (names.includes("InviteMemberPayload")) expect(await offersTo(email)).toMatchObject([role("guest")]);
      const [policy] = await home("select grants from join_policies where organization_id = $1", [
        acme.organizations.north,
      ]);
      expect(JSON.stringify(policy?.grants ?? [])).not.toContain(idOf("Role", made.id)!);
    }
  });

  it("is refused where somebody would be offered what the viewer does not hold, in another's name", async () => {
    await invite("friend@acme.test", role("lure"));

    expect(await remove("ben", "lure", { key: "owner" })).toMatchObject({ code: "EXCEEDS_YOURS" });

    expect(await offersTo("friend@acme.test")).toMatchObject([role("lure")]);
  });

  it("does not count what was withdrawn", async () => {
    const invitationId = await invite("late@acme.test", role("withdrawn"));
    await change(acme.as("ada"), "withdrawInvitation", { invitationId }, "__typename");

    expect(await remove("ada", "withdrawn")).toMatchObject({ replacement: null });
    expect(await isThere("withdrawn")).toBe(false);
  });
});

describe("deleteRole, of a role that is offered where it cannot be given any more", () => {
  let firm: Planted;
  let rows: Sql;
  beforeAll(async () => {
    ({ firm } = await world(gateway, {
      firm: {
        tree: { firm: { left: { moved: { below: {} }, stays: {} }, right: {} } },
        roles: Object.fromEntries(["alone", "beside"].map((key) => [key, { at: "left", permissions: CLERK }])),
        people: {
          ada: [{ at: "firm", roles: ["owner"], reach: "SUBTREE" }],
          ben: [{ at: "left", roles: ["admin"], reach: "SUBTREE" }],
        },
      },
    }));
    rows = homeOf(gateway, "firm");
    for (const key of ["alone", "beside"]) {
      const grants = [{ role: { key } }, { role: { key }, reach: "SUBTREE" }, { role: { key: "guest" } }];
      for (const slug of ["moved", "below", ...(key === "beside" ? ["stays"] : [])]) {
        const invitation = { ...at(slug), email: `${key}@firm.test`, grants };
        await change(firm.as("ada"), "inviteMember", invitation, "__typename");
      }
    }
    await setPolicy("moved", "alone");
    await setPolicy("below", "beside");
    await setPolicy("stays", "beside");
    const there = { ...at("moved"), parentId: firm.id("Organization", "right") };
    const { __typename } = await change(firm.as("ada"), "moveOrganization", there, "__typename");
    expect(__typename).toBe("MoveOrganizationPayload");
  });

  const at = (slug: string) => ({ organizationId: firm.id("Organization", slug) });
  const setPolicy = (slug: string, key: string) => {
    const grants = [{ role: { key } }, { role: { key: "guest" } }];
    return change(firm.as("ada"), "setJoinPolicy", { ...at(slug), mode: "AUTOMATIC", grants }, "__typename");
  };
  const drop = (key: string, replacement?: object) =>
    change(firm.as("ben"), "deleteRole", { roleId: firm.id("Role", key), replacement }, PAYLOAD);
  const invitationsTo = async (email: string) =>
    Object.fromEntries(
      (
        await rows(
          `select o.slug, i.status from invitations i join organizations o on o.id = i.organization_id where i.email = $1`,
          [email],
        )
      ).map(({ slug, status }) => [slug, status]),
    );
  const policyOf = async (slug: string) =>
    (await rows("select mode, grants from join_policies where organization_id = $1", [firm.organizations[slug]]))[0]!;

  it("needs no replacement, and withdraws the invitation whole: nobody gets the rest of it", async () => {
    expect(await drop("alone")).toMatchObject({ __typename: "DeleteRolePayload", replacement: null });

    expect(await invitationsTo("alone@firm.test")).toEqual({ moved: "WITHDRAWN", below: "WITHDRAWN" });
    const told = await auditOf(gateway.database, firm, "invitation.withdrawn");
    expect(told.map(({ organization_id: id }) => id).sort()).toEqual(
      [firm.organizations.moved, firm.organizations.below].sort(),
    );
    expect(told[0]).toMatchObject({ actor_id: firm.users.ben, target_type: "Invitation" });
    expect(await auditOf(gateway.database, firm, "offer.replaced")).toEqual([]);
  });

  it("lets nobody join there with less than was meant", async () => {
    expect(await policyOf("moved")).toEqual({ mode: "OFF", grants: [] });
    expect(await auditOf(gateway.database, firm, "joinPolicy.set", firm.organizations.moved)).toMatchObject([
      { changes: { mode: "AUTOMATIC" } },
      { actor_id: firm.users.ben, changes: { mode: "OFF", grants: [] } },
    ]);
  });

  it("replaces it where it can be given, and nowhere else", async () => {
    expect(await drop("beside")).toMatchObject({ code: "ROLE_IN_USE" });
    expect(await invitationsTo("beside@firm.test")).toEqual({ moved: "OPEN", below: "OPEN", stays: "OPEN" });

    expect(await drop("beside", { key: "member" })).toMatchObject({ replacement: { key: "member" } });

    expect(await invitationsTo("beside@firm.test")).toEqual({ moved: "WITHDRAWN", below: "WITHDRAWN", stays: "OPEN" });
    expect(await policyOf("below")).toEqual({ mode: "OFF", grants: [] });
    expect(JSON.stringify(await policyOf("stays"))).toMatch(/AUTOMATIC.*member/);
  });
});

describe("deleteRole, of a role that people have in a closed organization", () => {
  let mill: Planted;
  beforeAll(async () => {
    ({ mill } = await world(gateway, {
      mill: {
        tree: { mill: { yard: { n1: { shed: {} } } } },
        roles: Object.fromEntries(
          ["suspend", "archive", "delete"].flatMap((how) =>
            ["granted", "invited", "joining", "strong"].map((what) => [
              `${what}-${how}`,
              { permissions: what === "strong" ? ["organizations:delete"] : CLERK },
            ]),
          ),
        ),
        people: {
          ada: [{ at: "mill", roles: ["owner"], reach: "SUBTREE" }],
          // Defines the tenant's roles, and holds less than they give; may look into nothing that is suspended.
          rob: [{ at: "mill", can: [...CLERK, "roles:manage"], reach: "SUBTREE" }],
          paul: [
            {
              at: "shed",
              roles: ["suspend", "archive", "delete"].flatMap((how) => [`granted-${how}`, `strong-${how}`]),
            },
          ],
        },
      },
    }));
  });

  const drop = (by: string, key: string, replacement: string) =>
    change(mill.as(by), "deleteRole", { roleId: mill.id("Role", key), replacement: { key: replacement } }, PAYLOAD);
  const at = (slug: string) => ({ organizationId: mill.id("Organization", slug) });
  const setTo = (what: "close" | "open", how: string) =>
    change(
      mill.as("ada"),
      what === "close" ? `${how}Organization` : how === "suspend" ? "resumeOrganization" : "restoreOrganization",
      at("n1"),
      "__typename",
    );

  it.each(["suspend", "archive", "delete"])(
    "gives the replacement there, too, by what the viewer would hold if it were open: %s",
    async (how) => {
      const grants = (what: string) => [{ role: { key: `${what}-${how}` } }];
      await change(
        mill.as("ada"),
        "inviteMember",
        { ...at("shed"), email: `${how}@mill.test`, grants: grants("invited") },
        "__typename",
      );
      const policy = { ...at("shed"), mode: "AUTOMATIC", grants: grants("joining") };
      await change(mill.as("ada"), "setJoinPolicy", policy, "__typename");
      const tried = async () => [
        ...(await Promise.all(["granted", "invited", "joining"].map((what) => drop("rob", `${what}-${how}`, "admin")))),
        await drop("rob", `strong-${how}`, "guest"),
      ];
      const whileOpen = await tried();
      await setTo("close", how);

      // Who lacks something there is refused as before, and told no more than they may know.
      expect(whileOpen).toMatchObject(
        Array(4).fill({ code: "EXCEEDS_YOURS", permissions: expect.arrayContaining([expect.any(String)]) }),
      );
      if (how !== "suspend") expect(await tried()).toEqual(whileOpen);
      else expect(await tried()).toMatchObject(Array(4).fill({ code: "EXCEEDS_YOURS", permissions: [] }));
      for (const what of ["granted", "invited", "joining", "strong"])
        expect(await drop("ada", `${what}-${how}`, "member")).toMatchObject({ replacement: { key: "member" } });

      const rows = homeOf(gateway, "mill");
      expect(
        await rows("select from grants g join roles r on r.id = g.role_id where r.key like $1", [`%-${how}`]),
      ).toEqual([]);
      const [told] = await rows(
        `select (select array_agg(role_key) from offered_grants o join invitations i on i.id = o.invitation_id
           where i.email = $1) as offered, (select grants::text from join_policies where organization_id = $2) as joining`,
        [`${how}@mill.test`, mill.organizations.shed],
      );
      expect(told!.offered).toEqual(["member"]);
      expect(JSON.parse(String(told!.joining))).toMatchObject([{ roleKey: "member" }]);
      await setTo("open", how);
    },
  );
});
