import fc from "fast-check";
import { Access, type Grounds, type Place, type Scope } from "../../src/access/access.js";
import { newId, type OrganizationId, type TenantId } from "../../src/ids.js";
import { type Facts, FIXED_ROLES, PERMISSIONS } from "../oracle/facts.js";
import { Judge } from "../oracle/judge.js";
import { anySketch } from "../support/sketches.js";
import { type TenantSketch, toRows } from "../support/world.js";

type Rows = ReturnType<typeof toRows>;

const NOW = new Date();
const isOver = (end: Date | null | undefined) => end != null && end <= NOW;
const isLive = ({ status, expiresAt }: Rows["memberships"][number]) => status === "ACTIVE" && !isOver(expiresAt);

/** The same rows as the judge knows them. */
const factsOf = (rows: Rows): Facts => ({
  tenantId: rows.organizations[0]!.tenantId,
  organizations: rows.organizations.map((row) => ({
    ...row,
    parentId: row.parentId ?? null,
    suspended: row.status === "SUSPENDED",
    archived: row.status === "ARCHIVED",
  })),
  slugs: rows.slugs,
  users: rows.users.map((row) => ({ ...row, suspended: row.status === "SUSPENDED" })),
  roles: rows.roles,
  memberships: rows.memberships.map((row) => ({
    ...row,
    suspended: row.status === "SUSPENDED",
    ended: isOver(row.expiresAt),
  })),
  grants: rows.grants.map((row) => ({
    id: row.id,
    membershipId: row.membershipId,
    roleKey: row.roleKey,
    roleId: row.roleId,
    subtree: row.reach === "SUBTREE",
    ended: isOver(row.expiresAt),
  })),
  events: [],
  ownershipOffers: [],
  invitations: [],
  offers: [],
  joinRequests: [],
  domains: [],
  joinPolicies: [],
});

/** The same rows as the gateway's statement would give them to a person's access. */
function groundsOf(rows: Rows, facts: Facts, userId: string): Grounds {
  const places = new Map(rows.organizations.map(({ id, path }) => [id, { id, path }] as const));
  const memberships = rows.memberships.filter((row) => row.userId === userId && isLive(row));
  return {
    memberOf: memberships.map(({ organizationId }) => places.get(organizationId)!),
    suspended: rows.organizations.filter(({ status }) => status === "SUSPENDED"),
    archived: rows.organizations.filter(({ status }) => status === "ARCHIVED").map(({ id }) => id),
    grants: facts.grants.flatMap(({ membershipId, ended, roleKey, roleId, subtree }) => {
      const membership = memberships.find(({ id }) => id === membershipId);
      if (!membership || ended) return [];
      const held = roleKey ? FIXED_ROLES[roleKey] : facts.roles.find(({ id }) => id === roleId)?.permissions;
      return [
        {
          at: places.get(membership.organizationId)!,
          reach: subtree ? ("SUBTREE" as const) : ("ORGANIZATION" as const),
          permissions: new Set(held),
          expiresAt: null,
        },
      ];
    }),
  };
}

/** What a statement that filters by the scope would select. */
const selects = ({ exact, subtree, blocked }: Scope, { id, path }: Place): boolean => {
  const under = (ids: readonly OrganizationId[]) => [...path, id].some((one) => ids.includes(one));
  return (exact.includes(id) || under(subtree)) && !under(blocked);
};

/** Every question on which an access and the judge disagree. */
function differences(sketch: TenantSketch, make: (grounds: Grounds) => Access): string[] {
  const rows = toRows(newId<TenantId>(), "any", sketch, () => Buffer.alloc(0));
  const facts = factsOf(rows);
  return rows.users.flatMap(({ id: userId, name }) => {
    const [access, judge] = [make(groundsOf(rows, facts, userId)), new Judge(facts, userId)];
    return rows.organizations.flatMap((place) => {
      const questions: [string, boolean, boolean][] = [
        ["sees", access.sees(place), judge.sees(place.id)],
        ["visibleScope", selects(access.visibleScope(), place), judge.sees(place.id)],
        ...PERMISSIONS.flatMap((permission): [string, boolean, boolean][] => [
          [permission, access.allows(place, permission), judge.allows(place.id, permission)],
          [
            `${permission} below`,
            access.allows(place, permission, "SUBTREE"),
            judge.allows(place.id, permission, "SUBTREE"),
          ],
          [`scope ${permission}`, selects(access.scope(permission), place), judge.allows(place.id, permission)],
        ]),
        ...rows.roles
          .filter(({ organizationId }) => organizationId === place.id)
          .map((role): [string, boolean, boolean] => [
            `role ${role.key}`,
            access.seesRoleOf(place),
            judge.seesRole(role.id),
          ]),
      ];
      return questions
        .filter(([, said, right]) => said !== right)
        .map(([question, said]) => `${name} at ${place.slug}: ${question} is ${said}`);
    });
  });
}

/** What is archived among the places that the person's memberships and grants name. */
const placesOf = ({ archived, memberOf }: Grounds) => memberOf.filter(({ id }) => archived.includes(id));

const made = (grounds: Grounds) => new Access(grounds);

describe("Access", () => {
  it("says what a judge says who goes through the rows one by one", () => {
    fc.assert(
      fc.property(anySketch, (sketch) => {
        expect(differences(sketch, made)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it("knows whether there is anything to see, and whether a permission is held anywhere", () => {
    fc.assert(
      fc.property(anySketch, (sketch) => {
        const rows = toRows(newId<TenantId>(), "any", sketch, () => Buffer.alloc(0));
        const facts = factsOf(rows);
        const [vera] = rows.users;
        const [access, judge] = [made(groundsOf(rows, facts, vera!.id)), new Judge(facts, vera!.id)];

        expect(access.seesAnything()).toBe(facts.organizations.some(({ id }) => judge.sees(id)));
        for (const permission of PERMISSIONS) {
          const somewhere = facts.organizations.some(({ id }) => judge.allows(id, permission));
          expect([permission, access.allowsSomewhere([permission])]).toEqual([permission, somewhere]);
          const both = facts.organizations.some(({ id }) =>
            [permission, "members:read"].every((one) => judge.allows(id, one, "SUBTREE")),
          );
          const told = access.allowsSomewhere([permission, "members:read"], "SUBTREE");
          expect([permission, "and members:read", told]).toEqual([permission, "and members:read", both]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each<[fault: string, make: (grounds: Grounds) => Access]>([
    [
      "every grant reaches down",
      (grounds) => made({ ...grounds, grants: grounds.grants.map((grant) => ({ ...grant, reach: "SUBTREE" })) }),
    ],
    ["what is suspended stays open", (grounds) => made({ ...grounds, suspended: [] })],
    ["what is archived stays in use", (grounds) => made({ ...grounds, archived: [] })],
    [
      "what is archived is closed like what is suspended",
      (grounds) => made({ ...grounds, suspended: [...grounds.suspended, ...placesOf(grounds)], archived: [] }),
    ],
    ["a membership alone shows nothing", (grounds) => made({ ...grounds, memberOf: [] })],
    [
      "reading is enough to look into what is suspended",
      (grounds) => {
        const sees = grounds.grants.map((grant) =>
          grant.permissions.has("organizations:read")
            ? { ...grant, permissions: new Set([...grant.permissions, "organizations:suspend"]) }
            : grant,
        );
        return made({ ...grounds, grants: sees });
      },
    ],
  ])("would be found out if %s", (_fault, make) => {
    const found = fc.check(
      fc.property(anySketch, (sketch) => differences(sketch, make).length === 0),
      { numRuns: 400 },
    );

    expect(found.failed).toBe(true);
  });
});
