// Walks through the console in Chromium: every screen wide and narrow, light and dark. Fails for what a
// console of a browser would say, for what the page's policy forbids, for pages that scroll sideways, for
// what axe-core calls serious, and for requests to anywhere else. Writes pictures.
//
// CONSOLE_ORIGIN, CONSOLE_LINK (path of the link), CONSOLE_NAME (of this walk), CONSOLE_PICTURES (a directory),
// CONSOLE_PATHS (JSON: name to path), CONSOLE_DELIVERIES (JSON: good and bad, each with url, headers and body;
// optional), CHROMIUM.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { request } from "node:http";

// Modules are where they were installed, which is not beside this file.
const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core");

const { CONSOLE_ORIGIN: origin, CONSOLE_NAME: walk, CONSOLE_PICTURES: pictures } = process.env;
const paths = Object.entries(JSON.parse(process.env.CONSOLE_PATHS));
mkdirSync(pictures, { recursive: true });

const faults = [];
const fault = (text) => faults.push(text);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

const open = async (width, colorScheme, more = {}) => {
  const context = await browser.newContext({
    viewport: { width, height: width < 700 ? 844 : 900 }, colorScheme, ...more,
  });
  const page = await context.newPage();
  let at = "";
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) fault(`${at}: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(`${at}: ${error.message}`));
  page.on("request", (asked) => {
    if (!asked.url().startsWith(`${origin}/`)) fault(`${at}: asks for ${asked.url()}`);
  });
  const go = async (path) => {
    at = `${walk} ${width} ${colorScheme} ${path}`;
    const answer = await page.goto(origin + path, { waitUntil: "load" });
    if (answer.status() !== 200) fault(`${at}: ${answer.status()}`);
  };
  return { context, page, go, where: () => at };
};

// Signing in, once: the link is good for nothing afterwards.
const first = await open(1280, "light");
await first.go(process.env.CONSOLE_LINK);
await first.page.screenshot({ path: join(pictures, `${walk}-login-light-1280.png`) });
await first.page.getByRole("button", { name: "Sign in" }).click();
await first.page.waitForURL(`${origin}/`);
const storageState = await first.context.storageState();
const flags = storageState.cookies[0];
if (!flags.httpOnly || flags.sameSite !== "Strict") fault(`the cookie is ${JSON.stringify(flags)}`);

const check = async ({ page, where }) => {
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > seen) fault(`${where()}: scrolls sideways, ${wide} of ${seen}`);
  // By the debugger: the policy of the page lets no stranger's script in.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => axe.run());
  for (const one of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
    const places = one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`);
    fault(`${where()}: ${one.id}: ${places.join("; ")}`);
  }
};

const { readFileSync } = await import("node:fs");
const axeSource = readFileSync(axe, "utf8");

for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
  const view = await open(width, colorScheme, { storageState });
  for (const [name, path] of paths) {
    await view.go(path);
    await check(view);
    const file = `${walk}-${name}-${colorScheme}-${width}.png`;
    await view.page.screenshot({ path: join(pictures, file), fullPage: true });
  }
  await view.context.close();
}

// By the keyboard alone: to the content, to another screen, to a row, and into it.
const keys = await open(1280, "light", { storageState });
await keys.go("/");
await keys.page.keyboard.press("Tab");
const skip = await keys.page.evaluate(() => document.activeElement.textContent);
if (skip !== "To the content") fault(`the first stop of Tab is ${skip}`);
await keys.page.keyboard.press("j");
const row = await keys.page.evaluate(() => document.activeElement.getAttribute("href"));
if (!row?.startsWith("/c/")) fault(`j goes to ${row}`);
await keys.page.keyboard.press("Enter");
await keys.page.waitForURL(`${origin}${row}`);
await keys.page.keyboard.press("g");
await keys.page.keyboard.press("r");
await keys.page.waitForURL(/\/records/);
await keys.page.keyboard.press("/");
const field = await keys.page.evaluate(() => document.activeElement.getAttribute("name"));
if (field !== "q") fault(`/ goes to ${field}`);

// Without a script all of it can be read.
const plain = await open(1280, "light", { storageState, javaScriptEnabled: false });
for (const [, path] of paths) {
  await plain.go(path);
  if ((await plain.page.locator("h1").count()) !== 1) fault(`${plain.where()}: no heading without a script`);
}

// More of a list is added below it.
const list = paths.find(([name]) => name === "records");
if (list && walk === "many") {
  await keys.go(list[1]);
  const rows = keys.page.locator("#records tbody tr");
  const before = await rows.count();
  await keys.page.getByRole("link", { name: "100 more" }).click();
  await keys.page.waitForFunction((count) => document.querySelectorAll("#records tbody tr").length > count, before);
}

const deliver = async ({ url, headers, body }) => {
  const status = await new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on("error", reject);
    sent.end(body);
  });
  if (status !== 200) fault(`the delivery got ${status}`);
};

if (process.env.CONSOLE_DELIVERIES) {
  const { good, bad } = JSON.parse(process.env.CONSOLE_DELIVERIES);
  const view = await open(1280, "light", { storageState });
  const { page } = view;
  const picture = (name) => page.screenshot({ path: join(pictures, `${walk}-${name}-light-1280.png`), fullPage: true });

  // A delivery comes live, without anybody reloading, and is a difference in its record's history.
  await view.go("/live");
  await page.waitForSelector("#live.good");
  await deliver(good);
  await page.waitForSelector("#changes tr.new");
  await picture("delivery");
  await page.locator("#changes tr.new th a").first().click();
  await page.waitForSelector("section[aria-label=History] .diff");
  await check(view);
  await picture("history");
  await page.getByRole("button", { name: "Compare the two" }).click();
  await page.getByRole("heading", { name: /compared/ }).waitFor();
  await check(view);

  // One that cannot be read waits for somebody, who tries it again.
  await deliver(bad);
  for (let tries = 0; tries < 100; tries += 1) {
    await view.go("/trouble");
    if ((await page.getByText("1 trouble").count()) > 0) break;
  }
  await check(view);
  await picture("troubles");
  await page.locator("main a[href^='/trouble/']").first().click();
  await page.waitForURL(/\/trouble\/./);
  await check(view);
  await page.getByRole("button", { name: "Apply again" }).first().click();
  await page.locator(".note").first().waitFor();
  await picture("again");

  // A file is looked at, written, and what failed of it can be seen.
  await view.go("/pushes/new");
  await page.setInputFiles("#file", {
    name: "shop.csv", mimeType: "text/csv",
    buffer: Buffer.from("tracking_number,slug,title\n1Z12345E0205271688,ups,a\n\"\",ups,b\n"),
  });
  await page.getByRole("button", { name: /Keep it/ }).click();
  await page.waitForURL(/\/plan/);
  await check(view);
  await picture("plan");
  await page.getByRole("button", { name: /^Write/ }).click();
  await page.waitForURL(/\/pushes\/[^/]+$/);
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await page.getByText("Ended, some failed").count()) > 0) break;
    await page.reload();
  }
  if ((await page.getByRole("link", { name: "Download what failed" }).count()) !== 1) {
    fault(`${view.where()}: what failed of a file cannot be had`);
  }
  await check(view);
  await picture("pushed");
}

await browser.close();
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`${walk}: ${paths.length} screens, 4 ways each`);
