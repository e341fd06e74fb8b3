import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sendMembers } from "../../../src/commands/csv/members.js";
import { mintToken } from "../../../src/identity/developmentToken.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { openWeb, type Web } from "../../support/web.js";
import { type Planted, world } from "../../support/world.js";

const FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1+1", '=cmd|"/c calc"!A1'];
const PEOPLE = 230;
const END = "2126-01-01T00:00:00.000Z";

let gateway: TestGateway;
let web: Web;
let acme: Planted;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  web = await openWeb(gateway);
  const crowd = Array.from({ length: PEOPLE }, (_, n) => [`p${n}`, [{ at: "big", roles: ["member"] }]]);
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { big: {}, small: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        gus: [{ at: "small", roles: ["admin"], grantsUntil: new Date(END) }],
        nora: [{ at: "small", roles: ["member"], suspended: true }],
        guest: [{ at: "small", roles: ["guest"] }],
        ...Object.fromEntries(crowd),
      },
    },
  }));
  home = homeOf(gateway, "acme");
});
afterAll(async () => {
  await web?.close();
  await gateway?.close();
});

const download = async (who: string | null, query: string, headers: Record<string, string> = {}, method = "GET") =>
  web.send(method, `/members.csv${query}`, {
    ...(who && { authorization: `Bearer ${await mintToken(FOLDER, { email: `${who}@acme.test` })}` }),
    "x-tenant": "acme",
    ...headers,
  });
const linesOf = (body: string) => body.split("\r\n").slice(0, -1);

describe("/members.csv", () => {
  it("answers with every member of an organization, also of one with more than a page of them", async () => {
    const { status, headers, body } = await download("ada", "?organization=big");

    const [head, ...lines] = linesOf(body);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="members-big.csv"',
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(head).toBe(
      "membership_id,user_id,name,email,external_id,organization,status,via,roles,grants,expires_at,created_at",
    );
    expect(new Set(lines.map((line) => line.split(",")[3])).size).toBe(PEOPLE);
    expect(lines).toHaveLength(PEOPLE);
  });

  it("says of each what the list says", async () => {
    const { body } = await download("ada", `?organizationId=${acme.id("Organization", "small")}&orderBy=NAME_ASC`);

    const cells = linesOf(body).map((line) => line.split(","));
    expect(cells.slice(1).map((line) => [line[2], ...line.slice(5, 11)])).toEqual([
      ["guest", "small", "ACTIVE", "DIRECT", "guest", "guest ORGANIZATION", ""],
      ["gus", "small", "ACTIVE", "DIRECT", "admin", `admin ORGANIZATION until ${END}`, ""],
      ["nora", "small", "SUSPENDED", "DIRECT", "member", "member ORGANIZATION", ""],
    ]);
  });

  it("takes the filter of the list, and those who belong from further up", async () => {
    const filter = encodeURIComponent(JSON.stringify({ via: ["INHERITED", "DIRECT"], status: ["ACTIVE"] }));

    const { body } = await download("ada", `?organization=small&filter=${filter}&orderBy=NAME_ASC`);

    expect(linesOf(body).map((line) => line.split(",")[2])).toEqual(["name", "ada", "guest", "gus"]);
  });

  it("lets no cell be a formula, and none leave its place", async () => {
    const shown: string[] = [];
    for (const name of [...FORMULAS, 'a "quoted", name', "two\nlines"]) {
      await home("update users set display_name = $1 where display_name = $2 or id = $3", [
        name,
        name,
        acme.users.nora,
      ]);
      const filter = encodeURIComponent(JSON.stringify({ status: ["SUSPENDED"] }));
      const { body } = await download("ada", `?organization=small&filter=${filter}`);
      shown.push(body.slice(body.indexOf("\r\n") + 2));
    }

    for (const [n, record] of shown.slice(0, FORMULAS.length).entries()) {
      const quoted = FORMULAS[n]!.replaceAll('"', '""');
      expect(record).toContain(`'${quoted}`);
    }
    expect(shown.at(-2)).toContain(',"a ""quoted"", name",');
    expect(shown.at(-1)).toContain(',"two\nlines",');
  });

  it.each([
    ["signed out", null, "?organization=small", 401],
    ["who may not read members there", "guest", "?organization=small", 403],
    ["who does not see it", "guest", "?organization=big", 404],
    ["where there is no such organization", "ada", "?organization=none", 404],
    ["without an organization", "ada", "", 400],
    ["with a filter that is none", "ada", "?organization=small&filter={", 400],
    ["with an order that is none", "ada", "?organization=small&orderBy=LUCK", 400],
  ])("answers no list %s", async (_what, who, query, status) => {
    const answer = await download(who, query);

    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toContain("json");
    expect(answer.body).not.toContain("@acme.test");
  });

  it("refuses a page of another origin, and anything but GET", async () => {
    expect((await download("ada", "?organization=small", { origin: "https://evil.example" })).status).toBe(403);
    expect((await download("ada", "?organization=small", {}, "POST")).status).toBe(405);
  });

  it("breaks off where the right to read on is withdrawn meanwhile, so that no half looks whole", async () => {
    let asked = 0;
    const fetch = async (url: string, init: object) => {
      if (++asked === 2) await home("update grants set role_key = 'guest' where id = $1", [acme.grants["ada@acme"]]);
      return gateway.yoga.fetch(url, init);
    };
    const yoga = Object.assign(Object.create(gateway.yoga), { fetch }) as never;
    const other = await openWeb({ ...gateway, yoga });
    const token = await mintToken(FOLDER, { email: "ada@acme.test" });

    const broken = other.send("GET", "/members.csv?organization=big", {
      authorization: `Bearer ${token}`,
      "x-tenant": "acme",
    });

    await expect(broken).rejects.toThrow();
    await home("update grants set role_key = 'owner' where id = $1", [acme.grants["ada@acme"]]);
    await other.close();
  });

  it("waits for a caller that reads slowly after each page, and leaves nothing that waits behind", async () => {
    const waiting: number[] = [];
    let answer: ServerResponse;
    const fetch = async (url: string, init: object) => {
      waiting.push(answer.eventNames().reduce((sum, name) => sum + answer.listenerCount(name), 0));
      return gateway.yoga.fetch(url, init);
    };
    const yoga = Object.assign(Object.create(gateway.yoga), { fetch }) as never;
    // Whatever is written has to be waited for.
    const server = createServer({ highWaterMark: 1 }, (request, response) => {
      answer = response;
      void sendMembers({ ...gateway, yoga }, request, response);
    });
    await new Promise<void>((listening) => server.listen({ host: "127.0.0.1", port: 0 }, listening));
    const token = await mintToken(FOLDER, { email: "ada@acme.test" });

    const { port } = server.address() as AddressInfo;
    const body = await globalThis.fetch(`http://127.0.0.1:${port}/members.csv?organization=big`, {
      headers: { authorization: `Bearer ${token}`, "x-tenant": "acme" },
    });

    expect(linesOf(await body.text())).toHaveLength(1 + PEOPLE);
    expect(waiting).toEqual(Array(3).fill(waiting[0]));
    await new Promise((closed) => server.close(closed));
  });
});
