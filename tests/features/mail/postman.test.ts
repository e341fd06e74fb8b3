import { smtp } from "../../../src/commands/work/smtp.js";
import { invitationStands } from "../../../src/features/invitations/stands.js";
import { Postman, type PostmanOptions } from "../../../src/features/mail/postman.js";
import { INVITATIONS_KEY, InvitationTokens } from "../../../src/identity/invitationToken.js";
import { deriveKey, loadKey } from "../../../src/identity/key.js";
import type { TenantId } from "../../../src/ids.js";
import { Directory } from "../../../src/tenancy/directory/directory.js";
import { DueMail } from "../../../src/tenancy/directory/dueMail.js";
import { MAIL_KEY, Seal } from "../../../src/tenancy/seal.js";
import { change } from "../../support/change.js";
import { run } from "../../support/command.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { ownerInHome } from "../../support/home.js";
import { lettersOf } from "../../support/letters.js";
import { openPeople, type People } from "../../support/people.js";
import { owningSettings } from "../../support/settings.js";
import { openSmtp, type SmtpServer } from "../../support/smtp.js";
import { until } from "../../support/until.js";
import { type Planted, world } from "../../support/world.js";

const FROM = "no-reply@tenantry.test";
const INVITATION_URL = "https://app.test/join#{token}";

