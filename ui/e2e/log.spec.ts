/** The output of runs, as people read, search and take it away. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, run, test, type Page, type Server } from "./server";

test.describe.configure({ mode: "parallel" });

/** The text of the rows that are on the screen, to the character. */
const shown = (app: Page) =>
  app.locator("[data-row] [data-text]").evaluateAll((texts) => texts.map(({ textContent }) => textContent));

/** Waits until exactly these rows are on the screen. */
async function shows(app: Page, ...lines: string[]): Promise<void> {
  await expect.poll(() => shown(app)).toEqual(lines);
}

const row = (app: Page, text: string) =>
  app.getByTestId("log-row").filter({ has: app.locator("[data-text]").getByText(text, { exact: true }) });
/** The row that was jumped to. */
const marked = (app: Page) => app.getByTestId("log-rows").locator("[aria-current]");
const summary = (app: Page) => app.getByTestId("log-summary");
const follow = (app: Page) => app.getByTestId("log-follow");
const tally = (app: Page) => app.getByTestId("log-tally");

/** Runs a command and waits for its end. */
async function ran(app: Page, line: string, patience: { timeout?: number } = {}): Promise<void> {
  await run(app, line);
  await expect(app.getByTestId("log-again")).toBeVisible(patience);
}

/** Shows bytes as a program gives them out. */
async function cat(app: Page, server: Server, bytes: string | Buffer): Promise<void> {
  await writeFile(join(server.workspace, "bytes"), bytes);
  await ran(app, "cat bytes");
}

/** A part of a line that waits until the test goes on. */
const until = (file: string) => `until [ -e ${file} ]; do sleep 0.05; done`;

async function search(app: Page, text: string): Promise<void> {
  await app.getByTestId("log-rows").focus();
  await app.keyboard.press("Control+f");
  await app.getByRole("textbox", { name: "Search for" }).fill(text);
}

async function menu(app: Page, item: string): Promise<void> {
  await app.getByTestId("log-panel").getByRole("button", { name: "More" }).click();
  await app.getByRole("menu").getByText(item, { exact: true }).click();
}

/** The clipboard, which holds something else before. */
async function clipboard(app: Page): Promise<() => Promise<string>> {
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await app.evaluate(() => navigator.clipboard.writeText("what was there before"));
  return () => app.evaluate(() => navigator.clipboard.readText());
}

test("colours and weights of a program are seen", async ({ app }) => {
  await ran(
    app,
    "printf '\\033[31mred\\033[0m \\033[1mbold\\033[22m \\033[38;2;0;200;255mblue\\033[m plain\\n'",
  );
  await shows(app, "red bold blue plain");
  const part = (text: string) => app.locator("[data-text] span").getByText(text, { exact: true });
  await expect(part("red")).toHaveCSS("color", "rgb(240, 122, 120)");
  await expect(part("bold")).toHaveCSS("font-weight", /[6-9]00/);
  await expect(part("blue")).toHaveCSS("color", "rgb(0, 200, 255)");
});

test("nothing that a program writes reaches beyond its line", async ({ app, server }) => {
  const read = await clipboard(app);
  const title = await app.title();
  const lines = {
    "\x1b]0;another title\x07title": "title",
    "\x1b]52;c;c3RvbGVu\x07clipboard": "clipboard",
    "\x1b]8;;https://evil.example/\x1b\\a link\x1b]8;;\x1b\\ elsewhere": "a link elsewhere",
    "the \x1b[2Jcursor\x1b[10;10H moves\x1b[3A up": "the cursor moves up",
    "\x1b[?1049hanother screen\x1b[?1049l": "another screen",
    "\x1bceverything anew": "everything anew",
    "\u009b31mone byte\u009b0m\u009d0;title\u009c": "one byte",
    "\x1bP1$r0m\x1b\\device\x1b_program\x1b\\": "device",
    "bell\x07 and \x05question": "bell^G and ^Equestion",
    "exe.\u202egpj": "exe.<U+202E>gpj",
    "\x1b]0;a title without an end": "^[]0;a title without an end",
    "<img src=x onerror=document.body.remove()>": "<img src=x onerror=document.body.remove()>",
  };
  await cat(app, server, Object.keys(lines).join("\n") + "\n");
  await shows(app, ...Object.values(lines));
  await expect(app.getByTestId("log-rows").getByRole("link")).toHaveCount(0);
  expect(await app.title()).toBe(title);
  expect(await read()).toBe("what was there before");
});

