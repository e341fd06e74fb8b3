import { openGateway, type TestGateway } from "../support/gateway.js";
import { ownerInHome } from "../support/home.js";
import { type Planted, world } from "../support/world.js";

// The end of a query travels with the last statement that it took before. These take more the next time.
let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { oslo: {} } } },
      people: { olga: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }], mia: [{ at: "oslo", roles: ["member"] }] },
    },
  }));
});
afterAll(() => gateway.close());

const begun = (statements: readonly string[]) => statements.filter((text) => text.startsWith("begin")).length;

describe("a document that takes more statements than it took before", () => {
  const BY_VARIABLE = `query ($more: Boolean!) { viewer { user { displayName }
    memberships(first: 5) @include(if: $more) { nodes { organization { memberships(first: 5) { nodes { user { displayName } } } } } } } }`;

  it("answers the same as one that is asked for the first time, and the next time at once", async () => {
    const olga = acme.as("olga");
    const fresh = await olga.get(`${BY_VARIABLE} # fresh`, { more: true });
    await olga.get(BY_VARIABLE, { more: false });

    const again = await gateway.database.statements(async () => {
      expect(await olga.get(BY_VARIABLE, { more: true })).toEqual(fresh);
    });
    const next = await gateway.database.statements(async () => {
      expect(await olga.get(BY_VARIABLE, { more: true })).toEqual(fresh);
    });
    const less = await gateway.database.statements(() => olga.get(BY_VARIABLE, { more: false }));

    expect([begun(again), begun(next), begun(less)]).toEqual([2, 1, 1]);
  });

  it("answers so to a viewer for whom there is more to read", async () => {
    // Mia does not see what is above her.
    const document = `{ organization(by: { slug: "acme" }) { name memberships(first: 5) { nodes { user { displayName } } } } }`;
    const fresh = await acme.as("olga").get(`${document} # fresh`);
    await acme.as("mia").get(document);

    const again = await gateway.database.statements(async () => {
      expect(await acme.as("olga").get(document)).toEqual(fresh);
    });

    expect(begun(again)).toBe(2);
  });

  it("tells of its errors as it does when it is asked for the first time", async () => {
    const document =
      "query ($slug: String!) { organization(by: { slug: $slug }) { name domains { domain } memberships(first: 2) { nodes { id } } } }";
    const told = async (person: string, slug: string, text = document) => {
      const { data, errors } = await acme.as(person).ask(text, { slug });
      return { data, errors };
    };
    await told("mia", "nowhere");

    let denied: Awaited<ReturnType<typeof told>> | undefined;
    const again = await gateway.database.statements(async () => {
      denied = await told("mia", "oslo");
    });

    expect(begun(again)).toBe(2);
    expect(denied?.errors).toMatchObject([{ path: ["organization", "domains"], extensions: { code: "FORBIDDEN" } }]);
    expect(denied).toEqual(await told("mia", "oslo", `${document} # fresh`));
  });

  it("tells that time was up, where it was before the last of what was expected had come", async () => {
    // Less than anybody waits for a lock.
    const hasty = await openGateway({ requestTimeoutMs: 1500 });
    const { orchard } = await world(hasty, {
      orchard: { tree: { orchard: {} }, people: { olga: [{ at: "orchard", roles: ["owner"] }] } },
    });
    const olga = orchard.as("olga");
    const document = `query ($more: Boolean!) { organization(by: { slug: "orchard" }) {
      invitations(first: 1) { nodes { id } } joinRequests(first: 1) @include(if: $more) { nodes { id } } } }`;
    await olga.get(document, { more: false });

    const answer = await ownerInHome(hasty, "orchard", async (owner) => {
      await owner("begin");
      await owner("lock table invitations, join_requests in access exclusive mode");
      try {
        return await olga.ask(document, { more: true });
      } finally {
        await owner("rollback");
      }
    });

    expect(answer.errors).toMatchObject([{ extensions: { code: "UNAVAILABLE" } }]);
    expect(answer.errors?.[0]).not.toHaveProperty("path");
    expect(hasty.log()).not.toContain("LeaseOverError");
    await hasty.close();
  });
});
