import fc from "fast-check";
import type { Caller, TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { listDocument, ofPage, walk } from "../../support/pages.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let mill: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ mill } = await world(gateway, {
    mill: {
      tree: { mill: { east: { "east-1": { bench: {} }, "east-2": {} }, west: { "west-1": {} }, "100-percent": {} } },
      people: {
        olga: [{ at: "mill", roles: ["owner"], reach: "SUBTREE" }],
        // Sees east and what is below, of which only one lets her read members.
        ella: [
          { at: "east", roles: ["guest"], reach: "SUBTREE" },
          { at: "east-1", roles: ["admin"] },
        ],
        // Sees a child without seeing what is above it.
        bert: [{ at: "east-1", roles: ["guest"] }],
        nobody: [],
      },
    },
  }));
  sql = homeOf(gateway, "mill");
  const named = [
    ["mill", "Mill & Söhne", 1],
    ["east", "Östliche Werke", 2],
    ["east-1", "O'Neill's Bakery", 7],
    ["east-2", "100% Baker_Street", 2.5],
    ["bench", "ÄNDERUNG der Bank", 5],
    ["west", "west", 4],
    ["west-1", "Zeta\\Lab (new)", 3],
    ["100-percent", "Ångström", 6],
  ] as const;
  for (const [slug, name, day] of named)
    await sql("update organizations set name = $2, created_at = $3 where slug = $1", [
      slug,
      name,
      new Date(Date.UTC(2026, 0, 1) + day * 86_400_000),
    ]);
  await sql("update organizations set status = 'ARCHIVED' where slug = 'west-1'");
});
afterAll(() => gateway.close());

const slugs = (connection: { nodes: { slug: string }[] } | null) => connection?.nodes.map(({ slug }) => slug);

async function list(caller: Caller, args: string): Promise<string[] | undefined> {
  return slugs((await caller.get(`{ organizations(${args}) { nodes { slug } } }`)).organizations);
}

const BY_NAME = ["east-2", "mill", "east-1", "west-1", "west", "bench", "100-percent", "east"];
const BY_CREATION = ["mill", "east", "east-2", "west-1", "west", "bench", "100-percent", "east-1"];

