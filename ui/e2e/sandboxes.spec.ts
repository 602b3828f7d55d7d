/** Sandboxes: runs in containers, and the containers themselves, in a real engine. */

import { DEBIAN, docker, test } from "./engine";
import { judge } from "./judge";
import { expect, run, type Page } from "./server";

test.describe.configure({ mode: "default" });

const timeline = (app: Page) => app.getByRole("list", { name: "What happened to the run" });

async function chooseSandbox(app: Page): Promise<void> {
  const picker = app.getByRole("button", { name: /^Where it runs/ });
  // On a busy machine an answer may come while the menu is open, and move what is about to be pressed.
  await expect(async () => {
    await app.keyboard.press("Escape");
    await picker.click({ timeout: 5000 });
    await app.getByRole("menuitemradio", { name: /^Sandbox/ }).click({ timeout: 5000 });
    await expect(picker).toHaveAccessibleName("Where it runs: Sandbox", { timeout: 2000 });
  }).toPass();
}

async function runIn(app: Page, line: string, end: string | RegExp = "succeeded"): Promise<void> {
  await chooseSandbox(app);
  await run(app, line);
  await expect(timeline(app)).toContainText(end, { timeout: 30_000 });
}

const rows = (app: Page) =>
  app.getByRole("grid", { name: "Sandboxes" }).getByRole("row", { name: /^stigmer-/ });

test("a command runs in a sandbox, and says what that really was", async ({ app, engine }) => {
  await engine();
  await app.getByRole("button", { name: /^Where it runs/ }).click();
  await expect(app.getByRole("menuitemradio", { name: /^Sandbox/ })).toContainText(
    /ready.*stigmer-test\/debian/s,
  );
  await app.keyboard.press("Escape");
  await chooseSandbox(app);
  await app.getByRole("button", { name: /^How it runs/ }).click();
  const asked = app.getByRole("group", { name: "The sandbox that it runs in" });
  await asked.getByLabel("Network").fill("none");
  await asked.getByLabel("Memory").fill("a lot");
  await expect(app.getByText("Memory is a size, such as 512 MiB.")).toBeVisible();
  await asked.getByLabel("Memory").fill("96 MiB");
  await run(app, "cat /etc/os-release; pwd");
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  await expect(app.getByText("/workspace", { exact: true })).toBeVisible();
  const place = app.getByRole("region", { name: "Sandbox of this run" });
  await expect(place).toContainText(DEBIAN);
  await expect(place).toContainText("no network");
  await expect(place).toContainText("96 MiB");
  await place.getByRole("button").click();
  const id = (await docker("image", "inspect", "--format", "{{.Id}}", DEBIAN)).slice(7, 19);
  await expect(place.getByText(id).last()).toBeVisible();
  await expect(place).toContainText(/stigmer-[0-9a-f]{16}/);
});

test("what loosens a sandbox is told with words", async ({ app, engine, server }) => {
  await engine();
  await server.write({ "../seen/here.txt": "seen\n" });
  await chooseSandbox(app);
  await app.getByRole("button", { name: /^How it runs/ }).click();
  await app.getByRole("textbox", { name: "Mounts" }).fill(`${server.home}/seen:/seen:ro`);
  await run(app, "cat /seen/here.txt");
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  const place = app.getByRole("region", { name: "Sandbox of this run" });
  await expect(place).toContainText("less strict");
  await place.getByRole("button").click();
  await expect(place.getByRole("list", { name: /less strict/ })).toContainText("/seen at /seen");
});

test("a run that wants too much memory says so in words", async ({ app, engine }) => {
  await engine();
  await chooseSandbox(app);
  await app.getByRole("button", { name: /^How it runs/ }).click();
  await app.getByLabel("Memory").fill("32 MiB");
  await run(app, "head -c 200000000 /dev/zero | tail | wc -c; exit 137");
  await expect(timeline(app)).toContainText("out of memory", { timeout: 30_000 });
  await expect(app.getByText(/it wanted more than the 32 MiB of its sandbox/)).toBeVisible();
});