let people: People;
let gateway: TestGateway;
let acme: Planted;
let globex: Planted;
let server: SmtpServer;
let seal: Seal;
let tokens: InvitationTokens;
beforeAll(async () => {
  people = await openPeople();
  gateway = await openGateway({ verifier: people.verifier });
  server = await openSmtp();
  const key = await loadKey({ dataDir: FOLDER });
  seal = new Seal(deriveKey(key, MAIL_KEY));
  tokens = new InvitationTokens(deriveKey(key, INVITATIONS_KEY));
  ({ acme, globex } = await world(gateway, {
    acme: { tree: { acme: {} }, people: { ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }] } },
    globex: { tree: { globex: {} }, people: { ada: [{ at: "globex", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
});
beforeEach(async () => {
  await home("delete from outbox");
  await directory("delete from tenantry.due_mail");
  server.received.length = 0;
  server.answer = () => null;
  server.answerToSender = () => null;
});
afterAll(async () => {
  await server.close();
  await gateway.close();
  await people.close();
});

const home = (text: string, params: readonly unknown[] = []) =>
  ownerInHome(gateway, "acme", (sql) => sql(text, params));
const directory = (text: string, params: string[] = []) => gateway.database.owner(text, params);
const isAnnounced = async () => (await directory("select from tenantry.due_mail")).length > 0;

const inviteTo = async (tenant: Planted, ...names: string[]): Promise<string[]> => {
  const invitations = names.map((name) => ({ email: `${name}@people.test`, grants: [{ role: { key: "guest" } }] }));
  const input = { organizationId: tenant.id("Organization", tenant.slug), invitations };
  const { outcomes } = await change(tenant.as("ada"), "inviteMembers", input, "outcomes { invitation { id } }");
  await until(async () => (await directory(OF, [tenant.tenantId])).length > 0);
  return outcomes.map(({ invitation }: { invitation: { id: string } }) => invitation.id);
};
const OF = "select from tenantry.due_mail where tenant_id = $1 and due_at <= now()";
const invite = (...names: string[]) => inviteTo(acme, ...names);

interface Told {
  readonly outcome: string;
  readonly fault: unknown;
}

function postman(options: Partial<PostmanOptions> = {}) {
  const told: Told[] = [];
  const own = new Postman({
    serve: gateway.serve,
    directory: new Directory(gateway.door),
    due: new DueMail(gateway.door),
    seal,
    letters: { invitationUrl: INVITATION_URL },
    stands: invitationStands(tokens),
    send: smtp(server.url, FROM),
    onEnd: (_id, outcome, fault) => void told.push({ outcome, fault }),
    ...options,
  });
  const all = async () => {
    while (await own.next());
    return told.splice(0).map(({ outcome }) => outcome);
  };
  return { all, next: () => own.next() };
}

/** Time goes by: what waits for another try is due. */
const wait = async () => {
  await home("update outbox set due_at = now() - interval '1 s' where ended_at is null");
  await directory("update tenantry.due_mail set due_at = now() - interval '1 s'");
};
const outbox = () =>
  home("select sealed is not null as sealed, attempts, ended_at is not null as ended, outcome from outbox order by id");

describe("Postman", () => {
  it("sends what was written, once, and keeps no word of it", async () => {
    await invite("eve");
    const [letter] = await lettersOf(gateway.database, acme);

    expect(await postman().all()).toEqual(["SENT"]);

    expect(server.received).toHaveLength(1);
    const [mail] = server.received;
    expect(mail).toMatchObject({ from: FROM, to: "eve@people.test" });
    expect(mail!.headers).toMatchObject({
      from: FROM,
      to: "eve@people.test",
      subject: "ada invites you to acme",
      "auto-submitted": "auto-generated",
      "message-id": expect.stringMatching(/^<[0-9a-f-]{36}@tenantry\.test>$/),
    });
    expect(mail!.text).toContain(`https://app.test/join#${letter!.token}`);
    expect(await outbox()).toEqual([{ sealed: false, attempts: 1, ended: true, outcome: "SENT" }]);
    await wait();
    expect(await postman().all()).toEqual([]);
    expect(await isAnnounced()).toBe(false);
  });

  it("has no name in its subject that whoever reads it would decode", async () => {
    await home("update users set display_name = '=?utf-8?B?VGVuYW50cnkKCg==?='");
    await invite("eve");
    await home("update users set display_name = 'ada'");

    await postman().all();

    expect(server.received[0]!.headers.subject).toBe("= ?utf-8?B?VGVuYW50cnkKCg== ?= invites you to acme");
  });

  it("sends nothing that was not committed, and is told of nothing", async () => {
    const input = {
      organizationId: acme.id("Organization", "acme"),
      email: "no@people.test",
      grants: [{ role: { key: "no" } }],
    };

    await change(acme.as("ada"), "inviteMember", input, "__typename");

    expect(await isAnnounced()).toBe(false);
    expect(await outbox()).toEqual([]);
  });

  it("tries again later, under the same id, where the server would not take it now", async () => {
    await invite("later");
    server.answer = () => "451 not now";

    expect(await postman().all()).toEqual(["Try 1 failed."]);
    const [row] = await home(
      "select due_at > now() + interval '50 s' as later, due_at < now() + interval '2 min' as soon from outbox",
    );
    expect(row).toEqual({ later: true, soon: true });
    expect(await postman().all()).toEqual([]);
    await wait();
    expect(await postman().all()).toEqual(["Try 2 failed."]);
    server.answer = () => null;
    await wait();

    expect(await postman().all()).toEqual(["SENT"]);
    expect(await outbox()).toEqual([{ sealed: false, attempts: 3, ended: true, outcome: "SENT" }]);
  });

  it("sends a letter again of which nobody said that it was taken, so that it can be known again", async () => {
    await invite("twice");
    let isDropped = true;
    const letters: string[] = [];
    const send: PostmanOptions["send"] = async (letter, id) => {
      letters.push(id);
      return smtp(server.url, FROM)(letter, id);
    };
    server.answer = () => (isDropped ? "drop" : null);

    expect(await postman({ send }).all()).toEqual(["Try 1 failed."]);
    isDropped = false;
    await wait();
    expect(await postman({ send }).all()).toEqual(["SENT"]);
    expect(new Set(letters).size).toBe(1);
    expect(letters).toHaveLength(2);
  });

  it("does not offer again what the server refuses for good, and sends the rest", async () => {
    await invite("bad", "good");
    server.answer = (to) => (to.startsWith("bad") ? "550 5.1.1 nobody of that name" : null);

    expect((await postman().all()).sort()).toEqual(["SENT", "The mail server refused it."]);
    expect(server.received.map(({ to }) => to)).toEqual(["good@people.test"]);
    await wait();
    expect(await postman().all()).toEqual([]);
  });

  it.each([
    ["530 5.7.0 Authentication required", "answerToSender"],
    ["553 5.7.1 Sender address rejected", "answerToSender"],
    ["550 5.7.1 no", "answerToSender"],
    // As servers do that wait for the recipient before they refuse anything.
    ["554 5.7.1 Relay access denied", "answer"],
    ["553 5.7.1 Sender address rejected: not owned by user", "answer"],
    ["550 5.1.8 Bad sender", "answer"],
    ["550 relaying denied", "answer"],
  ] as const)(
    "tries again later where the server refuses who sends, by whatever settings: %s as its %s",
    async (answer, to) => {
      await invite("one", "two");
      server[to] = () => answer;

      expect(await postman().all()).toEqual(["Try 1 failed.", "Try 1 failed."]);
      server[to] = () => null;
      await wait();
      expect(await postman().all()).toEqual(["SENT", "SENT"]);
    },
  );

  it("tries again later, and warns, where it was sealed with another key than this worker's", async () => {
    await invite("strange");
    const faults: unknown[] = [];
    const wrong = postman({
      seal: new Seal(Buffer.alloc(32)),
      onEnd: (_id, outcome, fault) => void faults.push([outcome, (fault as Error).message]),
    });

    await wrong.next();

    expect(faults).toEqual([["Try 1 failed.", expect.stringContaining("another TENANTRY_KEY")]]);
    expect(server.received).toEqual([]);
    await wait();
    expect(await postman().all()).toEqual(["SENT"]);
  });

  it("gives up after twelve tries", async () => {
    await invite("never");
    server.answer = () => "451 not now";
    await home("update outbox set attempts = 11");

    expect(await postman().all()).toEqual(["Given up after 12 tries."]);
    expect(await outbox()).toEqual([expect.objectContaining({ sealed: false, ended: true })]);
  });

  it("sends no invitation that has come to its end meanwhile", async () => {
    await invite("stale");
    const input = {
      organizationId: acme.id("Organization", "acme"),
      email: "stale@people.test",
      grants: [],
      expiresAt: new Date(Date.now() + 300).toISOString(),
    };
    await home("delete from outbox");
    await change(acme.as("ada"), "inviteMember", input, "__typename");
    await until(async () => Date.now() > Date.parse(input.expiresAt));

    expect(await postman().all()).toEqual(["What it is about had come to its end."]);
    expect(server.received).toEqual([]);
  });

  const inMyName = (name: string, input: object) => change(acme.as("ada"), name, input, "__typename");
  it.each<[string, (invitationId: string) => Promise<unknown>, string[]]>([
    ["withdrawn", (invitationId) => inMyName("withdrawInvitation", { invitationId }), []],
    ["sent again by another link", (invitationId) => inMyName("resendInvitation", { invitationId }), ["SENT"]],
    ["replaced by another one", () => invite("eve"), ["SENT"]],
    [
      "declined",
      async () => {
        const eve = gateway.withToken(await people.tokenOf("eve"), "acme");
        return change(
          eve,
          "declineInvitation",
          { token: (await lettersOf(gateway.database, acme))[0]!.token },
          "__typename",
        );
      },
      [],
    ],
    [
      "removed for good",
      async () => {
        await home("delete from offered_grants");
        await home("delete from invitations where status = 'OPEN'");
      },
      [],
    ],
  ])("sends no letter of an invitation that was %s meanwhile, and only the newest link", async (_what, end, more) => {
    const [invitationId] = await invite("eve");
    await end(invitationId!);
    const newest = (await lettersOf(gateway.database, acme)).at(-1)!.token;
    await wait();

    expect(await postman().all()).toEqual(["What it is about had come to its end.", ...more]);

    expect(server.received.map(({ text }) => text.includes(newest))).toEqual(more.map(() => true));
    expect(await outbox()).toEqual(expect.not.arrayContaining([expect.objectContaining({ sealed: true })]));
  });

  it("sends first what was written first", async () => {
    await invite("one");
    await invite("two", "three");
    await home("update outbox set outcome = '' where id = (select min(id::text)::uuid from outbox)");

    await postman().all();

    expect(server.received[0]!.to).toBe("one@people.test");
  });

  it("lets tenants take turns, however much one of them has to send", async () => {
    await invite(...Array.from({ length: 30 }, (_, n) => `many${n}`));
    await inviteTo(globex, "lone");

    expect(await postman().all()).toHaveLength(31);

    expect(server.received.findIndex(({ to }) => to === "lone@people.test")).toBeLessThan(20);
  });

  it.each([
    ["ahead", 30 * 86_400_000],
    ["behind", -86_400_000],
  ])("goes by the clocks of the databases, where that of the worker is %s", async (_how, ms) => {
    await invite("clock");
    const { now } = Date;
    Date.now = () => now() + ms;
    try {
      await home("update tenant set status = 'FENCED'");
      expect(await postman().all()).toEqual([]);
      const soon = "due_at between now() + interval '1 s' and now() + interval '1 min' as soon";
      expect(await directory(`select ${soon} from tenantry.due_mail`)).toEqual([{ soon: true }]);
      await home("update tenant set status = 'ACTIVE'");
      await wait();

      expect(await postman().all()).toEqual(["SENT"]);
    } finally {
      Date.now = now;
    }
  });

  it("shares the work with others, each letter being sent by one", async () => {
    await invite(...Array.from({ length: 40 }, (_, n) => `p${n}`));
    await wait();

    const many = Array.from({ length: 4 }, () => postman());
    const told = await Promise.all(many.map((one) => one.all()));
    await wait();
    told.push(await postman().all());

    expect(told.flat()).toEqual(Array(40).fill("SENT"));
    expect(new Set(server.received.map(({ to }) => to)).size).toBe(40);
    expect(server.received).toHaveLength(40);
  });

  it("finds what nobody was told of, also where another letter of the tenant waits for its next try", async () => {
    await invite("later");
    server.answer = () => "451 not now";
    expect(await postman().all()).toEqual(["Try 1 failed."]);
    server.answer = () => null;
    await invite("lost");
    await directory("update tenantry.due_mail set due_at = now() + interval '1 min'");

    await new DueMail(gateway.door).takeNothingForGranted();

    expect(await postman().all()).toEqual(["SENT"]);
    expect(server.received.map(({ to }) => to)).toEqual(["lost@people.test"]);
  });

  it("goes on with what another left when it died, once its time is up", async () => {
    await invite("left");
    const dying = postman({
      send: async () => {
        throw new Error("killed");
      },
      onEnd: () => {
        throw new Error("killed");
      },
    });
    await expect(dying.next()).rejects.toThrow("killed");
    await home("update outbox set attempts = 1, due_at = now() + interval '15 min', outcome = null");
    await directory("delete from tenantry.due_mail");

    await new DueMail(gateway.door).takeNothingForGranted();
    expect(await postman().all()).toEqual([]);
    await wait();

    expect(await postman().all()).toEqual(["SENT"]);
  });

  it("writes down that a letter was sent where the tenant lives by then, when it is moved meanwhile, and sends the rest from there", async () => {
    await invite("before", "behind");
    const send: PostmanOptions["send"] = async (letter, id) => {
      await smtp(server.url, FROM)(letter, id);
      if (server.received.length > 1) return;
      await home("update tenant set epoch = epoch + 1");
      await directory("update tenantry.tenants set epoch = epoch + 1 where slug = 'acme'");
    };

    expect(await postman({ send }).all()).toEqual(["SENT", "SENT"]);

    expect(await outbox()).toEqual(Array(2).fill({ sealed: false, attempts: 1, ended: true, outcome: "SENT" }));
    await wait();
    expect(await postman().all()).toEqual([]);
    expect(server.received).toHaveLength(2);
  });

  it("waits to write it down while the tenant may not be changed", async () => {
    await invite("fenced");
    const send: PostmanOptions["send"] = async (letter, id) => {
      await smtp(server.url, FROM)(letter, id);
      await home("update tenant set status = 'FENCED'");
    };
    /** Looked into when the home has refused, and only then. */
    class Lifting extends Directory {
      override async findById(id: TenantId) {
        await home("update tenant set status = 'ACTIVE'");
        return super.findById(id);
      }
    }

    expect(await postman({ send, directory: new Lifting(gateway.door) }).all()).toEqual(["SENT"]);

    expect(await outbox()).toEqual([{ sealed: false, attempts: 1, ended: true, outcome: "SENT" }]);
  });

  it("says so where it could not be written down for so long, and sends no more of that tenant", async () => {
    await invite("one", "two");
    const told: unknown[] = [];
    const send: PostmanOptions["send"] = async (letter, id) => {
      await smtp(server.url, FROM)(letter, id);
      await home("update tenant set status = 'FENCED'");
    };

    await postman({
      send,
      waitsForHomeMs: 300,
      onEnd: (_id, outcome, fault) => void told.push([outcome, (fault as Error).message]),
    }).next();

    await home("update tenant set status = 'ACTIVE'");
    expect(told).toEqual([["SENT", "What came of it could not be written down: it is tried again."]]);
    expect(server.received).toHaveLength(1);
    await wait();
    expect(await postman().all()).toEqual(["SENT", "SENT"]);
  });

  it("leaves a tenant alone that may not be changed, until it may", async () => {
    await invite("fenced");
    await home("update tenant set status = 'FENCED'");

    expect(await postman().all()).toEqual([]);
    expect(await outbox()).toEqual([expect.objectContaining({ attempts: 0, ended: false })]);
    await home("update tenant set status = 'ACTIVE'");
    await wait();
    expect(await postman().all()).toEqual(["SENT"]);
  });
});

describe("tenantry work", () => {
  const work = async () => {
    const names = Object.keys(gateway.database.databases).filter((name) => name !== "main");
    const env = {
      ...(await owningSettings(gateway.database, ...names)),
      TENANTRY_SMTP_URL: server.url,
      TENANTRY_MAIL_FROM: FROM,
    };
    return run(["work", "--once"], { env });
  };

  it("sends by the mail server that the settings name, with the rights of serving", async () => {
    await invite("worked");

    const { code, stderr } = await work();

    expect([code, server.received.map(({ to }) => to)]).toEqual([0, ["worked@people.test"]]);
    expect(stderr).not.toContain("worked@people.test");
  });

  it.each([
    ["for good", "550 5.1.1", "The mail server refused it.", "The server answered 550."],
    ["for now", "450 4.2.1", "Try 1 failed.", "450"],
  ])("has no address in its log where the server refuses it %s by name", async (_how, answer, outcome, said) => {
    await invite("bob");
    server.answer = (to) => `${answer} <${to}>: Recipient address rejected`;

    const { code, stdout, stderr } = await work();

    expect(code).toBe(0);
    expect(stderr).toContain(outcome);
    expect(stderr).toContain(said);
    expect(stdout + stderr).not.toMatch(/bob|Recipient/);
  });
});
