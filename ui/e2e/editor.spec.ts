/** Files that are written in the window, and what else happens to them meanwhile. */

import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, open, test, type Page, type Server } from "./server";

test.describe.configure({ mode: "parallel" });

const name = (path: string) => path.split("/").at(-1) ?? path;
const text = (app: Page, path: string) => app.getByRole("textbox", { name: `Text of ${name(path)}` });
const tab = (app: Page, named: string) =>
  app.getByRole("tablist", { name: "Open files" }).getByRole("tab", { name: named, exact: true });
const editor = (app: Page) => app.getByRole("region", { name: "Editor" });
const output = (app: Page) => app.getByRole("region", { name: "Output" });
const disk = (server: Server, path: string) => readFile(join(server.workspace, path), "utf8");

/** A file of the workspace, opened from the tree. */
async function opened(app: Page, server: Server, path: string, content: string): Promise<void> {
  await server.write({ [path]: content });
  await open(app, server);
  await app.getByRole("treeitem", { name: path }).click();
  await expect(text(app, path)).toBeVisible();
}

/** Types at the very beginning. */
async function type(app: Page, path: string, typed: string): Promise<void> {
  await text(app, path).click();
  await app.keyboard.press("Control+Home");
  await app.keyboard.type(typed);
}

/** Changes a file as another program does. */
const outside = (server: Server, path: string, content: string) =>
  writeFile(join(server.workspace, path), content);

test("a file is opened, changed, marked as not saved, and saved", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "world\n");
  await type(app, "a.txt", "hello ");
  await expect(tab(app, "a.txt , not saved")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("world\n");
  await app.keyboard.press("Control+s");
  await expect(tab(app, "a.txt")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("hello world\n");
});

test("what a person did not change of a file stays as it was, to the byte", async ({ page: app, server }) => {
  await opened(app, server, "dos.txt", "\ufeffone\r\ntwo");
  await expect(editor(app).getByText("CRLF with BOM")).toBeVisible();
  await text(app, "dos.txt").click();
  await app.keyboard.press("Control+End");
  await app.keyboard.press("Enter");
  await app.keyboard.type("three");
  await app.keyboard.press("Control+s");
  await expect(tab(app, "dos.txt")).toBeVisible();
  expect(await disk(server, "dos.txt")).toBe("\ufeffone\r\ntwo\r\nthree");
});

test("a file that another program changes is read again", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "before\n");
  await expect(text(app, "a.txt")).toContainText("before");
  await outside(server, "a.txt", "after\n");
  await expect(text(app, "a.txt")).toContainText("after");
  await expect(tab(app, "a.txt")).toBeVisible();
});

test("changed here and on disk: the person decides, and keeps mine", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "text\n");
  await type(app, "a.txt", "my ");
  await outside(server, "a.txt", "their text\n");
  await expect(editor(app).getByRole("alert")).toContainText("a.txt was changed on disk");
  await app.keyboard.press("Control+s");
  expect(await disk(server, "a.txt")).toBe("their text\n");
  await app.getByRole("button", { name: "Keep mine" }).click();
  await expect(tab(app, "a.txt")).toBeVisible();
  await expect(editor(app).getByRole("alert")).toBeHidden();
  expect(await disk(server, "a.txt")).toBe("my text\n");
});

test("changed here and on disk: the person compares, and takes theirs", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "text\n");
  await type(app, "a.txt", "my ");
  await outside(server, "a.txt", "their text\n");
  await app.getByRole("button", { name: "Compare" }).click();
  const comparison = editor(app).getByRole("region", { name: "What is different" });
  await expect(comparison).toContainText("mine: my text");
  await expect(comparison).toContainText("on disk: their text");
  await app.getByRole("button", { name: "Take theirs" }).click();
  await expect(text(app, "a.txt")).toHaveText("their text");
  await expect(tab(app, "a.txt")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("their text\n");
});

test("closing what is not saved asks, and does what is answered", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "text\n");
  const question = app.getByRole("dialog", { name: "Save a.txt?" });
  await type(app, "a.txt", "kept ");
  await app.keyboard.press("Alt+w");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  await expect(text(app, "a.txt")).toContainText("kept text");
  await app.keyboard.press("Alt+w");
  await question.getByRole("button", { name: "Save" }).click();
  await expect(app.getByText("A file that you open stands here.")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("kept text\n");

  await app.getByRole("treeitem", { name: "a.txt" }).click();
  await type(app, "a.txt", "given up ");
  await app.keyboard.press("Alt+w");
  await question.getByRole("button", { name: "Discard" }).click();
  await expect(app.getByText("A file that you open stands here.")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("kept text\n");
});

test("a file that is deleted under the editor keeps its text here, and can be saved again", async ({
  page: app,
  server,
}) => {
  await opened(app, server, "a.txt", "precious\n");
  await expect(text(app, "a.txt")).toContainText("precious");
  await rm(join(server.workspace, "a.txt"));
  await expect(editor(app).getByRole("alert")).toContainText("a.txt is no longer on disk");
  await expect(text(app, "a.txt")).toContainText("precious");
  await app.getByRole("button", { name: "Save it again" }).click();
  await expect(editor(app).getByRole("alert")).toBeHidden();
  expect(await disk(server, "a.txt")).toBe("precious\n");
});