test("progress that is drawn over itself is one line, as it stands now", async ({ app, server }) => {
  await run(
    app,
    `for done in 10 50; do printf '\\rloading %3d %%' $done; done; ${until("go")}; printf '\\rdone\\033[K\\nnext\\n'`,
  );
  await shows(app, "loading  50 %");
  await server.write({ go: "" });
  await shows(app, "done", "next");
  await expect(summary(app)).toContainText("2 lines");
});

test("what went to the error stream is told apart, by colour and by words", async ({ app }) => {
  await ran(app, "echo fine; echo wrong >&2");
  await expect(row(app, "wrong")).toContainText("standard error: wrong");
  await expect(row(app, "wrong")).toHaveCSS("color", "rgb(240, 122, 120)");
  await expect(row(app, "fine")).not.toContainText("standard error");
  await expect(row(app, "fine")).not.toHaveCSS("color", "rgb(240, 122, 120)");
  await expect(summary(app)).toContainText("2 lines · 1 on stderr");
});

test("a line of 100 MB is cut, and its whole length told", async ({ app }) => {
  test.setTimeout(240_000);
  await ran(app, "head -c 100000000 /dev/zero | tr '\\0' x; printf '\\nafter\\n'", { timeout: 120_000 });
  await expect(row(app, "after")).toBeVisible({ timeout: 60_000 });
  const long = app.getByTestId("log-row").first();
  await expect(long).toContainText("… 100,000,000 bytes in all");
  expect((await long.textContent())?.length).toBeLessThan(100_000);
  await expect(summary(app)).toContainText("2 lines");
});

test("bytes that are no text are shown as signs, and are kept", async ({ app, server }) => {
  const bytes = Buffer.from("a\0b\xff\xc3c\xe2\x82\n", "latin1");
  await cat(app, server, bytes);
  await shows(app, "a^@b\ufffd\ufffdc\ufffd");
  const kept = await server.api("GET", "/runs/last/log?from=0");
  expect(Buffer.from(await kept.arrayBuffer())).toEqual(bytes);
});

test("a million lines: the end is followed, left by key and wheel, and gone back to", async ({
  app,
  server,
}) => {
  const line = ["seq 1000000", until("go"), "seq 1000001 1000005", until("end"), "echo over"].join("; ");
  await run(app, line);
  await expect(row(app, "1000000")).toBeInViewport();
  await expect(summary(app)).toContainText("1,000,000 lines");
  await expect(follow(app)).toHaveAttribute("aria-pressed", "true");

  await app.keyboard.press("Control+j");
  await app.keyboard.press("Home");
  await expect(row(app, "1")).toBeInViewport();
  await expect(row(app, "1000000")).toBeHidden();
  await expect(follow(app)).toHaveAttribute("aria-pressed", "false");
  await server.write({ go: "" });
  await app.getByRole("button", { name: "5 new lines" }).click();
  await expect(row(app, "1000005")).toBeInViewport();
  await expect(follow(app)).toHaveAttribute("aria-pressed", "true");

  await app.getByTestId("log-rows").hover();
  await app.mouse.wheel(0, -600);
  await expect(row(app, "1000005")).not.toBeInViewport();
  await expect(follow(app)).toHaveAttribute("aria-pressed", "false");
  await server.write({ end: "" });
  await expect(app.getByRole("button", { name: "1 new line" })).toBeVisible();
  await expect(row(app, "over")).not.toBeInViewport();
  await app.keyboard.press("End");
  await expect(row(app, "over")).toBeInViewport();
  await expect(app.getByTestId("log-fresh")).toBeHidden();
  await expect(summary(app)).toContainText("1,000,006 lines · ");
});