describe("Query.organizations", () => {
  it.each([
    ["NAME_ASC", BY_NAME],
    ["NAME_DESC", [...BY_NAME].reverse()],
    ["CREATED_AT_ASC", BY_CREATION],
    ["CREATED_AT_DESC", [...BY_CREATION].reverse()],
  ])("lists what the viewer sees ordered by %s, in pages of any size, from either end", async (orderBy, expected) => {
    const document = listDocument((page) => `list: organizations(orderBy: ${orderBy}, ${page}) ${ofPage("slug")}`);

    for (const size of [1, 3, 8])
      for (const backward of [false, true]) {
        const found = await walk(mill.as("olga"), document, { size, backward });
        expect(found.map(({ slug }) => slug)).toEqual(expected);
      }
  });

  it("searches for how a word of the name or address begins, whatever the capitals", async () => {
    const olga = mill.as("olga");
    const search = (text: string) => list(olga, `filter: { search: ${JSON.stringify(text)} }`);

    expect(await search("ö")).toEqual(["east"]);
    expect(await search("SÖHNE")).toEqual(["mill"]);
    expect(await search("änd")).toEqual(["bench"]);
    expect(await search("neill")).toEqual(["east-1"]);
    expect(await search("street")).toEqual(["east-2"]);
    expect(await search("east-")).toEqual(["east-2", "east-1"]);
    expect(await search("1")).toEqual(["east-2", "east-1", "west-1", "100-percent"]);
    expect(await search("er bank")).toEqual([]);
    expect(await search("der bank")).toEqual(["bench"]);
    expect(await search("  west  ")).toEqual(["west-1", "west"]);
    expect(await search(" ")).toHaveLength(8);
  });

  it("takes what means something in a pattern for itself", async () => {
    const search = (text: string) => list(mill.as("olga"), `filter: { search: ${JSON.stringify(text)} }`);

    expect(await search("100%")).toEqual(["east-2"]);
    expect(await search("baker_")).toEqual(["east-2"]);
    expect(await search("lab (")).toEqual(["west-1"]);
    expect(await search("zeta\\lab")).toEqual(["west-1"]);
    expect(await search("(n")).toEqual(["west-1"]);
    for (const text of [".", ".*", "[a-z]", "%", "_", "\\", "^", "$", "***:.", "|", "\\m", "{1}", "?"])
      expect(await search(text)).toEqual([]);
  });

  it("refuses a search that no text can match, and one that is too long, with words", async () => {
    for (const text of ["a\0", "\ud800", "x".repeat(201)]) {
      const { errors } = await mill
        .as("olga")
        .ask("query($search: String) { organizations(filter: { search: $search }) { nodes { slug } } }", {
          search: text,
        });

      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["BAD_USER_INPUT"]);
    }
  });

  it("shows those in the states asked for", async () => {
    expect(await list(mill.as("olga"), "filter: { status: [ARCHIVED] }")).toEqual(["west-1"]);
    expect(await list(mill.as("olga"), "filter: { status: [] }")).toEqual([]);
    expect(await list(mill.as("olga"), "filter: { status: null }")).toHaveLength(8);
  });

  it("shows those in which the viewer holds a permission, and refuses one that is not known", async () => {
    expect(await list(mill.as("ella"), 'filter: { permission: "members:read" }')).toEqual(["east-1"]);
    expect(await list(mill.as("nobody"), 'filter: { permission: "members:read" }')).toEqual([]);

    const { errors } = await mill.as("ella").ask('{ organizations(filter: { permission: "a:b" }) { nodes { slug } } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT", field: ["filter", "permission"] });
  });

  it("shows those right below a parent, and nothing below one that is hidden or missing", async () => {
    const below = (who: string, parent: string) => list(mill.as(who), `filter: { parentId: "${parent}" }`);

    expect(await below("olga", mill.id("Organization", "east"))).toEqual(["east-2", "east-1"]);
    expect(await below("ella", mill.id("Organization", "east"))).toEqual(["east-2", "east-1"]);
    // Seen by its own membership; to be below east is for who sees east.
    expect(await list(mill.as("bert"), "first: 10")).toEqual(["east-1"]);
    expect(await below("bert", mill.id("Organization", "east"))).toEqual([]);
    expect(
      await below("olga", Buffer.from("Organization:0195b3f2-0000-7000-8000-000000000000").toString("base64url")),
    ).toEqual([]);
  });

  it("refuses an id of something else", async () => {
    const { errors } = await mill
      .as("olga")
      .ask(`{ organizations(filter: { parentId: "${mill.id("User", "olga")}" }) { nodes { slug } } }`);

    expect(errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT", field: ["filter", "parentId"] });
  });

  it("shows nothing to who sees nothing, and asks strangers to sign in", async () => {
    expect(await list(mill.as("nobody"), "first: 5")).toEqual([]);

    const { data, errors } = await gateway.anonymous.ask("{ organizations { nodes { slug } } }");
    expect([data, errors?.[0]?.extensions.code]).toEqual([{ organizations: null }, "UNAUTHENTICATED"]);
  });

  it("takes a cursor for the same filter and order only", async () => {
    const olga = mill.as("olga");
    const page = await olga.get("{ organizations(first: 1) { pageInfo { endCursor } } }");
    const cursor = page.organizations.pageInfo.endCursor;
    const codeAfter = async (args: string) =>
      (await olga.ask(`{ organizations(after: "${cursor}", ${args}) { nodes { slug } } }`)).errors?.[0]?.extensions
        .code;

    expect(await codeAfter("first: 1")).toBeUndefined();
    expect(await codeAfter("orderBy: NAME_ASC")).toBeUndefined();
    expect(await codeAfter("orderBy: NAME_DESC")).toBe("BAD_USER_INPUT");
    expect(await codeAfter('filter: { search: "w" }')).toBe("BAD_USER_INPUT");
    expect(await codeAfter("filter: { status: [ACTIVE] }")).toBe("BAD_USER_INPUT");
    expect(await codeAfter(`filter: { parentId: "${mill.id("Organization", "east")}" }`)).toBe("BAD_USER_INPUT");
  });
});

describe("Viewer.organizations", () => {
  it("shows those in which the viewer holds its own permission and that of the filter", async () => {
    const both = async (permission: string, other: string) => {
      const args = `permission: "${permission}", filter: { permission: "${other}" }`;
      return slugs(
        (await mill.as("ella").get(`{ viewer { organizations(${args}) { nodes { slug } } } }`)).viewer.organizations,
      );
    };

    expect(await both("organizations:read", "organizations:read")).toEqual(["east-2", "east-1", "bench", "east"]);
    expect(await both("organizations:read", "members:read")).toEqual(["east-1"]);
    expect(await both("members:read", "organizations:delete")).toEqual([]);
  });
});

describe("Organization.children", () => {
  const children = async (who: string, slug: string, args: string) => {
    const document = `{ organization(by: { slug: "${slug}" }) { children${args} { nodes { slug } } } }`;
    return slugs((await mill.as(who).get(document)).organization.children);
  };

  it("lists what is right below, with filter and order", async () => {
    expect(await children("olga", "mill", "")).toEqual(["west", "100-percent", "east"]);
    expect(await children("olga", "mill", "(orderBy: CREATED_AT_DESC)")).toEqual(["100-percent", "west", "east"]);
    expect(await children("olga", "mill", '(filter: { search: "ÖST" })')).toEqual(["east"]);
    expect(await children("ella", "east", '(filter: { permission: "members:read" })')).toEqual(["east-1"]);
    expect(await children("olga", "west", "(filter: { status: [ACTIVE] })")).toEqual([]);
  });

  it("takes the parent of a filter as one condition more", async () => {
    expect(await children("olga", "mill", `(filter: { parentId: "${mill.id("Organization", "mill")}" })`)).toHaveLength(
      3,
    );
    expect(await children("olga", "mill", `(filter: { parentId: "${mill.id("Organization", "east")}" })`)).toEqual([]);
  });
});

describe("Organization.descendants", () => {
  const below = async (who: string, slug: string, args: string) => {
    const document = `{ organization(by: { slug: "${slug}" }) { descendants${args} { nodes { slug } pageInfo { hasNextPage endCursor } } } }`;
    return (await mill.as(who).get(document)).organization.descendants;
  };

  it("lists all that is below, by name, down to a depth", async () => {
    expect(slugs(await below("olga", "mill", ""))).toEqual(BY_NAME.filter((slug) => slug !== "mill"));
    expect(slugs(await below("olga", "mill", "(maxDepth: 1)"))).toEqual(["west", "100-percent", "east"]);
    expect(slugs(await below("olga", "mill", "(maxDepth: 2)"))).not.toContain("bench");
    expect(slugs(await below("ella", "east", ""))).toEqual(["east-2", "east-1", "bench"]);
    expect(slugs(await below("olga", "bench", ""))).toEqual([]);
  });

  it("goes on after a cursor, which fits the same depth only", async () => {
    const first = await below("olga", "mill", "(maxDepth: 2, first: 4)");
    expect(first.pageInfo.hasNextPage).toBe(true);

    const rest = await below("olga", "mill", `(maxDepth: 2, after: "${first.pageInfo.endCursor}")`);
    expect([...slugs(first)!, ...slugs(rest)!]).toEqual(BY_NAME.filter((slug) => slug !== "mill" && slug !== "bench"));

    await expect(below("olga", "mill", `(after: "${first.pageInfo.endCursor}")`)).rejects.toThrow("BAD_USER_INPUT");
  });

  it("refuses a depth below one", async () => {
    await expect(below("olga", "mill", "(maxDepth: 0)")).rejects.toThrow("BAD_USER_INPUT");
  });

  it("is for who may read the organization itself", async () => {
    await sql("delete from grants where membership_id = $1", [mill.memberships["bert@east-1"]]);
    const { data, errors } = await mill
      .as("bert")
      .ask('{ organization(by: { slug: "east-1" }) { slug descendants { nodes { slug } } } }');

    expect(data.organization).toEqual({ slug: "east-1", descendants: null });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "FORBIDDEN", permission: "organizations:read" });
  });
});

