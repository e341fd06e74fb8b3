import { openGateway, type TestGateway } from "../support/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

/** Statements of the data, without what every session costs: prefix, access and end. */
const ofData = (statements: string[]) =>
  statements.filter(
    (text) => !/^(begin|select set_config|select pg_advisory|with clock|commit|rollback|select t\.id)/.test(text),
  );

describe("the number of statements", () => {
  it("is three for a switcher", async () => {
    const ada = gateway.as("dan@contractor.test", "northwind");
    const document = "{ viewer { memberships { nodes { organization { name memberCount } roles { key } } } } }";
    await ada.get(document);

    const statements = await gateway.database.statements(() => ada.get(document));

    expect(ofData(statements)).toHaveLength(3);
  });
});
