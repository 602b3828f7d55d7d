/** The files of the workspace, as the tree shows and changes them. */

import { execFile } from "node:child_process";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, open, test, type Page, type Server } from "./server";

test.describe.configure({ mode: "parallel" });

const tree = (app: Page) => app.getByRole("tree", { name: "Files" });
const item = (app: Page, name: string) => app.getByRole("treeitem", { name, exact: true });
const place = (server: Server, path: string) => join(server.workspace, path);
const exists = (server: Server, path: string) =>
  access(place(server, path)).then(
    () => true,
    () => false,
  );

/** The pages, open where these files are. */
async function opened(app: Page, server: Server, files: Record<string, string>): Promise<void> {
  await server.write(files);
  await open(app, server);
  await expect(tree(app)).toBeVisible();
}

/** Gives a name where one is asked for. */
async function name(app: Page, field: string, typed: string): Promise<void> {
  await app.getByRole("textbox", { name: field }).fill(typed);
  await app.keyboard.press("Enter");
}

test("a file is made together with its folders, and opened", async ({ app, server }) => {
  await app.getByRole("region", { name: "Files" }).getByRole("button", { name: "New file" }).first().click();
  await name(app, "Name of the new file", "a/b/c.txt");
  await expect(item(app, "c.txt")).toHaveAttribute("aria-level", "3");
  await expect(item(app, "b")).toHaveAttribute("aria-expanded", "true");
  await expect(app.getByRole("textbox", { name: "Text of c.txt" })).toBeFocused();
  expect(await readFile(place(server, "a/b/c.txt"), "utf8")).toBe("");
});

test("a folder is made in the folder that is chosen", async ({ page: app, server }) => {
  await opened(app, server, { "src/a.py": "" });
  await item(app, "src").click({ button: "right" });
  await app.getByRole("menuitem", { name: "New folder" }).click();
  await name(app, "Name of the new folder", "deep");
  await expect(item(app, "deep")).toHaveAttribute("aria-level", "2");
  expect(await exists(server, "src/deep")).toBe(true);
});

test("a file has another name, and its tab with it", async ({ page: app, server }) => {
  await opened(app, server, { "old.txt": "text\n" });
  await item(app, "old.txt").click();
  await expect(app.getByRole("textbox", { name: "Text of old.txt" })).toBeVisible();
  await tree(app).focus();
  await app.keyboard.press("F2");
  await name(app, "New name of old.txt", "new.txt");
  await expect(item(app, "new.txt")).toBeVisible();
  await expect(item(app, "old.txt")).toBeHidden();
  await expect(app.getByRole("tab", { name: "new.txt" })).toBeVisible();
  expect(await exists(server, "old.txt")).toBe(false);
  expect(await readFile(place(server, "new.txt"), "utf8")).toBe("text\n");
});

test("a folder that is deleted comes back whole with Undo", async ({ page: app, server }) => {
  await opened(app, server, { "data/one.csv": "1", "data/deep/two.csv": "2", "other.txt": "" });
  await item(app, "data").click();
  await app.keyboard.press("Delete");
  await expect(item(app, "data")).toBeHidden();
  await expect(item(app, "other.txt")).toBeVisible();
  expect(await exists(server, "data")).toBe(false);
  await app.getByRole("button", { name: "Undo" }).click();
  await expect(item(app, "data")).toBeVisible();
  expect(await readFile(place(server, "data/one.csv"), "utf8")).toBe("1");
  expect(await readFile(place(server, "data/deep/two.csv"), "utf8")).toBe("2");
});

test("a file is moved by dragging it onto a folder", async ({ page: app, server }) => {
  await opened(app, server, { "folder/inside.txt": "", "moved.txt": "text" });
  await item(app, "folder").click();
  await expect(item(app, "inside.txt")).toBeVisible();
  await item(app, "moved.txt").hover();
  await app.mouse.down();
  const to = await item(app, "folder").boundingBox();
  if (!to) throw new Error("the folder is not on the screen");
  await app.mouse.move(to.x + 60, to.y + to.height / 2, { steps: 6 });
  await app.mouse.up();
  await expect(app.getByTitle("folder/moved.txt")).toHaveAttribute("aria-level", "2");
  await expect(app.getByTitle("moved.txt", { exact: true })).toBeHidden();
  expect(await readFile(place(server, "folder/moved.txt"), "utf8")).toBe("text");
  expect(await exists(server, "moved.txt")).toBe(false);
});

