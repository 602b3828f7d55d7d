/** The cloud: its key, runs in it, and its sandboxes, against a stand-in for Daytona. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { judge } from "./judge";
import { expect, open, run, type Page } from "./server";
import { KEY, keychainHome, needKeychain, needSandboxes, test, withKeychain } from "./sky";

test.describe.configure({ mode: "default" });

const timeline = (app: Page) => app.getByRole("list", { name: "What happened to the run" });
const rows = (app: Page) =>
  app.getByRole("grid", { name: "Cloud sandboxes" }).getByRole("row", { name: /^stigmer-/ });
const picker = (app: Page) => app.getByRole("button", { name: /^Where it runs/ });
const section = (app: Page) => app.getByRole("region", { name: "Daytona" });

async function chooseDaytona(app: Page): Promise<void> {
  // On a busy machine an answer may come while the menu is open, and move what is about to be pressed.
  await expect(async () => {
    await app.keyboard.press("Escape");
    await picker(app).click({ timeout: 5000 });
    await app.getByRole("menuitemradio", { name: /^Daytona/ }).click({ timeout: 5000 });
    await expect(picker(app)).toHaveAccessibleName("Where it runs: Daytona", { timeout: 2000 });
  }).toPass();
}

async function runThere(app: Page, line: string): Promise<void> {
  await chooseDaytona(app);
  await run(app, line);
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
}

test("a run in the cloud says what its sandbox was, and brings back what it changed", async ({
  app,
  server,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  await server.write({ "given.txt": "from here\n", ".env": "KEY=1" });
  await chooseDaytona(app);
  await app.getByRole("button", { name: /^How it runs/ }).click();
  const asked = app.getByRole("group", { name: "The cloud sandbox that it runs in" });
  await asked.getByLabel("Bring changed files back").check();
  await run(app, "cat given.txt; echo there > made.txt");
  // The first copy is asked about, and without a yes nothing is copied or run.
  const question = app.getByRole("dialog", { name: "Copy this folder to the cloud?" });
  await expect(question).toContainText("2 files, 15 B");
  await expect(question.getByRole("region", { name: "Look at these" })).toContainText(".env");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  expect((await sky.asked()).filter((one) => one.startsWith("POST"))).toEqual([]);
  await run(app, "cat given.txt; echo there > made.txt");
  await question.getByRole("button", { name: "Copy and run" }).click();
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  await expect(app.getByText("from here", { exact: true })).toBeVisible();
  await expect.poll(() => readFile(join(server.workspace, "made.txt"), "utf8")).toBe("there\n");
  const place = app.getByRole("region", { name: "Sandbox of this run" });
  await expect(place).toContainText("us · 1 CPU, 1 GiB of memory, 3 GiB of disk");
  await place.getByRole("button").click();
  await expect(place).toContainText("made for this run");
  await expect(place).toContainText("after 15 minutes without a run");
  await asked.getByLabel("Snapshot").fill("nowhere:1");
  await run(app, "true");
  await expect(timeline(app)).toContainText("error", { timeout: 30_000 });
  await asked.getByRole("button", { name: "Leave all of it to the settings" }).click();
  await expect(asked.getByLabel("Snapshot")).toHaveValue("");
  await expect(asked.getByLabel("Bring changed files back")).not.toBeChecked();
});

test("a terminal opens in the cloud", async ({ app, sky }, info) => {
  needSandboxes(sky, info.title);
  await chooseDaytona(app);
  await app.keyboard.press("Control+`");
  const screen = app.getByTestId("terminal").locator(".xterm-rows");
  await expect(screen).toContainText(/[#$] /, { timeout: 30_000 });
  await app.keyboard.type("echo up-$((40 + 2)); exit");
  await app.keyboard.press("Enter");
  await expect(screen).toContainText("up-42");
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
});

test("sandboxes in the cloud are looked at without waking them, stopped, archived, started and deleted", async ({
  app,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  await app.keyboard.press("Control+4");
  await expect(app.getByText("A run in Daytona mode gets a sandbox in the cloud.")).toBeVisible();
  await app.keyboard.press("Control+1");
  await runThere(app, "echo one");
  await app.keyboard.press("Control+4");
  await expect(rows(app)).toHaveCount(1);
  await expect(rows(app)).toContainText("running");
  await expect(rows(app)).toContainText("1 CPU · 1 GiB · 3 GiB");
  const before = (await sky.asked()).length;
  await rows(app).click();
  const detail = app.getByRole("complementary", { name: /^Cloud sandbox stigmer-/ });
  await expect(detail).toContainText("shared by runs on the same workspace");
  await expect(detail).toContainText("after 15 minutes without a run");
  await expect(detail.getByText("Labels")).toBeVisible();
  const looked = (await sky.asked()).slice(before);
  expect(looked.length).toBeGreaterThan(0);
  expect(looked.filter((one) => !/^GET \/(api\/)?(sandbox|config)/.test(one))).toEqual([]);

  const name = (await detail.getByRole("heading").first().textContent()) ?? "";
  await detail.getByRole("button", { name: "Stop" }).click();
  await expect(rows(app)).toContainText("stopped");
  await detail.getByRole("button", { name: "Archive" }).click();
  await expect(rows(app)).toContainText("archived");
  await detail.getByRole("button", { name: "Start" }).click();
  await expect(rows(app)).toContainText("running");
  await rows(app).click();
  await app.keyboard.press("s");
  await expect(rows(app)).toContainText("stopped");

  await app.keyboard.press("Delete");
  const question = app.getByRole("dialog", { name: `Delete ${name}?` });
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(rows(app)).toHaveCount(1);
  await rows(app).click({ button: "right" });
  await app.getByRole("menuitem", { name: /^Delete/ }).click();
  await question.getByRole("button", { name: "Delete the sandbox" }).click();
  await expect(rows(app)).toHaveCount(0);
});

test("snapshots are listed with words, used, put to sleep, woken and deleted", async ({ app, server }) => {
  const made = await server.stigmer("snapshot", "create", "tools:2", "--image", "debian:12");
  expect(made.code, made.stderr).toBe(0);
  await app.keyboard.press("Control+5");
  const row = app.getByRole("grid", { name: "Snapshots" }).getByRole("row", { name: /^tools:2/ });
  await expect(row).toContainText("active");
  await expect(row).toContainText("yours");
  await row.click();
  const detail = app.getByRole("complementary", { name: "Snapshot tools:2" });
  await expect(detail).toContainText("Ready: sandboxes can be made from it.");
  await detail.getByRole("button", { name: "Use as default" }).click();
  await expect(row).toContainText("default");
  const set = await server.stigmer("config", "get", "sandbox.snapshot_id");
  expect(set.stdout.trim()).toBe("tools:2");
  await detail.getByRole("button", { name: "Put to sleep" }).click();
  await expect(row).toContainText("inactive");
  await expect(detail).toContainText("Asleep: it must be activated");
  await expect(detail.getByRole("button", { name: "Activate" })).toBeVisible();
  await row.click();
  await app.keyboard.press("Delete");
  const question = app.getByRole("dialog", { name: "Delete tools:2?" });
  await question.getByRole("button", { name: "Delete the snapshot" }).click();
  await expect(row).toHaveCount(0);
  // Those of Daytona are nobody's to change.
  const general = app.getByRole("row", { name: /^daytonaio/ }).first();
  await general.click({ button: "right" });
  await expect(app.getByRole("menuitem", { name: /^Delete/ })).toBeDisabled();
});

test.describe("without a key", () => {
  test.use({ hasKey: false });

  test("the mode leads to where one is entered, and without a keychain it says so", async ({ app, sky }) => {
    await app.keyboard.press("Control+4");
    await expect(app.getByText("Containers that runs were given")).toBeVisible();
    await expect(app.getByText("In the cloud")).toBeHidden();
    await app.keyboard.press("Control+5");
    await expect(app.getByText("They need its key.")).toBeVisible();
    await app.keyboard.press("Control+1");
    await picker(app).click();
    const card = app.getByRole("menuitemradio", { name: /^Daytona/ });
    await expect(card).toContainText("no key");
    await card.click();
    const field = section(app).getByLabel("Key", { exact: true });
    await expect(field).toBeFocused();
    await expect(section(app)).toContainText("There is no key yet.");
    await expect(section(app)).toContainText("There is no keychain here");
    await field.fill(KEY);
    await field.press("Enter");
    await expect(section(app).getByRole("alert")).toContainText("keychain-absent");
    expect(await sky.asked()).toEqual([]);
  });
});

test("a key is tested, kept in the keychain, shown masked and removed", async ({ page, sky }, info) => {
  await needKeychain(info.title);
  await keychainHome((home) =>
    withKeychain(home, "unlocked", sky, async (server) => {
      const answers: string[] = [];
      page.on("response", (response) => {
        if (response.url().includes("/daytona/")) void response.text().then((text) => answers.push(text));
      });
      await open(page, server);
      await page.keyboard.press("Control+,");
      const field = section(page).getByLabel("Key", { exact: true });
      await expect(field).toHaveAttribute("type", "password");
      await field.fill("dtn_wrong");
      await section(page).getByRole("button", { name: "Test and save" }).click();
      await expect(section(page).getByRole("alert")).toContainText("the key was not kept");
      await expect(section(page)).toContainText("There is no key yet.");

      await field.fill(`  ${KEY}\t`);
      await field.press("Enter");
      await expect(section(page)).toContainText(
        "The key works and was saved. It may do all that is needed here",
      );
      await expect(section(page)).toContainText("comes from the keychain.");
      await expect(section(page)).toContainText("dtn_…sky7");
      await expect(section(page).getByLabel("Another key")).toHaveValue("");
      await page.keyboard.press("Control+1");
      await picker(page).click();
      await expect(page.getByRole("menuitemradio", { name: /^Daytona/ })).toContainText("ready");
      await page.keyboard.press("Escape");

      await page.keyboard.press("Control+,");
      await section(page).getByRole("button", { name: "Remove", exact: true }).click();
      await expect(section(page)).toContainText("There is no key yet.");
      expect(answers.length).toBeGreaterThan(3);
      expect(answers.filter((text) => text.includes(KEY.slice(8)))).toEqual([]);
      expect(await page.content()).not.toContain(KEY);
      // What is no key and no request is refused without a word of it.
      for (const body of [{ key: 5, dtn_secret: 1 }, { key: "dtn_a b" }, { kye: "dtn_secret" }]) {
        const refused = await server.api("PUT", "/daytona/key", body);
        expect(refused.ok).toBe(false);
        expect(await refused.text()).not.toMatch(/dtn_(secret|a)/);
      }
    }),
  );
});

test("a keychain that is locked is told with words, and keeps nobody waiting", async ({
  page,
  sky,
}, info) => {
  await needKeychain(info.title);
  await keychainHome(async (home) => {
    await withKeychain(home, "unlocked", sky, async (server) => {
      expect((await server.api("PUT", "/daytona/key", { key: KEY })).ok).toBe(true);
    });
    await withKeychain(home, "locked", sky, async (server) => {
      await open(page, server);
      await page.keyboard.press("Control+,");
      await expect(section(page)).toContainText("The keychain of this desktop is locked.");
      await section(page).getByLabel("Key", { exact: true }).fill(KEY);
      await section(page).getByRole("button", { name: "Test and save" }).click();
      await expect(section(page).getByRole("alert")).toContainText("keychain-locked");
    });
  });
});

test.describe("with a key that may do little", () => {
  test.use({ skyOptions: ["--permissions", "write:sandboxes"] });

  test("what it lacks is told", async ({ app }) => {
    await app.keyboard.press("Control+,");
    await expect(section(app)).toContainText(/comes from .*config\.yaml/);
    await expect(section(app).getByRole("button", { name: "Remove", exact: true })).toBeHidden();
    await section(app).getByRole("button", { name: "Test", exact: true }).click();
    await expect(section(app)).toContainText("The key works. It lacks delete:sandboxes, write:snapshots");
  });
});

for (const theme of ["dark", "light"] as const) {
  test(`the cloud in the ${theme} theme can be read, named and reached by everybody`, async ({
    app,
    sky,
  }, info) => {
    needSandboxes(sky, info.title);
    await app.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await runThere(app, "echo one");
    await app.getByRole("button", { name: /^How it runs/ }).click();
    await judge(app);
    await app.keyboard.press("Control+4");
    await rows(app).click();
    await expect(app.getByText("Labels")).toBeVisible();
    await judge(app);
    await app.keyboard.press("Delete");
    await expect(app.getByRole("dialog")).toBeVisible();
    await judge(app);
    await app.keyboard.press("Escape");
    await app.keyboard.press("Control+5");
    await app
      .getByRole("row", { name: /^daytonaio/ })
      .first()
      .click();
    await expect(app.getByRole("complementary")).toContainText("for everybody");
    await judge(app);
    await app.keyboard.press("Control+,");
    await section(app).getByRole("button", { name: "Test", exact: true }).click();
    await expect(section(app)).toContainText("The key works.");
    await judge(app);
  });
}
