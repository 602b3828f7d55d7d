/** Images: what is there, what is in it, and what is done with it, in a real engine. */

import { BASIC, docker, test } from "./engine";
import { judge } from "./judge";
import { expect, open, test as plain, type Page, type Server } from "./server";

test.describe.configure({ mode: "default" });

const row = (app: Page, name: string | RegExp) =>
  app.getByRole("grid", { name: "Images" }).getByRole("row", { name });

async function images(app: Page): Promise<void> {
  await app.keyboard.press("Control+3");
  await expect(app.getByRole("grid", { name: "Images" })).toBeVisible();
}

test("an image is verified, and its tools stand in its detail", async ({ app, engine }) => {
  await engine(BASIC);
  await images(app);
  await row(app, /stigmer-sandbox-basic/).click();
  const detail = app.getByRole("complementary", { name: `Image ${BASIC}` });
  await expect(detail.getByText("linux/")).toBeVisible();
  await detail.getByRole("button", { name: "Verify" }).click();
  await expect(app.getByRole("region", { name: `${BASIC} was verified` })).toBeVisible({ timeout: 60_000 });
  await expect(detail.getByRole("rowheader", { name: "python" })).toBeVisible();
  await expect(detail.getByRole("row", { name: /^git 2\./ })).toBeVisible();
  await expect(row(app, /stigmer-sandbox-basic/)).toContainText(/\d+ of \d+/);
});

