// Takes the pictures of the README, from a gateway of their own: `npm run screenshots`. Look at them before they are committed.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tenantry-screenshots-"));
const gateway = spawn(process.execPath, [join(root, "tenantry.mjs"), "start"], {
  env: { ...process.env, PORT: "0", TENANTRY_DATA_DIR: join(folder, "data") },
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = new Promise((resolve) => gateway.once("exit", resolve));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, deviceScaleFactor: 2 });
  for await (const line of createInterface(gateway.stdout)) {
    const [, url] = /^tenantry ready on (\S+)$/.exec(line) ?? [];
    if (!url) continue;
    await page.goto(`${url}/graphql`);
    await page.getByRole("button", { name: "Execute query" }).click();
    await page.locator(".result-window", { hasText: "Ada Lindqvist" }).waitFor();
    // The pointer would leave a tooltip, and the editor's colours come with its worker.
    await page.mouse.move(1000, 890);
    await page.waitForTimeout(2000);
    await page.screenshot({ path: join(root, "docs", "images", "graphiql.png") });
    break;
  }
} finally {
  await browser.close();
  gateway.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