describe("the number of statements", () => {
  it("is one for a level, whatever the number of parents and of filters", async () => {
    const olga = mill.as("olga");
    const document = (aliases: number) =>
      `{ organizations { nodes { ${Array.from(
        { length: aliases },
        (
          _,
          n,
        ) => `a${n}: children(first: ${n + 1}, filter: { search: "${"abcdefgh"[n % 8]}", status: [ACTIVE] }) { nodes { slug } }
                   d${n}: descendants(maxDepth: ${n + 1}) { nodes { slug } }`,
      ).join(" ")} } } }`;

    const counts = [];
    for (const aliases of [1, 20]) {
      const statements = await gateway.database.statements(() => olga.get(document(aliases)));
      counts.push(ofData(statements).length);
    }

    expect(counts).toEqual([3, 3]);
  });
});

describe("a filter", () => {
  // What the list shows, thought of as simply as can be, over all rows.
  const words = (text: string) =>
    [...text].flatMap((_, at) => (at === 0 || /[^a-z0-9\u0080-\uffff]/i.test(text[at - 1]!) ? [text.slice(at)] : []));
  const begins = (text: string, search: string) =>
    words(text).some((word) => word.toLowerCase().startsWith(search.trim().toLowerCase()));

  it("shows what a look at every row finds", async () => {
    const olga = mill.as("olga");
    const all = (await olga.get("{ organizations { nodes { id slug name status parent { id } viewerPermissions } } }"))
      .organizations.nodes as {
      id: string;
      slug: string;
      name: string;
      status: string;
      parent: { id: string } | null;
      viewerPermissions: string[];
    }[];
    const fragment = fc
      .constantFrom(...all.flatMap(({ name, slug }) => [...words(name), ...words(slug)]))
      .chain((word) => fc.integer({ min: 1, max: 4 }).map((length) => word.slice(0, length)));
    const filter = fc.record(
      {
        search: fc.oneof(
          fragment,
          fragment.map((text) => text.toUpperCase()),
          fc.string({ maxLength: 2 }).filter((text) => !text.includes("\0")),
        ),
        status: fc.subarray(["ACTIVE", "SUSPENDED", "ARCHIVED"]),
        parentId: fc.constantFrom(...all.map(({ id }) => id)),
        permission: fc.constantFrom("members:read", "invoices:approve"),
      },
      { requiredKeys: [] },
    );

    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const { organizations } = await olga.get(
          "query($filter: OrganizationFilter) { organizations(filter: $filter) { nodes { slug } } }",
          { filter: wanted },
        );

        const expected = all.filter(
          ({ name, slug, status, parent, viewerPermissions }) =>
            (!wanted.search?.trim() || begins(name, wanted.search) || begins(slug, wanted.search)) &&
            (!wanted.status || wanted.status.includes(status)) &&
            (!wanted.parentId || parent?.id === wanted.parentId) &&
            (!wanted.permission || viewerPermissions.includes(wanted.permission)),
        );
        expect(slugs(organizations)).toEqual(expected.map(({ slug }) => slug));
      }),
      { numRuns: 150 },
    );
  });
});