test("a word is found in the whole log, counted, forward and back", async ({ app }) => {
  await ran(app, "echo Apple; seq 2000; echo apple pie; seq 2000; echo APPLE");
  await search(app, "apple");
  await expect(tally(app)).toHaveText("3 of 3");
  await app.keyboard.press("Enter");
  await expect(tally(app)).toHaveText("1 of 3");
  await expect(marked(app).locator("mark")).toHaveText("Apple");
  await app.keyboard.press("Enter");
  await expect(tally(app)).toHaveText("2 of 3");
  await expect(marked(app)).toContainText("apple pie");
  await app.keyboard.press("Shift+Enter");
  await expect(tally(app)).toHaveText("1 of 3");
  await app.getByRole("button", { name: "Upper and lower case differ" }).click();
  await expect(tally(app)).toHaveText("1 of 1");
  await expect(marked(app)).toContainText("apple pie");
  await app.getByRole("textbox", { name: "Search for" }).fill("pear");
  await expect(tally(app)).toHaveText("no match");
});

test("an expression is searched for, and one that is none is told in words", async ({ app }) => {
  await ran(app, "seq 999");
  await search(app, "^[45]\\d7$");
  await expect(tally(app)).toHaveText("no match");
  await app.getByRole("button", { name: "Regular expression" }).click();
  await expect(tally(app)).toContainText("of 20");
  await app.getByRole("textbox", { name: "Search for" }).fill("(4");
  await expect(app.getByTestId("log-panel").getByRole("alert")).toContainText("unclosed group");
  await expect(tally(app)).toHaveText("");
  await app.getByRole("textbox", { name: "Search for" }).fill("(4)");
  await expect(app.getByTestId("log-panel").getByRole("alert")).toBeHidden();
  await expect(tally(app)).toContainText("of 271");
});

test("a filter shows what matches, with lines around, and the way to the whole log", async ({ app }) => {
  await ran(app, "seq 1000");
  await app.getByTestId("log-rows").focus();
  await app.keyboard.press("Control+Shift+f");
  await app.getByRole("textbox", { name: "Show only lines with" }).fill("500");
  await shows(app, "500");
  await expect(summary(app)).toHaveText(/1 of 1,000 lines/);
  await app.getByRole("combobox", { name: "Lines around each match" }).selectOption("± 2");
  await shows(app, "498", "499", "500", "501", "502");
  await row(app, "500").click({ button: "right" });
  await app.getByRole("menuitem", { name: "Show in the whole log" }).click();
  await expect(marked(app)).toHaveText(/500$/);
  await expect(row(app, "497")).toBeInViewport();
  await expect(summary(app)).toContainText("1,000 lines · ");
});

test("one stream alone is shown", async ({ app }) => {
  await ran(app, "echo out; echo err >&2; echo again; echo more >&2");
  await menu(app, "Standard output");
  await shows(app, "err", "more");
  await menu(app, "Standard output");
  // Two streams have no order between them but that of their arrival.
  await expect.poll(async () => (await shown(app)).sort()).toEqual(["again", "err", "more", "out"]);
});

test("a selection is copied as the text that is seen", async ({ app }) => {
  const read = await clipboard(app);
  await ran(app, "echo first; printf '\\033[31mred\\033[0m one\\n'; echo src/app.py:3 is linked; echo last");
  await shows(app, "first", "red one", "src/app.py:3 is linked", "last");
  const box = async (text: string) => {
    const found = await row(app, text).locator("[data-text]").boundingBox();
    if (!found) throw new Error(`${text} is not on the screen`);
    return found;
  };
  const [from, to] = [await box("red one"), await box("last")];
  await app.mouse.move(from.x + 1, from.y + from.height / 2);
  await app.mouse.down();
  await app.mouse.move(to.x + 1, to.y + to.height / 2, { steps: 5 });
  await app.mouse.up();
  await app.keyboard.press("Control+c");
  await expect.poll(read).toBe("red one\nsrc/app.py:3 is linked\n");
});

test("all of it is copied, as text", async ({ app }) => {
  const read = await clipboard(app);
  await ran(app, "for n in $(seq 5000); do printf '\\033[32m%d\\033[0m\\n' $n; done");
  await app.getByTestId("log-rows").focus();
  await app.keyboard.press("Control+a");
  await app.keyboard.press("Control+c");
  await expect(app.getByText("Copied 5,000 lines.")).toBeVisible();
  expect(await read()).toBe(Array.from({ length: 5000 }, (_, index) => index + 1).join("\n"));
});