test("what is no text is said to be none", async ({ page: app, server }) => {
  await server.write({ "picture.bin": "\x89PNG\0\0\x01\x02" });
  await open(app, server);
  await app.getByRole("treeitem", { name: "picture.bin" }).click();
  await expect(editor(app)).toContainText("It is no text, so it is not shown here.");
  await expect(editor(app).getByRole("heading", { name: "picture.bin" })).toBeVisible();
  await expect(text(app, "picture.bin")).toBeHidden();
});

test("a file of 200 MB is said to be too large, and is not read", async ({ page: app, server }) => {
  await server.write({ "large.csv": "" });
  await truncate(join(server.workspace, "large.csv"), 200_000_000);
  await open(app, server);
  const answer = app.waitForResponse(/files\/content/);
  await app.getByRole("treeitem", { name: "large.csv" }).click();
  expect((await (await answer).body()).length).toBeLessThan(10_000);
  await expect(editor(app)).toContainText("It is too large for the editor.");
  await expect(editor(app).getByRole("heading", { name: "large.csv" })).toContainText("190.7 MiB");
  await expect(text(app, "large.csv")).toBeHidden();
});

test("running the file saves it first", async ({ page: app, server }) => {
  await opened(app, server, "greet.sh", 'echo "hello $WHO"\n');
  await type(app, "greet.sh", "WHO=world\n");
  await app.keyboard.press("Control+Shift+Enter");
  await expect(output(app).getByText("hello world", { exact: true })).toBeVisible();
  expect(await disk(server, "greet.sh")).toBe('WHO=world\necho "hello $WHO"\n');
  await expect(tab(app, "greet.sh")).toBeVisible();
});

test("the selection alone is run, in the language of its file", async ({ page: app, server }) => {
  await opened(app, server, "parts.py", 'print("no")\nprint("y" + "es")\nprint("nor this")\n');
  await text(app, "parts.py").click();
  await app.keyboard.press("Control+Home");
  await app.keyboard.press("ArrowDown");
  await app.keyboard.press("Shift+End");
  await app.keyboard.press("Alt+Enter");
  await expect(output(app).getByText("yes", { exact: true })).toBeVisible();
  await expect(app.getByTestId("log-summary")).toContainText("1 line ·");
  await expect(text(app, "parts.py")).toContainText('print("y" + "es")');
});

test("Python of one session finds the variables of what ran before", async ({ page: app, server }) => {
  await opened(app, server, "parts.py", "x = 40\nprint(x + 2)\n");
  await app.getByRole("button", { name: /^How it runs/ }).click();
  const session = app.getByRole("textbox", { name: "Python session" });
  await session.fill("no name");
  await expect(session).toHaveAttribute("aria-invalid", "true");
  await session.fill("calc");
  const runLine = async (number: number) => {
    await text(app, "parts.py").click();
    await app.keyboard.press("Control+Home");
    for (let line = 1; line < number; line++) await app.keyboard.press("ArrowDown");
    await app.keyboard.press("Shift+End");
    await app.keyboard.press("Alt+Enter");
  };
  await runLine(1);
  await expect(output(app).getByText("session `calc` begins: it has no variables yet")).toBeVisible();
  await runLine(2);
  await expect(output(app).getByText("42", { exact: true })).toBeVisible();
});

test("what was not saved is back after the page is loaded anew", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "text\n");
  await type(app, "a.txt", "unsaved ");
  // The browser asks, too.
  app.on("dialog", (dialog) => void dialog.accept());
  await app.reload();
  await expect(tab(app, "a.txt , not saved")).toBeVisible();
  await expect(text(app, "a.txt")).toContainText("unsaved text");
  await expect(editor(app).getByRole("status")).toContainText("were not saved, and are back");
  expect(await disk(server, "a.txt")).toBe("text\n");
  await editor(app).getByRole("button", { name: "Save", exact: true }).click();
  await expect(tab(app, "a.txt")).toBeVisible();
  expect(await disk(server, "a.txt")).toBe("unsaved text\n");
});

test("a file that cannot be written keeps its text here, and says why", async ({ page: app, server }) => {
  await opened(app, server, "a.txt", "text\n");
  await type(app, "a.txt", "my ");
  await rm(join(server.workspace, "a.txt"));
  await mkdir(join(server.workspace, "a.txt"));
  await app.keyboard.press("Control+s");
  await expect(editor(app).getByRole("alert").first()).toBeVisible();
  await expect(text(app, "a.txt")).toContainText("my text");
  await expect(tab(app, "a.txt , not saved")).toBeVisible();
});

test("a file is found by a part of its name, and opened at a line", async ({ page: app, server }) => {
  await server.write({ "src/deep/load.py": "one\ntwo\nthree\n", "src/other.py": "" });
  await open(app, server);
  await app.keyboard.press("Control+p");
  await app.getByRole("combobox", { name: "Name of the file" }).fill("dload:3");
  await expect(app.getByRole("option", { name: "src/deep/load.py" })).toHaveAttribute(
    "aria-selected",
    "true",
  );
  await app.keyboard.press("Enter");
  await expect(text(app, "load.py")).toBeFocused();
  await expect(editor(app).getByRole("button", { name: /Line and column/ })).toHaveText(/^3:/);
});