test("a run is repeated in a sandbox, and back here", async ({ app, engine }) => {
  await engine();
  await runIn(app, "test -d /workspace && echo inside");
  await app.getByTestId("log-again").click();
  await expect(app.getByText("inside", { exact: true })).toBeVisible();
  await app.keyboard.press("Control+2");
  await app
    .getByRole("row", { name: /echo inside/ })
    .first()
    .click({ button: "right" });
  await app.getByRole("menuitem", { name: "Run again in Local" }).click();
  await expect(timeline(app)).toContainText("exit 1");
});

test("a sandbox appears, a shell opens in it, and it is removed", async ({ app, engine }) => {
  await engine();
  await app.keyboard.press("Control+4");
  await expect(app.getByText("A run in sandbox mode gets a container.")).toBeVisible();
  await app.keyboard.press("Control+1");
  await runIn(app, "echo made > made.txt");
  await app.keyboard.press("Control+4");
  await expect(rows(app)).toHaveCount(1);
  await rows(app).click();
  const detail = app.getByRole("complementary", { name: /^Sandbox stigmer-/ });
  await expect(detail).toContainText("shared by runs that ask for the same");
  const name = (await detail.getByRole("heading").first().textContent()) ?? "";
  await detail.getByRole("button", { name: "Open a shell" }).click();
  const screen = app.getByTestId("terminal").locator(".xterm-rows");
  await expect(screen).toContainText(/[#$] /, { timeout: 30_000 });
  await app.keyboard.type("cat made.txt; hostname; exit");
  await app.keyboard.press("Enter");
  await expect(screen).toContainText("made");
  await expect(timeline(app)).toContainText("succeeded", { timeout: 30_000 });
  await app.keyboard.press("Control+4");
  await rows(app).click();
  await app.keyboard.press("l");
  // The last of them: the first have scrolled away.
  await expect(app.getByText(/^zlib1g \d/)).toBeVisible({ timeout: 30_000 });
  await app.keyboard.press("Control+4");
  await rows(app).click();
  await app.keyboard.press("Delete");
  await expect(app.getByText(`${name} was removed.`)).toBeVisible();
  await expect(rows(app)).toHaveCount(0);
  await app.getByRole("button", { name: "Undo" }).click();
  await expect(rows(app)).toHaveCount(1);
  await rows(app).click();
  await app.keyboard.press("Delete");
  await expect.poll(() => docker("ps", "-aq", "--filter", `name=${name}`), { timeout: 30_000 }).toBe("");
});

test("a kept sandbox is stopped and started again", async ({ app, engine, server }) => {
  await engine();
  await server.api("POST", "/runs", {
    work: { kind: "line", line: "true" },
    workspace: server.workspace,
    mode: "sandbox",
    sandbox: { fresh: true, keep: true },
  });
  await app.keyboard.press("Control+4");
  await expect(rows(app)).toContainText("running", { timeout: 30_000 });
  await rows(app).click();
  await app.keyboard.press("s");
  await expect(rows(app)).toContainText("exited", { timeout: 30_000 });
  await app.getByRole("button", { name: "Start", exact: true }).click();
  await expect(rows(app)).toContainText("running", { timeout: 30_000 });
});

test("containers of others are shown when that is wanted, and left alone", async ({ app, engine, own }) => {
  await engine("stigmer-test/tiny:1");
  await docker("create", "--name", own, "stigmer-test/tiny:1", "true");
  try {
    await app.keyboard.press("Control+4");
    await app.getByLabel("Show those of others").check();
    const row = app.getByRole("row", { name: new RegExp(own) });
    await row.click();
    const detail = app.getByRole("complementary");
    await expect(detail).toContainText("only shown");
    await expect(detail.getByRole("button", { name: "Start" })).toBeHidden();
    await app.keyboard.press("Delete");
    await expect(row).toBeVisible();
    await row.click({ button: "right" });
    await expect(app.getByRole("menuitem")).toHaveText(["Copy the name"]);
  } finally {
    await docker("rm", "-f", own);
  }
});

for (const theme of ["dark", "light"] as const) {
  test(`sandboxes in the ${theme} theme can be read, named and reached by everybody`, async ({
    app,
    engine,
  }) => {
    await engine();
    await app.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await runIn(app, "echo one");
    await app.getByRole("button", { name: /^How it runs/ }).click();
    await judge(app);
    await app.keyboard.press("Control+4");
    await rows(app).click();
    await expect(app.getByText("Sees of this computer")).toBeVisible();
    await judge(app);
  });
}
