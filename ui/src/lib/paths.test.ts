import { expect, test } from "vitest";

import {
  compareNames,
  copyName,
  foldersAbove,
  isWithin,
  movedPath,
  nameOf,
  nameProblem,
  parentOf,
} from "./paths";

test("a path has a name and a folder", () => {
  expect([nameOf("a/b/c.py"), parentOf("a/b/c.py"), parentOf("c.py")]).toEqual(["c.py", "a/b", ""]);
  expect(foldersAbove("a/b/c.py")).toEqual(["", "a", "a/b"]);
});

test("a folder does not hold what only begins with its name", () => {
  expect(isWithin("src/a", "src")).toBe(true);
  expect(isWithin("src2/a", "src")).toBe(false);
  expect(isWithin("a", "")).toBe(true);
});

test("what is in a folder moves with it", () => {
  expect(movedPath("src/a/b", "src", "lib")).toBe("lib/a/b");
  expect(movedPath("src", "src", "lib")).toBe("lib");
  expect(movedPath("src2/a", "src", "lib")).toBe("src2/a");
});

test("names are in the order that people expect", () => {
  const names = ["b", "a10", "A2", "a1", "Z", "é", "a2"];
  expect(names.toSorted(compareNames)).toEqual(["a1", "A2", "a2", "a10", "b", "é", "Z"]);
});

test("a copy has a name of its own", () => {
  expect(copyName("a.py", [])).toBe("a copy.py");
  expect(copyName("a.py", ["a copy.py", "a copy 2.py"])).toBe("a copy 3.py");
  expect(copyName(".env", [])).toBe(".env copy");
});

test.each([
  ["a/b/c.py", true],
  ["naïve ☃ file", true],
  ["folder/", true],
  ["", false],
  ["  ", false],
  ["/etc", false],
  ["../x", false],
  ["a//b", false],
  ["x".repeat(256), false],
])("whether %j can be a name", (name, can) => {
  expect(nameProblem(name) === null).toBe(can);
});
