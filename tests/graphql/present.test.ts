import { DrizzleQueryError } from "drizzle-orm/errors";
import { ConnectionLostError } from "../../src/database/errors.js";
import { describeFault } from "../../src/graphql/present.js";

describe("describeFault", () => {
  const STATEMENT = "insert into users (email)\n    at values ($1)";
  const wrapped = (cause: Error) => new DrizzleQueryError(STATEMENT, ["eve@people.test\n    at home"], cause);

  it("says what the driver threw, and nothing of the statement or its values", () => {
    const lost = wrapped(new ConnectionLostError("The session was lost."));

    const described = describeFault(new Error("It failed.", { cause: lost }));

    expect(described).toMatchObject({
      name: "Error",
      message: "It failed.",
      cause: { name: "ConnectionLostError", message: "The session was lost." },
    });
    for (const one of [described, describeFault(lost)])
      expect(JSON.stringify(one)).not.toMatch(/users|values|eve@|at home/);
  });

  it("keeps where it was thrown, and of what PostgreSQL says only the state and the constraint", () => {
    const answer = { severity: "ERROR", code: "23505", constraint_name: "users_email_key" };
    const refused = wrapped(Object.assign(new Error("Key (email)=(eve@people.test) exists."), answer));

    const described = describeFault(refused);

    expect(described).toEqual({
      name: "Error",
      sqlState: "23505",
      constraint: "users_email_key",
      at: expect.arrayContaining([expect.stringContaining("present.test")]),
    });
    expect(JSON.stringify(described)).not.toContain("eve@");
  });
});
