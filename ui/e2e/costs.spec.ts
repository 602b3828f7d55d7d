/** What the cloud costs, against a stand-in for Daytona. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import AxeBuilder from "@axe-core/playwright";

import { about } from "../src/lib/cost";
import { expect, open, run, type Page, type Server } from "./server";
import { KEY, needSandboxes, test, type Sky } from "./sky";

test.describe.configure({ mode: "default" });

const timeline = (app: Page) => app.getByRole("list", { name: "What happened to the run" });
const status = (app: Page) => app.getByRole("contentinfo", { name: "Status" });

/** Runs go into the cloud, by these settings of it besides. */
async function set(server: Server, sky: Sky, ...lines: string[]): Promise<void> {
  const all = [`api_url: ${sky.url}`, `api_key: ${KEY}`, ...lines].map((line) => `  ${line}\n`).join("");
  await writeFile(join(server.home, ".stigmer/config.yaml"), `daytona:\n${all}`, { mode: 0o600 });
}

/** Tells the stand-in something that it does by itself. */
async function tell(sky: Sky, path: string, what: object): Promise<void> {
  const address = new URL(`/__double/${path}`, sky.url);
  const headers = { "content-type": "application/json" };
  const told = await fetch(address, { method: "POST", headers, body: JSON.stringify(what) });
  expect(told.ok, await told.text()).toBe(true);
}

async function chooseDaytona(app: Page): Promise<void> {
  const picker = app.getByRole("button", { name: /^Where it runs/ });
  await expect(async () => {
    await app.keyboard.press("Escape");
    await picker.click({ timeout: 5000 });
    await app.getByRole("menuitemradio", { name: /^Daytona/ }).click({ timeout: 5000 });
    await expect(picker).toHaveAccessibleName("Where it runs: Daytona", { timeout: 2000 });
  }).toPass();
}

/** The dollars in a text. */
const amount = (text: string | null) => Number(/\$([\d.]+)/.exec(text ?? "")?.[1]);

async function judge(app: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations } = await new AxeBuilder({ page: app }).withTags(tags).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  expect(told).toEqual([]);
}

