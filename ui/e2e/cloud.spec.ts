/** What is changed of sandboxes in the cloud, what is done in them, and snapshots that are made, against a stand-in. */

import { judge } from "./judge";
import { expect, type Page, type Server } from "./server";
import { needSandboxes, test } from "./sky";

test.describe.configure({ mode: "default" });

const rows = (app: Page) =>
  app.getByRole("grid", { name: "Cloud sandboxes" }).getByRole("row", { name: /^stigmer-/ });
const detail = (app: Page) => app.getByRole("complementary", { name: /^Cloud sandbox stigmer-/ });
const screen = (app: Page) => app.getByTestId("terminal").locator(".xterm-rows");
const snapshot = (app: Page, name: string) => app.getByRole("complementary", { name: `Snapshot ${name}` });

/** Has one sandbox in the cloud, with its detail open; its name. */
async function opened(app: Page, server: Server): Promise<string> {
  const ran = await server.stigmer("run", "--mode", "daytona", "echo one");
  expect(ran.code, ran.stderr).toBe(0);
  await app.keyboard.press("Control+4");
  await rows(app).click();
  await expect(detail(app).getByRole("heading", { name: "Labels" })).toBeVisible();
  return (await detail(app).getByRole("heading").first().textContent()) ?? "";
}

test("a cloud sandbox gets another size, other timers and labels", async ({ app, server, sky }, info) => {
  needSandboxes(sky, info.title);
  await opened(app, server);
  await detail(app).getByRole("button", { name: "Change size" }).click();
  await expect(detail(app).getByLabel("CPUs")).toBeFocused();
  await expect(detail(app).getByLabel("Disk, GiB")).toBeDisabled();
  await detail(app).getByLabel("Memory, GiB").fill("0");
  await expect(detail(app).getByText("A whole number.")).toBeVisible();
  await expect(detail(app).getByRole("button", { name: "Save" })).toBeDisabled();
  await detail(app).getByLabel("Memory, GiB").fill("4");
  await detail(app).getByLabel("CPUs").fill("2");
  await app.keyboard.press("Enter");
  await expect(detail(app).getByText("2 CPUs, 4 GiB of memory, 3 GiB of disk")).toBeVisible();
  // The list makes room for the detail first.
  await app.setViewportSize({ width: 1700, height: 900 });
  await expect(rows(app)).toContainText("2 CPU · 4 GiB · 3 GiB");

  await detail(app).getByRole("button", { name: "Change size" }).click();
  await detail(app).getByLabel("CPUs").fill("500");
  await app.keyboard.press("Enter");
  await expect(detail(app).getByRole("alert")).toContainText("daytona-quota");
  await app.keyboard.press("Escape");
  await expect(detail(app).getByRole("alert")).toBeHidden();
  await expect(detail(app)).toBeVisible();

  await detail(app).getByRole("button", { name: "Change timers" }).click();
  await detail(app).getByLabel("Stops when it was idle for").fill("2h");
  await detail(app).getByLabel("Is deleted when it was stopped for").fill("soon");
  await expect(detail(app).getByText("Such as 30m, 2h or 7d, or never.")).toBeVisible();
  await detail(app).getByLabel("Is deleted when it was stopped for").fill("30d");
  await detail(app).getByRole("button", { name: "Save" }).click();
  await expect(detail(app)).toContainText("after 2 hours without a run");
  await expect(detail(app)).toContainText("30 days after it stopped");

  await detail(app).getByRole("button", { name: "Change labels" }).click();
  await detail(app).getByLabel("Your labels").fill("stigmer.home=mine");
  await expect(detail(app).getByText("is no label of yours")).toBeVisible();
  await detail(app).getByLabel("Your labels").fill("team=ml");
  await detail(app).getByRole("button", { name: "Save" }).click();
  await expect(detail(app).getByText("team=ml")).toBeVisible();
  await expect(detail(app).getByText(/^stigmer\.home=/)).toBeVisible();
});

