import { DrizzleQueryError } from "drizzle-orm/errors";
import {
  AnswerLostError,
  ConnectionLostError,
  isAway,
  isPassing,
  OutcomeUnknownError,
  UnavailableError,
} from "../../src/database/errors.js";

const wrapped = (cause: Error) => new DrizzleQueryError("insert into t values ($1)", ["secret"], cause);

describe("isAway", () => {
  it.each([
    ["a lost connection", new ConnectionLostError("The session was lost."), true],
    ["a database that does not answer", new UnavailableError("The database does not answer."), true],
    ["an end by the server", Object.assign(new Error("bye"), { severity: "FATAL", code: "57P01" }), true],
    ["a full disk", Object.assign(new Error("full"), { severity: "ERROR", code: "53100" }), true],
    ["a server without memory", Object.assign(new Error("full"), { severity: "ERROR", code: "53200" }), true],
    [
      "a change where only reading was wished",
      Object.assign(new Error("no"), { severity: "ERROR", code: "25006" }),
      false,
    ],
    ["a statement's own fault", Object.assign(new Error("no"), { severity: "ERROR", code: "22012" }), false],
  ])("knows %s, also as drizzle throws it", (_what, error, expected) => {
    expect([isAway(error), isAway(wrapped(error))]).toEqual([expected, expected]);
  });

  it("does not take a change that may have been made for one that was not", () => {
    const lost = new ConnectionLostError("The session was lost.");
    const said = (code: string) => Object.assign(new Error("no"), { severity: "FATAL", code });
    const starting = new UnavailableError("The database does not answer.", 1, { cause: said("57P03") });

    for (const cause of [lost, starting, said("57P01"), said("40001")]) {
      const unknown = new OutcomeUnknownError("It may have been made.", { cause });
      const answer = new AnswerLostError(cause);
      for (const error of [unknown, answer, wrapped(unknown)])
        expect([isAway(error), isPassing(error)]).toEqual([false, false]);
    }
  });
});