test("a build that fails shows the step, why, and what to do; its log is one step away", async ({
  app,
  engine,
  own,
  server,
}) => {
  await engine("stigmer-test/tiny:1");
  await server.write({
    "broken/Dockerfile": `FROM stigmer-test/tiny:1\nLABEL journey=${own}\nRUN echo about to fail; exit 3\nRUN echo never\n`,
  });
  await images(app);
  await app.keyboard.press("b");
  const dialog = app.getByRole("dialog", { name: "Build an image" });
  await dialog.getByLabel("a folder with a Dockerfile").check();
  await dialog.getByLabel("Folder", { exact: true }).fill(`${server.workspace}/broken`);
  await dialog.getByLabel("Name", { exact: true }).fill("Not A Name");
  await expect(dialog.getByText("is no name")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Build" })).toBeDisabled();
  await dialog.getByLabel("Name", { exact: true }).fill(`${own}:v1`);
  await dialog.getByRole("button", { name: "Build" }).click();
  const card = app.getByRole("region", { name: `${own}:v1 was not built` });
  await expect(card.getByText("3/4 RUN echo about to fail; exit 3", { exact: true })).toBeVisible();
  await expect(card.getByText("build-failed")).toBeVisible();
  await expect(card.getByText(/never/)).toBeHidden();
  await card.getByRole("button", { name: "Open log" }).click();
  const output = app.getByRole("region", { name: "Output" });
  await expect(output.getByText("about to fail", { exact: true })).toBeVisible();
});

test("a folder is built, the image appears, and it is built again", async ({ app, engine, own, server }) => {
  await engine("stigmer-test/tiny:1");
  await server.write({ Dockerfile: `FROM stigmer-test/tiny:1\nLABEL journey=${own}\nRUN true\n` });
  await images(app);
  await app.getByRole("button", { name: "Build", exact: true }).click();
  const dialog = app.getByRole("dialog", { name: "Build an image" });
  await dialog.getByLabel("Name", { exact: true }).fill(`${own}:v1`);
  await app.keyboard.press("Enter");
  await expect(app.getByRole("region", { name: `${own}:v1 was built` })).toBeVisible();
  await row(app, new RegExp(own)).click({ button: "right" });
  await app.getByRole("menuitem", { name: "Build it again" }).click();
  await expect(app.getByRole("region", { name: `${own}:v1 was built` })).toHaveCount(2);
});

test("an image gets a name and a note, and goes when it is removed; Undo takes that back", async ({
  app,
  engine,
  own,
}) => {
  await engine("stigmer-test/tiny:1");
  await docker("tag", "stigmer-test/tiny:1", `${own}:v1`);
  await images(app);
  // One image with several names: the row is that of all of them.
  await row(app, /stigmer-test\/tiny|stigmer-journey/)
    .first()
    .click();
  await app.keyboard.press("t");
  const dialog = app.getByRole("dialog", { name: /another name/ });
  await dialog.getByLabel("Name").fill(`${own}:v2`);
  await app.keyboard.press("Enter");
  await expect.poll(() => docker("image", "ls", "--format", "{{.Tag}}", own)).toContain("v2");
  await row(app, /stigmer-test\/tiny|stigmer-journey/)
    .first()
    .click();
  const note = app.getByRole("textbox", { name: "Note" });
  await note.fill(`for the journey ${own}`);
  await note.press("Control+Enter");
  await expect(row(app, new RegExp(`for the journey ${own}`))).toBeVisible();
  await note.fill("");
  await note.press("Control+Enter");
  await expect(row(app, new RegExp(`for the journey ${own}`))).toBeHidden();
  const remove = async () => {
    await row(app, /stigmer-test\/tiny|stigmer-journey/)
      .first()
      .click({ button: "right" });
    await app.getByRole("menuitem", { name: `Take off the name ${own}:v2` }).click();
  };
  await remove();
  await app.getByRole("button", { name: "Undo" }).click();
  expect(await docker("image", "ls", "--format", "{{.Tag}}", own)).toContain("v2");
  await remove();
  await expect
    .poll(() => docker("image", "ls", "--format", "{{.Tag}}", own), { timeout: 20_000 })
    .not.toContain("v2");
  expect(await docker("image", "ls", "-q", "stigmer-test/tiny:1")).not.toBe("");
});

test("packages are added: the Dockerfile is seen before anything is built", async ({ app, engine }) => {
  await engine();
  await images(app);
  await row(app, /stigmer-test\/debian/).click();
  await app.getByRole("button", { name: "Add packages" }).click();
  const dialog = app.getByRole("dialog", { name: /Add packages/ });
  await dialog.getByLabel("apt").fill("ripgrep tree ");
  await expect(dialog.getByRole("button", { name: "Leave out ripgrep" })).toBeVisible();
  const file = dialog.getByRole("group", { name: "Lines of the Dockerfile" });
  await expect(file).toContainText("'ripgrep' 'tree'");
  await dialog.getByRole("button", { name: "Leave out ripgrep" }).click();
  await expect(file).not.toContainText("ripgrep");
  await app.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("what is not needed is shown with its size before it goes", async ({ app, engine }) => {
  await engine();
  await images(app);
  await app.getByRole("button", { name: "Prune…" }).click();
  const dialog = app.getByRole("dialog", { name: "Remove what is not needed" });
  await dialog.getByLabel(/Show also/).check();
  const list = dialog.getByRole("list", { name: "Images that are not needed" });
  await expect(list.getByText("no container is made from it").first()).toBeVisible();
  // What has a name is never chosen unasked.
  const named = list.getByRole("listitem").filter({ hasText: "no container is made from it" }).first();
  await expect(named.getByRole("checkbox")).not.toBeChecked();
  await app.keyboard.press("Escape");
});

test("the list is walked by keys, and Enter opens the detail", async ({ app, engine }) => {
  await engine();
  await images(app);
  const rows = app.getByRole("grid", { name: "Images" }).getByRole("row");
  await rows.nth(1).focus();
  await app.keyboard.press("ArrowDown");
  await expect(rows.nth(2)).toBeFocused();
  await app.keyboard.press("Enter");
  await expect(app.getByRole("complementary")).toBeVisible();
  await app.keyboard.press("Escape");
  await expect(app.getByRole("complementary")).toBeHidden();
});

for (const theme of ["dark", "light"] as const) {
  test(`images in the ${theme} theme can be read, named and reached by everybody`, async ({
    app,
    engine,
  }) => {
    await engine();
    await app.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await images(app);
    await row(app, /stigmer-test\/debian/).click();
    await expect(app.getByText("linux/")).toBeVisible();
    await judge(app);
    await app.getByRole("button", { name: "Build", exact: true }).click();
    await app.getByText("More", { exact: true }).click();
    await judge(app);
    await app.keyboard.press("Escape");
    await app.getByRole("button", { name: "Add packages" }).click();
    await app.getByLabel("apt").fill("tree ");
    await expect(app.getByRole("group", { name: "Lines of the Dockerfile" })).toBeVisible();
    await judge(app);
  });
}

for (const zoom of [0.8, 1.5, 2]) {
  test(`images and sandboxes at ${zoom * 100} %: nothing is cut off`, async ({ app, engine }) => {
    await engine();
    await app.setViewportSize({ width: Math.round(1440 / zoom), height: Math.round(900 / zoom) });
    const isWhole = async () => {
      const [wide, shown] = await app.evaluate(
        () => [document.documentElement.scrollWidth, innerWidth] as const,
      );
      expect(wide).toBeLessThanOrEqual(shown);
    };
    await images(app);
    await expect(app.getByRole("button", { name: "Build", exact: true })).toBeInViewport({ ratio: 1 });
    await isWhole();
    await row(app, /stigmer-test\/debian/).click();
    await expect(app.getByRole("complementary")).toBeInViewport({ ratio: 1 });
    await isWhole();
    await app.keyboard.press("Control+4");
    await expect(app.getByLabel("Show those of others")).toBeInViewport({ ratio: 1 });
    await isWhole();
  });
}

/** A server to which no engine answers. */
async function withoutEngine(server: Server): Promise<void> {
  await server.stigmer("config", "set", "sandbox.docker_host", `unix://${server.home}/nothing.sock`);
}

plain("without an engine the screen says so, and what to do", async ({ page, server }) => {
  await withoutEngine(server);
  await open(page, server);
  await page.keyboard.press("Control+3");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Pull", exact: true })).toBeDisabled();
  await judge(page);
  await page.keyboard.press("Control+4");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await page.keyboard.press("Control+1");
  await page.getByRole("button", { name: /^Where it runs/ }).click();
  const sandbox = page.getByRole("menuitemradio", { name: /^Sandbox/ });
  await expect(sandbox).toContainText("no engine");
  await expect(sandbox).toBeDisabled();
});

plain("an engine without images offers the tiers, with both sizes", async ({ page, server }) => {
  await page.route("**/api/v1/images", (route) => route.fulfill({ json: [] }));
  await page.route("**/api/v1/images/prunable*", (route) => route.fulfill({ json: [] }));
  await open(page, server);
  await page.keyboard.press("Control+3");
  const tiers = page.getByRole("list", { name: "Images that come with Stigmer" });
  await expect(tiers.getByRole("listitem")).toHaveCount(2);
  await expect(tiers.getByText("About 250 MB to download, 650 MB on disk")).toBeVisible();
  await expect(tiers.getByRole("button", { name: "Get the basic image" })).toBeVisible();
  await tiers.getByRole("button", { name: "Show the Dockerfile of the basic image" }).click();
  await expect(page.getByRole("dialog", { name: "Dockerfile of the basic image" })).toContainText("FROM");
  await page.keyboard.press("Escape");
  await tiers.getByRole("button", { name: "Build the full image here" }).click();
  await expect(
    page.getByRole("dialog", { name: "Build an image" }).getByLabel(/the full image/),
  ).toBeChecked();
});
