import { expect, test } from "vitest";

import { compiled, hits } from "./query";

const marks = (text: string, pattern: string, regex = false, isCase = false) =>
  hits(text, compiled({ text: pattern, regex, case: isCase })).map(([from, to]) => text.slice(from, to));

test("what was searched for is found as it was meant", () => {
  expect(marks("a.b A.B aXb", "a.b")).toEqual(["a.b", "A.B"]);
  expect(marks("a.b A.B aXb", "a.b", false, true)).toEqual(["a.b"]);
  expect(marks("a.b A.B aXb", "a.b", true)).toEqual(["a.b", "A.B", "aXb"]);
  expect(marks("aaa", "a*", true)).toEqual(["aaa"]);
  expect(marks("abc", "")).toEqual([]);
});

test("expressions of the engine that a browser does not know mark nothing", () => {
  expect(marks("aA", "(?i)a", true)).toEqual([]);
  expect(marks("a", "a(", true)).toEqual([]);
});

test("expressions that could take a browser forever are left to the engine", () => {
  const long = `${"a".repeat(60)}!`;
  for (const pattern of [
    "(a+)+$",
    "(a|a)*$",
    "(a|aa)+$",
    "((a+))+$",
    "(.*a){20}$",
    "(a?){30}b",
    "([ab]+)*c",
  ]) {
    const begin = performance.now();
    marks(long, pattern, true);
    expect(performance.now() - begin, pattern).toBeLessThan(50);
  }
  const begin = performance.now();
  marks("a".repeat(4096), "a.*b.*c.*d", true);
  marks("a".repeat(250), "a.*b.*c", true);
  expect(performance.now() - begin).toBeLessThan(200);
  expect(marks("user a@b.example and c@d.example", "\\w+@[\\w.]+", true)).toEqual([
    "a@b.example",
    "c@d.example",
  ]);
  expect(marks("GET 404 in 3 ms", "(get|post) (4|5)\\d\\d", true)).toEqual(["GET 404"]);
});
