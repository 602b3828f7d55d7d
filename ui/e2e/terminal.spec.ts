/** Terminals: runs that are typed into. */

import AxeBuilder from "@axe-core/playwright";

import { expect, run, test, type Page } from "./server";

test.describe.configure({ mode: "parallel" });

const terminal = (app: Page) => app.getByTestId("terminal");
const screen = (app: Page) => terminal(app).locator(".xterm-rows");

/** Opens one, and waits until its shell listens. */
async function opened(app: Page): Promise<void> {
  await app.keyboard.press("Control+`");
  await expect(screen(app)).toContainText(/[#$] /);
}

async function type(app: Page, line: string): Promise<void> {
  await app.keyboard.type(line);
  await app.keyboard.press("Enter");
}

test("a terminal opens by key, and what is typed in it is carried out", async ({ app, server }) => {
  await server.write({ "here.txt": "" });
  await opened(app);
  await type(app, 'echo "to""gether"; ls');
  await expect(screen(app)).toContainText("together");
  await expect(screen(app)).toContainText("here.txt");
  await expect(app.getByTestId("log-state")).toHaveAttribute("data-state", "running");
});

test("a program hears of the size of its window", async ({ app, server }) => {
  await server.write({
    "size.sh": 'told() { echo "size $(stty size)."; }\ntrap told WINCH\ntold\nwhile :; do sleep 0.1; done\n',
  });
  await opened(app);
  await type(app, "clear; bash size.sh");
  /** Rows and columns, as the program was told last. */
  const told = async () => /.*size (\d+) (\d+)\./s.exec((await screen(app).textContent()) ?? "")?.slice(1, 3);
  /** How many rows more than the window has. */
  const more = async () => Number((await told())?.[0]) - (await screen(app).locator("> div").count());
  await expect.poll(more).toBe(0);
  const before = (await told())?.map(Number) ?? [];
  await app.setViewportSize({ width: 1100, height: 700 });
  await expect.poll(async () => Number((await told())?.[0])).toBeLessThan(before[0] ?? 0);
  await expect.poll(async () => Number((await told())?.[1])).toBeLessThan(before[1] ?? 0);
  await expect.poll(more).toBe(0);
});

test("Ctrl+C and colours are those of a terminal", async ({ app }) => {
  await opened(app);
  await type(app, "echo begi''ns; sleep 600; echo not this");
  await expect(screen(app)).toContainText("begins");
  await app.keyboard.press("Control+c");
  // What is typed ahead of it, Ctrl+C throws away.
  await expect(screen(app)).toContainText(/\^C.*[#$] /s);
  await type(app, "printf '\\033[31mr''ed\\033[0m\\n'");
  await expect(screen(app).getByText("red", { exact: true })).toHaveCSS("color", "rgb(240, 122, 120)");
  await expect(app.getByTestId("log-state")).toHaveAttribute("data-state", "running");
});

test("exit ends the run, says how, and closes when that is wanted", async ({ app }) => {
  await opened(app);
  await type(app, "exit 3");
  await expect(terminal(app).getByText(/^Ended: exit 3/)).toBeVisible();
  await expect(app.getByTestId("log-state")).toHaveAttribute("data-state", "failed");
  await terminal(app).getByRole("button", { name: "Close", exact: true }).click();
  await expect(terminal(app)).toBeHidden();
});

test("what a program writes in a terminal has no way to the title or the clipboard", async ({
  app,
  server,
}) => {
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await app.evaluate(() => navigator.clipboard.writeText("what was there before"));
  const title = await app.title();
  await server.write({ bytes: "\x1b]0;another title\x07\x1b]52;c;c3RvbGVu\x07done with it\n" });
  await opened(app);
  await type(app, "cat bytes");
  await expect(screen(app)).toContainText("done with it");
  expect(await app.title()).toBe(title);
  expect(await app.evaluate(() => navigator.clipboard.readText())).toBe("what was there before");
});

test("a terminal that was left for another output is as it was", async ({ app }) => {
  await opened(app);
  await type(app, "echo be''fore");
  await expect(screen(app)).toContainText("before");
  await run(app, "echo beside; sleep 60");
  await expect(app.getByTestId("log-rows").getByText("beside", { exact: true })).toBeVisible();
  await app.keyboard.press("Control+`");
  await expect(screen(app)).toContainText("before");
  await type(app, "echo af''ter");
  await expect(screen(app)).toContainText("after");
});

test("several outputs at once can be read, named and reached by everybody", async ({ app }) => {
  await app.emulateMedia({ reducedMotion: "reduce" });
  await run(app, "echo first; sleep 60");
  await expect(app.getByText("first", { exact: true })).toBeVisible();
  await run(app, "echo second; sleep 60");
  await expect(app.getByText("second", { exact: true })).toBeVisible();
  await opened(app);
  const tabs = app.getByRole("tablist", { name: "Outputs" }).getByRole("tab");
  await expect(tabs).toHaveCount(3);
  const { violations } = await new AxeBuilder({ page: app })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual(
    [],
  );

  await tabs.last().focus();
  await app.keyboard.press("ArrowLeft");
  await expect(app.getByText("second", { exact: true })).toBeVisible();
  await app.keyboard.press("Delete");
  await expect(tabs).toHaveCount(2);
  await tabs.first().hover();
  await app
    .getByRole("tablist", { name: "Outputs" })
    .getByTitle(/^Close the output of echo first/)
    .click();
  await expect(tabs).toHaveCount(0);
  await expect(terminal(app)).toBeVisible();
  await expect(app.getByText("3 runs going on")).toBeVisible();
});
