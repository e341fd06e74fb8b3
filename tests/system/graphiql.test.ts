import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContext, chromium, type Page, type Request } from "playwright-core";
import { type Installation, startInstallation } from "../support/installation.js";

const BROWSER = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
const TOKEN = /\beyJ[\w-]{10,}|bearer/i;

let tenantry: Installation;
let browser: Browser;
let profile: Profile;

beforeAll(async () => {
  [tenantry, browser] = await Promise.all([startInstallation(), chromium.launch(BROWSER)]);
});
afterAll(async () => {
  await browser?.close();
  await tenantry?.stop();
});
beforeEach(async () => {
  profile = await openProfile();
});
afterEach(() => profile.context.close());

/** A browser that was never here, and everything that went wrong in it. */
interface Profile {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Addresses that were asked for, those inside the page apart. */
  readonly requests: string[];
  /** Errors of the console, violations of the page's policy among them, and exceptions. */
  readonly problems: string[];
}

async function openProfile(): Promise<Profile> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 } });
  // The page is 9 MB of script: on a busy machine one visit has taken 15 s.
  context.setDefaultTimeout(100_000);
  const [requests, problems]: [string[], string[]] = [[], []];
  context.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url())) requests.push(request.url());
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  context.on("weberror", (error) => problems.push(error.error().message));
  return { context, page: await context.newPage(), requests, problems };
}

const graphiql = (from = tenantry): string => `${from.url}/graphql`;
const choose = (page: Page, tenant: string, name: string) =>
  page.locator("fieldset", { hasText: tenant }).locator("label", { hasText: name }).click();

/** Clicks on Run, and waits for the answer to it. */
async function run(page: Page) {
  const answered = page.waitForResponse(
    async (response) =>
      response.request().method() === "POST" && !response.request().postData()?.includes("IntrospectionQuery"),
  );
  await page.getByRole("button", { name: /execute query/i }).click();
  return (await answered).json();
}

/** For a tab that was opened just now: GraphiQL goes by the operation of the one before for a moment, and asks nothing. */
async function runUntilAsked(page: Page, operation: string) {
  const isIt = new RegExp(`(query|mutation) ${operation}\\b`);
  const answered = page.waitForResponse((response) => isIt.test(response.request().postData() ?? ""));
  let answer: Awaited<typeof answered> | undefined;
  while (!answer) {
    await page.getByRole("button", { name: "Execute query" }).click();
    answer = await Promise.race([answered, page.waitForTimeout(2000).then(() => undefined)]);
  }
  return answer.json();
}

/** What the reader sees of the answer. */
const shown = (page: Page, text: string) => page.locator(".result-window", { hasText: text }).waitFor();

/** The types of the schema that the page asked for while `work` ran. */
async function schemaTypes(page: Page, work: () => Promise<unknown>): Promise<string[]> {
  const asked = page.waitForResponse(
    (response) => response.request().postData()?.includes("IntrospectionQuery") ?? false,
  );
  await work();
  const { data } = await (await asked).json();
  return data.__schema.types.map(({ name }: { name: string }) => name);
}