test("one that failed is recovered, and one that cannot be says so", async ({ app, server, sky }, info) => {
  needSandboxes(sky, info.title);
  const name = await opened(app, server);
  await sky.change(name, "error", "no space left on device");
  await expect(rows(app)).toContainText("error", { timeout: 30_000 });
  await expect(detail(app)).toContainText("no space left on device");
  await expect(detail(app).getByRole("button", { name: "Change size" })).toBeDisabled();
  await detail(app).getByRole("button", { name: "Recover" }).click();
  await expect(app.getByText(`${name} is back, and stopped.`)).toBeVisible();
  await expect(rows(app)).toContainText("stopped");
  await sky.change(name, "error-for-good", "the disk is gone");
  await expect(rows(app)).toContainText("error", { timeout: 30_000 });
  await expect(detail(app).getByRole("button", { name: "Recover" })).toBeHidden();
  await rows(app).click({ button: "right" });
  const item = app.getByRole("menuitem", { name: /^Recover/ });
  await expect(item).toBeDisabled();
  await expect(item).toContainText("Daytona cannot bring this one back.");
});

test("a shell opens in a listed cloud sandbox, and nothing is copied there", async ({
  app,
  server,
  sky,
}, info) => {
  needSandboxes(sky, info.title);
  await server.write({ "before.txt": "old" });
  await opened(app, server);
  await server.write({ "before.txt": "new", "after.txt": "new" });
  await detail(app).getByRole("button", { name: "Open a shell" }).click();
  await expect(screen(app)).toContainText(/[#$] /, { timeout: 30_000 });
  await app.keyboard.type("cat before.txt; ls | wc -l; exit");
  await app.keyboard.press("Enter");
  await expect(screen(app)).toContainText(/old\s*1/);
  await app.keyboard.press("Control+4");
  await rows(app).click();
  await expect(detail(app).getByRole("region", { name: "Runs in it" })).toContainText("echo one");
  await detail(app)
    .getByRole("button", { name: /echo one/ })
    .click();
  await expect(app.getByText("one", { exact: true })).toBeVisible();

  // One that is stopped is started only where that was said.
  await app.keyboard.press("Control+4");
  await rows(app).click();
  await app.keyboard.press("s");
  await expect(rows(app)).toContainText("stopped");
  await app.keyboard.press("t");
  const question = app.getByRole("dialog", { name: /^Start stigmer-/ });
  await expect(question).toContainText("It costs while it runs");
  await app.keyboard.press("Escape");
  await expect(rows(app)).toContainText("stopped");
  await rows(app).click();
  await app.keyboard.press("t");
  await question.getByRole("button", { name: "Start it and open the shell" }).click();
  await expect(screen(app)).toContainText(/[#$] /, { timeout: 30_000 });
});

test("a port of a cloud sandbox has an address", async ({ app, server, sky }, info) => {
  needSandboxes(sky, info.title);
  await opened(app, server);
  await detail(app).getByLabel("Port", { exact: true }).fill("3000");
  await app.keyboard.press("Enter");
  await expect(detail(app).getByRole("link", { name: /^http:\/\/3000-/ })).toBeVisible();
  await expect(detail(app)).toContainText("It works for 1 hour, for whoever knows it.");
});

test("a snapshot is made from an image, and what cannot be is said first", async ({ app }) => {
  await app.keyboard.press("Control+5");
  await app.getByRole("button", { name: "Make a snapshot" }).click();
  const dialog = app.getByRole("dialog", { name: "Make a snapshot" });
  const make = dialog.getByRole("button", { name: "Make it" });
  await expect(make).toBeDisabled();
  await dialog.getByLabel("Name").fill("tools:1");
  await dialog.getByLabel("Image", { exact: true }).fill("python:latest");
  await expect(dialog.getByText("Name a version behind a colon")).toBeVisible();
  await dialog.getByLabel("Image", { exact: true }).fill("python:3.13-slim");
  await dialog.getByLabel("CPUs").fill("900");
  await make.click();
  await expect(dialog.getByRole("alert")).toContainText("daytona-quota");
  await dialog.getByLabel("CPUs").fill("2");
  await make.click();
  await expect(snapshot(app, "tools:1")).toContainText("2 CPUs");
  await expect(app.getByRole("row", { name: /^tools:1/ })).toContainText("active");
});

test.describe("a slow builder", () => {
  test.use({ skyOptions: ["--build-ms", "12000"] });

  test("a build is followed line by line, found again after a restart, and stopped", async ({
    app,
    server,
  }) => {
    test.setTimeout(120_000);
    await app.keyboard.press("Control+5");
    await app.getByRole("button", { name: "Make a snapshot" }).click();
    const dialog = app.getByRole("dialog", { name: "Make a snapshot" });
    await dialog.getByLabel("Name").fill("built:1");
    await dialog.getByLabel("a Dockerfile").check();
    await dialog.getByLabel("Dockerfile", { exact: true }).fill("FROM debian:12\nCOPY . /app\n");
    await expect(dialog.getByText("cannot COPY or ADD")).toBeVisible();
    await dialog.getByLabel("Dockerfile", { exact: true }).fill("FROM debian:12\nRUN echo one\nRUN exit 3\n");
    await dialog.getByRole("button", { name: "Make it" }).click();
    const log = snapshot(app, "built:1").getByRole("log");
    await expect(snapshot(app, "built:1")).toContainText("You can leave this screen meanwhile.");
    await expect(log).toContainText("Step 1/3 : FROM debian:12");
    await server.kill();
    await server.up();
    await app.reload();
    await app.keyboard.press("Control+5");
    await app.getByRole("row", { name: /^built:1/ }).click();
    await expect(log).toContainText("Step 1/3 : FROM debian:12");
    await expect(log).toContainText("returned a non-zero code: 3", { timeout: 30_000 });
    await expect(snapshot(app, "built:1")).toContainText("Correct the Dockerfile, delete this one");
    await expect(app.getByRole("row", { name: /^built:1/ })).toContainText("build failed");

    await app.keyboard.press("n");
    await dialog.getByLabel("Name").fill("built:2");
    await dialog.getByLabel("a Dockerfile").check();
    await dialog.getByLabel("Dockerfile", { exact: true }).fill("FROM debian:12\nRUN echo two\n");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await expect(snapshot(app, "built:2").getByRole("log")).toContainText("Step 1/2");
    await app.keyboard.press("Delete");
    await app.getByRole("button", { name: "Stop and delete it" }).click();
    await expect(app.getByRole("row", { name: /^built:2/ })).toHaveCount(0);
  });
});

for (const theme of ["dark", "light"] as const) {
  test(`what is changed in the cloud in the ${theme} theme can be read, named and reached by everybody`, async ({
    app,
    server,
    sky,
  }, info) => {
    needSandboxes(sky, info.title);
    await app.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await opened(app, server);
    for (const what of ["size", "timers", "labels"]) {
      await detail(app)
        .getByRole("button", { name: `Change ${what}` })
        .click();
    }
    await detail(app).getByLabel("CPUs").fill("500");
    await app.keyboard.press("Enter");
    await expect(detail(app).getByRole("alert")).toBeVisible();
    await judge(app);
    await app.keyboard.press("Control+5");
    await app.getByRole("button", { name: "Make a snapshot" }).click();
    const dialog = app.getByRole("dialog", { name: "Make a snapshot" });
    await dialog.getByLabel("Name").fill("not good");
    await dialog.getByLabel("a Dockerfile").check();
    await judge(app);
    await dialog.getByLabel("Name").fill("good:1");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await expect(snapshot(app, "good:1").getByRole("log")).toContainText("Step 1/1");
    await judge(app);
  });
}
