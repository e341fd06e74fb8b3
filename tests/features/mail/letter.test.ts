import { toLetter } from "../../../src/features/mail/letter.js";
import type { Mail } from "../../../src/features/mail/mail.js";

const MAIL: Mail = {
  kind: "INVITATION",
  to: "eve@people.test",
  organization: "North",
  from: "Ada",
  token: "TOKEN",
  expiresAt: "2030-01-02T03:04:05.678Z",
};

describe("toLetter", () => {
  it("says who invites, where, how to accept and until when", () => {
    const { to, subject, text } = toLetter(MAIL, { invitationUrl: "https://app.test/join#{token}" });

    expect([to, subject]).toEqual(["eve@people.test", "Ada invites you to North"]);
    expect(text).toContain("\nhttps://app.test/join#TOKEN\n");
    expect(text).toContain("until 2030-01-02 03:04 UTC");
  });

  it("holds the token alone where nobody said on which page it is accepted", () => {
    expect(toLetter(MAIL, { invitationUrl: null }).text).toContain("with this code:\n\nTOKEN\n");
  });

  it.each([
    ["a line break", "A\r\nBcc: all@people.test", "A Bcc: all@people.test"],
    ["what turns the direction of writing", "A\u202Etxt.exe", "A txt.exe"],
    ["what nobody sees", "A\u0000\u200BB", "A B"],
    ["what is an encoded word", "=?utf-8?B?QQpC?=", "= ?utf-8?B?QQpC?="],
    ["more than a line has room for", "x".repeat(101), `${"x".repeat(100)}…`],
  ])("writes a name with %s in one line", (_what, name, line) => {
    const { subject, text } = toLetter({ ...MAIL, from: name }, { invitationUrl: null });

    expect(subject).toBe(`${line} invites you to North`);
    expect(text.split("\n")[0]).toBe(`${line} invites you to North.`);
  });
});
