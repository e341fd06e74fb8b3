import { serverAudits } from "graphql-http";
import { type ListeningGateway, listenGateway } from "../support/listening.js";

let gateway: ListeningGateway;
beforeAll(async () => {
  gateway = await listenGateway();
});
afterAll(() => gateway.close());

describe("GraphQL over HTTP", () => {
  const audits = serverAudits({ url: () => gateway.url });

  it("is audited in 61 ways", () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map((audit) => [audit.name, audit] as const))("%s", async (_name, audit) => {
    expect(await audit.fn()).toEqual({ id: audit.id, name: audit.name, status: "ok" });
  });
});