test("a run in the cloud is estimated before, metered while it goes on, and told at its end", async ({
  app,
  server,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  // A second costs a dollar, so that a meter can be seen to move.
  await set(server, sky, "rates: { cpu: 1 }");
  const bar = app.getByRole("form", { name: "Command" });
  await expect(bar).not.toContainText("an hour");
  await chooseDaytona(app);
  await expect(bar).toContainText("about $3600.02 an hour · 1 CPU");

  await run(app, "echo up; sleep 1000");
  await expect(timeline(app)).toContainText("running", { timeout: 30_000 });
  const meter = app.getByText(/^Daytona · .*about \$\d/);
  await expect(meter).toBeVisible();
  const asked: string[] = [];
  app.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const before = amount(await meter.textContent());
  await expect.poll(async () => amount(await meter.textContent())).toBeGreaterThan(before + 1);
  expect(asked.filter((path) => path.includes("/daytona/"))).toEqual([]);
  await app.getByRole("button", { name: "Stop" }).first().click();
  await expect(timeline(app)).toContainText("cancelled", { timeout: 30_000 });
  const last = (await (await server.api("GET", "/runs/last")).json()) as { cost_usd: number };
  await expect.poll(async () => amount(await meter.textContent())).toBeCloseTo(last.cost_usd, 1);
  await judge(app);

  await app.keyboard.press("Control+2");
  const row = app.getByRole("grid", { name: "Runs" }).getByRole("row").nth(1);
  await expect(row).toContainText(`$${last.cost_usd.toFixed(2)}`);
  const here = await server.stigmer("run", "--mode", "local", "echo up");
  expect(here.code).toBe(0);
  const rows = app.getByRole("grid", { name: "Runs" }).getByRole("row");
  await expect(rows).toHaveCount(3);
  for (const at of [1, 2]) {
    await rows.nth(at).click();
    await app.keyboard.press("Space");
  }
  await app.keyboard.press("c");
  await expect(app.getByRole("region", { name: "Comparison" })).toContainText(
    `about $${last.cost_usd.toFixed(2)}`,
  );
  await judge(app);

  await app.keyboard.press("Control+,");
  const section = app.getByRole("region", { name: "Daytona" });
  await expect(section).toContainText(
    `This month 1 run in the cloud cost about $${last.cost_usd.toFixed(2)}.`,
  );
});

test("over the limit of a month the window asks before a run", async ({ app, server, sky }, info) => {
  needSandboxes(sky, info.title);
  await set(server, sky, "rates: { cpu: 1 }", "monthly_limit: 0.01");
  await chooseDaytona(app);
  await run(app, "echo first");
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  await expect(status(app)).toContainText("of $0.01 this month");

  await run(app, "echo second");
  const question = app.getByRole("dialog", { name: "Run over the limit?" });
  await expect(question).toContainText("and the limit is $0.01");
  await judge(app);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  const runs = async () =>
    ((await (await server.api("GET", "/runs")).json()) as { runs: { command: string }[] }).runs.map(
      ({ command }) => command,
    );
  expect(await runs()).toEqual(["echo first"]);

  await run(app, "echo third");
  await question.getByRole("button", { name: "Run all the same" }).click();
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  expect(await runs()).toEqual(["echo third", "echo first"]);
});

test("cloud sandboxes that nobody uses are pointed out and deleted with one click", async ({
  page,
  server,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  await tell(sky, "clock", { ahead: -4 * 24 * 3600 });
  expect((await server.stigmer("run", "--mode", "daytona", "true")).code).toBe(0);
  const list = async () =>
    (await (await server.api("GET", "/daytona/sandboxes")).json()) as { name: string; state: string }[];
  const [old] = await list();
  await tell(sky, `sandboxes/${old?.name}`, { state: "stopped" });
  await tell(sky, "clock", { ahead: 0 });
  await server.end("SIGTERM");
  await server.up();

  await open(page, server);
  const before = (await sky.asked()).length;
  await status(page).getByRole("button", { name: "1 cloud sandbox unused for days" }).click();
  const unused = page.getByRole("group", { name: "Unused cloud sandboxes" });
  await expect(unused).toContainText(`1 sandbox unused for days: ${old?.name}.`);
  await expect(page.getByRole("grid", { name: "Cloud sandboxes" })).toContainText("$0");
  await judge(page);
  const looked = (await sky.asked()).slice(before);
  expect(looked.filter((one) => !/^GET \/(api\/)?(sandbox|config)/.test(one))).toEqual([]);
  expect((await list())[0]?.state).toBe("stopped");

  await unused.getByRole("button", { name: "Delete it" }).click();
  await expect(unused).toBeHidden();
  await expect(page.getByText("A run in Daytona mode gets a sandbox in the cloud.")).toBeVisible();
  await expect(status(page)).not.toContainText("unused");
  await expect.poll(list).toEqual([]);
});

test("what the cloud cost is seen by day and sandbox, also of runs that were removed, and what is left of the limit", async ({
  app,
  server,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  await set(server, sky, "rates: { cpu: 1 }", "monthly_limit: 1000");
  const sums = app.getByRole("dialog", { name: "What the cloud costs" });
  await app.keyboard.press("Control+k");
  await app.keyboard.type("what the cloud costs");
  await app.keyboard.press("Enter");
  await expect(sums).toContainText("No run got a sandbox in the cloud");
  await expect(sums).toContainText("About $1000.00 of the monthly limit of $1000.00 is left.");
  await judge(app);
  await app.keyboard.press("Escape");
  await expect(sums).toBeHidden();

  for (const extra of [[], [], ["--fresh"]])
    expect((await server.stigmer("run", "--mode", "daytona", ...extra, "true")).code).toBe(0);
  await app.keyboard.press("Control+4");
  await expect(app.getByRole("grid", { name: "Cloud sandboxes" })).toBeVisible();
  await app.keyboard.press("c");
  await expect(sums).toContainText("for 3 runs in the cloud: an estimate");
  const days = sums.getByRole("table", { name: "Days" });
  const sandboxes = sums.getByRole("table", { name: "Sandboxes" });
  await expect(days.getByRole("row")).toHaveCount(2);
  await expect(sandboxes.getByRole("row")).toHaveCount(3);
  const told = JSON.parse((await server.stigmer("sandbox", "cost", "--json")).stdout) as {
    cost: number;
    sandboxes: { of: string; cost: number }[];
  };
  await expect(days.getByRole("row").nth(1)).toContainText(about(told.cost));
  for (const [at, { of, cost }] of told.sandboxes.entries())
    await expect(sandboxes.getByRole("row").nth(at + 1)).toHaveText(
      new RegExp(`^${of}.*${about(cost).replace("$", "\\$")}$`),
    );
  const before = await sums.textContent();
  for (const theme of ["Dark", "Light"]) {
    await app.emulateMedia({ colorScheme: theme === "Dark" ? "dark" : "light" });
    await judge(app);
  }
  expect((await server.stigmer("runs", "prune", "--older-than", "0")).code).toBe(0);
  expect(((await (await server.api("GET", "/runs")).json()) as { runs: [] }).runs).toEqual([]);
  await app.keyboard.press("Escape");
  await app.getByRole("button", { name: "What it costs" }).click();
  await expect.poll(() => sums.textContent()).toBe(before);

  await app.keyboard.press("Escape");
  await server.end("SIGTERM");
  await app.keyboard.press("c");
  await expect(sums.getByRole("button", { name: "Try again" })).toBeVisible();
  await judge(app);
  await server.up();
  await expect(sums).toContainText("for 3 runs in the cloud: an estimate", { timeout: 30_000 });
});