test("it is saved as text, and byte by byte", async ({ app }) => {
  await ran(app, "printf '\\033[31mred\\033[0m\\n\\377\\n'");
  const saved = async (item: string) => {
    const download = app.waitForEvent("download");
    await menu(app, item);
    return readFile(await (await download).path());
  };
  expect(await saved("Save byte by byte")).toEqual(Buffer.from("\x1b[31mred\x1b[0m\n\xff\n", "latin1"));
  expect((await saved("Save as text")).toString()).toBe("red\n\ufffd\n");
});

test("a place in a file that stands in the output opens the editor there", async ({ app, server }) => {
  const text = Array.from({ length: 60 }, (_, index) => `line ${index + 1}\n`).join("");
  await server.write({ "src/app.py": text });
  await ran(app, `printf '  File "src/app.py", line 12, in main\\nsrc/app.py:44:7: error\\n'`);
  const place = app.getByRole("region", { name: "Editor" }).getByRole("button", { name: /Line and column/ });
  await app.getByRole("link", { name: "src/app.py:44:7" }).click();
  await expect(app.getByRole("textbox", { name: "Text of app.py" })).toContainText("line 44");
  await expect(place).toHaveText(/^44:/);
  await app.getByRole("link", { name: 'File "src/app.py", line 12' }).click();
  await expect(place).toHaveText(/^12:/);
});

/** SHA-256 of what a program gives out. */
async function checksum(program: string, ...args: string[]): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of spawn(program, args).stdout) hash.update(block as Buffer);
  return hash.digest("hex");
}

/** SHA-256 of the log of the last run, as the interface gives it. */
async function checksumOfLog(server: Server): Promise<string> {
  const hash = createHash("sha256");
  for (let from = 0; ;) {
    const answer = await server.api("GET", `/runs/last/log?from=${from}`);
    expect(answer.headers.get("x-stigmer-offset")).toBe(String(from));
    const bytes = Buffer.from(await answer.arrayBuffer());
    hash.update(bytes);
    from += bytes.length;
    if (from === Number(answer.headers.get("x-stigmer-length"))) return hash.digest("hex");
  }
}

test("five million lines: not one is lost, and the pages can be used meanwhile", async ({ app, server }) => {
  test.setTimeout(240_000);
  const failures: string[] = [];
  app.on("pageerror", (error) => failures.push(error.message));
  app.on("crash", () => failures.push("the page crashed"));
  // It goes on until the pages were used while it wrote.
  await run(app, `seq 2500000; ${until("used")}; seq 2500001 5000000`);
  await app.keyboard.press("Control+k");
  await expect(app.getByRole("dialog", { name: "Search or run" })).toBeVisible();
  await app.keyboard.press("Escape");
  await server.write({ used: "" });
  await app.keyboard.press("Control+j");
  await app.keyboard.press("Home");
  await expect(row(app, "1")).toBeInViewport({ timeout: 60_000 });
  await app.keyboard.press("End");
  await expect(summary(app)).toContainText("5,000,000 lines", { timeout: 180_000 });
  await expect(row(app, "5000000")).toBeInViewport({ timeout: 60_000 });
  await expect(summary(app)).toContainText("exact to the byte", { timeout: 60_000 });
  expect(await checksumOfLog(server)).toBe(await checksum("seq", "5000000"));
  expect(failures).toEqual([]);
});

test("stop pressed twice ends a program that does not listen", async ({ app, server }) => {
  await server.write({ "deaf.sh": "trap '' TERM INT HUP\necho ready\nwhile :; do sleep 0.1; done\n" });
  // Nobody but the second press ends it while this test lasts.
  await server.api("POST", "/runs", {
    work: { kind: "line", line: "bash deaf.sh" },
    workspace: server.workspace,
    grace_ms: 600_000,
  });
  await app.keyboard.press("Control+2");
  await app.getByRole("row", { name: /deaf/ }).dblclick();
  await expect(row(app, "ready")).toBeVisible();
  const stop = app.getByTestId("log-stop");
  await stop.click();
  await expect(stop).toHaveText(/Force/);
  await expect(app.getByTestId("log-state")).not.toHaveAttribute("data-state", "cancelled");
  await stop.click();
  await expect(app.getByTestId("log-state")).toHaveAttribute("data-state", "cancelled");
  await expect(row(app, "ready")).toBeVisible();
});