test("what other programs make, move and delete is seen", async ({ page: app, server }) => {
  await opened(app, server, { "src/a.py": "", "gone.txt": "" });
  await item(app, "src").click();
  await expect(item(app, "a.py")).toBeVisible();
  await server.stigmer("run", "echo made > made.txt; echo deep > src/deep.py");
  await expect(item(app, "made.txt")).toBeVisible();
  await expect(item(app, "deep.py")).toHaveAttribute("aria-level", "2");
  await rename(place(server, "src/a.py"), place(server, "src/b.py"));
  await rm(place(server, "gone.txt"));
  await expect(item(app, "b.py")).toBeVisible();
  await expect(item(app, "a.py")).toBeHidden();
  await expect(item(app, "gone.txt")).toBeHidden();
});

test("a name that is taken is told beside it, and nothing is overwritten", async ({ page: app, server }) => {
  await opened(app, server, { "taken.txt": "precious", "other.txt": "other" });
  await item(app, "other.txt").click();
  await tree(app).focus();
  await app.keyboard.press("F2");
  await name(app, "New name of other.txt", "taken.txt");
  await expect(tree(app).getByRole("alert")).toContainText(/taken\.txt|already|exists/);
  await app.keyboard.press("Escape");
  await expect(item(app, "other.txt")).toBeVisible();
  expect(await readFile(place(server, "taken.txt"), "utf8")).toBe("precious");
  expect(await readFile(place(server, "other.txt"), "utf8")).toBe("other");
});

test("a name that cannot be is told why", async ({ page: app, server }) => {
  await opened(app, server, { "a.txt": "" });
  await app.keyboard.press("Control+Alt+n");
  await name(app, "Name of the new file", "../outside.txt");
  await expect(tree(app).getByRole("alert")).toHaveText("`.` and `..` are no names.");
  expect(await exists(server, "../outside.txt")).toBe(false);
});

test("a folder with 10,000 files is gone through by keys", async ({ page: app, server }) => {
  await mkdir(place(server, "many"), { recursive: true });
  const make = "seq -f 'file-%05g.txt' 10000 | xargs touch";
  await promisify(execFile)("sh", ["-c", make], { cwd: place(server, "many") });
  await opened(app, server, { "after.txt": "" });
  await item(app, "many").click();
  await expect(item(app, "file-00001.txt")).toHaveAttribute("aria-setsize", "10000");
  await app.keyboard.press("End");
  await expect(item(app, "after.txt")).toBeInViewport();
  await app.keyboard.press("ArrowUp");
  await expect(item(app, "file-10000.txt")).toHaveAttribute("aria-selected", "true");
  await expect(item(app, "file-10000.txt")).toBeInViewport();
  expect(await app.getByRole("treeitem").count()).toBeLessThan(200);
  await app.keyboard.type("file-05000");
  await expect(item(app, "file-05000.txt")).toBeInViewport();
  await app.keyboard.press("Enter");
  await expect(app.getByRole("textbox", { name: "Text of file-05000.txt" })).toBeFocused();
});

test("a filter finds files wherever they are", async ({ page: app, server }) => {
  await opened(app, server, { "a/b/needle.txt": "", "a/hay.txt": "", "straw.txt": "" });
  await app.keyboard.press("Control+Alt+f");
  await app.getByRole("textbox", { name: "Filter the files by name" }).fill("needle");
  await expect(item(app, "needle.txt")).toBeVisible();
  await expect(item(app, "straw.txt")).toBeHidden();
  await expect(item(app, "hay.txt")).toBeHidden();
  await app.keyboard.press("Escape");
  await expect(item(app, "straw.txt")).toBeVisible();
});
