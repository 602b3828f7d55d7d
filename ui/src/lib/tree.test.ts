import { expect, test } from "vitest";

import type { FileEntry } from "../ipc/types";
import { canOpen, filesOf, filteredRows, folderFor, jumpTo, rowsOf, toReread } from "./tree";

const entry = (name: string, more: Partial<FileEntry> = {}): FileEntry => ({
  name,
  kind: "file",
  size: 1,
  modified: null,
  ignored: false,
  openable: true,
  ...more,
});
const folder = (name: string, more: Partial<FileEntry> = {}) => entry(name, { kind: "folder", ...more });

const folders = new Map([
  ["", [folder("data"), folder("src"), entry("README.md")]],
  ["src", [folder("deep"), entry("load.py"), entry("train.py")]],
  ["src/deep", [entry("load2.py")]],
  ["data", [entry("in.csv", { ignored: true }), entry("pipe", { kind: "other" })]],
]);

const shown = (open: string[]) =>
  rowsOf(folders, new Set(open)).map((row) => "  ".repeat(row.depth) + row.name);

test("only what is open is shown, each entry below its folder", () => {
  expect(shown([])).toEqual(["data", "src", "README.md"]);
  expect(shown(["src"])).toEqual(["data", "src", "  deep", "  load.py", "  train.py", "README.md"]);
});

test("an open folder in a closed one stays open unseen", () => {
  expect(shown(["src/deep"])).toEqual(["data", "src", "README.md"]);
  expect(shown(["src", "src/deep"])).toContain("    load2.py");
});

test("a folder that is open but not read yet has no rows", () => {
  expect(rowsOf(new Map([["", [folder("new")]]]), new Set(["new"]))).toHaveLength(1);
});

test("a row knows its place among its siblings", () => {
  const row = rowsOf(folders, new Set(["src"])).find(({ path }) => path === "src/load.py");
  expect(row).toMatchObject({ depth: 1, position: 2, siblings: 3 });
});

test("what cannot be opened is told apart", () => {
  expect(canOpen(entry("pipe", { kind: "other" }))).toBe(false);
  expect(canOpen(entry("a\ufffd", { openable: false }))).toBe(false);
  expect(canOpen(entry("link", { kind: "link" }))).toBe(false);
  expect(canOpen(entry("link", { kind: "link", leads_to: "file" }))).toBe(true);
  expect(canOpen(entry("link", { kind: "link", leads_to: "folder" }))).toBe(true);
});

test("a filter leaves the folders that lead to what it finds", () => {
  expect(filteredRows(folders, "LOAD").map(({ path }) => path)).toEqual([
    "src",
    "src/deep",
    "src/deep/load2.py",
    "src/load.py",
  ]);
  expect(filteredRows(folders, "deep/l").map(({ path }) => path)).toEqual([
    "src",
    "src/deep",
    "src/deep/load2.py",
  ]);
});

test("ignored files and those that cannot be opened are not found by name", () => {
  expect(filesOf(folders)).toEqual(["README.md", "src/load.py", "src/train.py", "src/deep/load2.py"]);
});

test("only folders that were read are read again", () => {
  expect(toReread(["src/load.py"], folders.keys())).toEqual(["src"]);
  expect(toReread(["out/a/b"], folders.keys())).toEqual([""]);
  expect(toReread(["src"], folders.keys())).toEqual(["src", ""]);
  expect(toReread(null, folders.keys())).toEqual(["", "src", "src/deep", "data"]);
});

test("a letter jumps to the next row that begins with it, and around", () => {
  const rows = rowsOf(folders, new Set(["src"]));
  expect(rows[jumpTo(rows, 0, "s")]?.name).toBe("src");
  expect(rows[jumpTo(rows, 5, "d")]?.name).toBe("data");
  expect(rows[jumpTo(rows, 0, "d")]?.name).toBe("deep");
  expect(rows[jumpTo(rows, 2, "de")]?.name).toBe("deep");
  expect(jumpTo(rows, 3, "zzz")).toBe(3);
});

test("things are put into the folder that they are put onto, or that the file is in", () => {
  const rows = rowsOf(folders, new Set(["src"]));
  expect(folderFor(rows[1])).toBe("src");
  expect(folderFor(rows[3])).toBe("src");
  expect(folderFor(rows[5])).toBe("");
  expect(folderFor(undefined)).toBe("");
});

test("ten thousand entries are rows within a frame or two", () => {
  const many = new Map([["", Array.from({ length: 10_000 }, (_, index) => entry(`file-${index}`))]]);
  rowsOf(many, new Set());
  const begun = performance.now();
  expect(rowsOf(many, new Set())).toHaveLength(10_000);
  expect(performance.now() - begun).toBeLessThan(50);
});