describe("GraphiQL", () => {
  it("answers the first click on Run in a fresh profile, and again after a reload", async () => {
    const { page } = profile;

    await page.goto(graphiql());
    const first = await run(page);
    await shown(page, "Ada Lindqvist");
    await page.reload();
    const again = await run(page);
    await shown(page, "Ada Lindqvist");

    expect(first.errors).toBeUndefined();
    expect(first.data.viewer.user).toEqual({ displayName: "Ada Lindqvist" });
    expect(again).toEqual(first);
  });

  it("asks as whoever is chosen, with the schema that is of use to them, and remembers the choice", async () => {
    const { page } = profile;
    const ownersTypes = await schemaTypes(page, () => page.goto(graphiql()));
    await run(page);

    const membersTypes = await schemaTypes(page, () => choose(page, "northwind", "Cleo"));
    await page.locator("#root.stale").waitFor();
    const answer = await run(page);
    await shown(page, "Cleo Marchetti");
    await page.locator("#root:not(.stale)").waitFor();
    await page.reload();
    const afterwards = await run(page);

    expect(answer.data.viewer.user).toEqual({ displayName: "Cleo Marchetti" });
    expect(afterwards).toEqual(answer);
    expect(ownersTypes).toContain("CreateOrganizationInput");
    expect(membersTypes).toContain("Organization");
    expect(membersTypes).not.toContain("CreateOrganizationInput");
  });

  it("says with a denial why, and what would help", async () => {
    const { page } = profile;
    const query =
      '{ organization(by: { slug: "northwind" }) { id } organizations(first: 1) { nodes { auditEvents { nodes { id } } } } }';
    await page.goto(`${graphiql()}?query=${encodeURIComponent(query)}`);
    await choose(page, "northwind", "Cleo");

    const { errors } = await run(page);
    await shown(page, "The role does not have the permission.");

    expect(errors[0].extensions).toMatchObject({
      code: "FORBIDDEN",
      permission: "audit:read",
      explanation: { allowed: false, remedy: { roleKey: expect.any(String) } },
    });
  });

  it("shows the same person as another user in another tenant, and nobody when signed out", async () => {
    const { page } = profile;
    await page.goto(graphiql());

    await choose(page, "northwind", "Dan");
    const here = await run(page);
    await choose(page, "meridian", "Dan");
    const there = await run(page);
    await choose(page, "Signed out", "Signed out");
    const nobody = await run(page);

    const names = (answer: typeof here) =>
      answer.data.viewer.organizations.nodes.map(({ name }: { name: string }) => name);
    expect(names(here)).toEqual(["North Store 1", "South Store 2"]);
    expect(names(there)).toEqual(["Albatros Shipping", "Granite Works"]);
    expect(nobody).toEqual({ data: { viewer: null } });
  });

  it("has an example in each tab that runs as it stands", async () => {
    const { page } = profile;
    await page.goto(graphiql());
    await run(page);

    const tabs = page.locator(".graphiql-tab-button");
    expect((await tabs.allInnerTexts()).map((name) => name.trim())).toEqual([
      "Switcher",
      "MembersPage",
      "Organizations",
      "Search",
      "Identity",
      "WhyMayDan",
      "GrantRole",
      "CreateOrganization",
    ]);
    for (const tab of await tabs.all()) {
      const name = (await tab.innerText()).trim();
      await tab.click();
      const { data, errors } = await runUntilAsked(page, name);
      expect(errors).toBeUndefined();
      expect(Object.values(data)).not.toContain(null);
    }
  });

  it("opens the tab that is pressed, wherever GraphiQL takes it to be", async () => {
    const { page } = profile;
    await page.goto(graphiql());
    const tab = page.locator(".graphiql-tab", { hasText: "Search" });
    await tab.evaluate((element) => {
      element.style.transform = "translateX(600px)";
    });

    await tab.getByRole("button", { name: "Search" }).click();

    await page.locator(".graphiql-tab[aria-selected=true]", { hasText: "Search" }).waitFor();
  });

  it("asks nothing of another host, breaks no rule of its policy, and leaves no token behind", async () => {
    const { page, context, requests, problems } = profile;
    await page.goto(graphiql());
    await run(page);
    await choose(page, "lumen", "Gus");
    await run(page);
    await page.reload();
    await run(page);

    const kept = await page.evaluate(() =>
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, location.href]),
    );
    expect([...new Set(requests.map((url) => new URL(url).origin))]).toEqual([tenantry.url]);
    expect(problems).toEqual([]);
    expect(JSON.parse(kept)).toEqual([[["tenantry viewer", "lumen gus@lumen.test"]], [], "", graphiql()]);
    expect(kept).not.toMatch(TOKEN);
    expect(await context.cookies()).toEqual([]);
  });

  it("gets a fresh token when the one it has is not good any more", async () => {
    const { page } = profile;
    await page.goto(graphiql());
    await run(page);
    await choose(page, "northwind", "Ben");
    // GraphiQL asks for the schema whenever it likes; what counts is what the reader runs.
    const isRun = (request: Request) => request.postData()?.includes("query Switcher") ?? false;
    let sent = 0;
    await page.route("**/graphql", (route, request) => {
      const ended = isRun(request) && sent++ === 0;
      return route.continue(ended ? { headers: { ...request.headers(), authorization: "Bearer ended" } } : {});
    });
    const statuses: number[] = [];
    page.on("response", (response) => {
      if (isRun(response.request()) || response.url().endsWith("/dev/viewers")) statuses.push(response.status());
    });

    await page.getByRole("button", { name: "Execute query" }).click();
    await shown(page, "Ben Okafor");

    expect(statuses).toEqual([401, 200, 200]);
  });

  it("is framed by no page", async () => {
    const { page } = profile;
    const other = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<!doctype html><link rel="icon" href="data:,"><iframe src="${graphiql()}"></iframe>`);
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const refused = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));

    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);

    await refused;
    await expect(page.frames()[1]!.locator("#root").count()).resolves.toBe(0);
    other.close();
  });

  it("asks for a token and a tenant without the development issuer, and keeps neither", async () => {
    const { page } = profile;
    const production = await startInstallation({ TENANTRY_DEVELOPMENT: "off" });
    try {
      await page.goto(graphiql(production));
      await page.getByLabel("Tenant").fill("northwind");
      await page.getByLabel("Token").fill("eyJtoken.of.somebody");
      await page.getByLabel("Token").blur();
      const asked = page.waitForRequest((request) => request.postData()?.includes("Switcher") ?? false);
      await page.getByRole("button", { name: "Execute query" }).click();
      const headers = (await asked).headers();

      expect(headers).toMatchObject({ authorization: "Bearer eyJtoken.of.somebody", "x-tenant": "northwind" });
      expect(await page.locator("fieldset").count()).toBe(0);
      await page.reload();
      expect(await page.getByLabel("Token").inputValue()).toBe("");
      expect(await page.evaluate(() => localStorage.length + sessionStorage.length)).toBe(0);
    } finally {
      await production.stop();
    }
  });

  it("is not there when TENANTRY_GRAPHIQL is off", async () => {
    const { page } = profile;
    const without = await startInstallation({ TENANTRY_GRAPHIQL: "off" });
    try {
      const answer = await page.goto(graphiql(without));

      expect(answer!.status()).toBeGreaterThanOrEqual(400);
      expect(await page.locator("#root").count()).toBe(0);
    } finally {
      await without.stop();
    }
  });
});
