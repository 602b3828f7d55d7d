import { expect, test } from "vitest";

import { diff } from "./diff";

const shown = (before: string, after: string, around = 1) =>
  diff(before, after, around).map((place) => place.map(({ sign, text }) => sign + text).join("|"));

test("equal texts have no places", () => {
  expect(diff("a\nb", "a\nb")).toEqual([]);
});

test("a changed line stands between the lines around it", () => {
  expect(shown("a\nb\nc\nd\ne", "a\nb\nX\nd\ne")).toEqual([" b|-c|+X| d"]);
});

test("lines at both ends come and go", () => {
  expect(shown("b\nc", "a\nb")).toEqual(["+a| b|-c"]);
});

test("places far from each other are separate, near ones are one", () => {
  const old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
  expect(shown(old, old.replace("2", "x").replace("8", "y"))).toEqual([" 1|-2|+x| 3", " 7|-8|+y| 9"]);
  expect(shown(old, old.replace("2", "x").replace("4", "y"))).toEqual([" 1|-2|+x| 3|-4|+y| 5"]);
});

test("lines have their numbers", () => {
  expect(diff("a\nb", "x\na\nb", 1)[0]).toEqual([
    { sign: "+", old: null, new: 1, text: "x" },
    { sign: " ", old: 1, new: 2, text: "a" },
  ]);
});

test("the way is the shortest one, and leads from one text to the other", () => {
  const old = "a b c a b b a".split(" ");
  const now = "c b a b a c".split(" ");
  const all = diff(old.join("\n"), now.join("\n"), 99).flat();
  expect(all.filter(({ sign }) => sign !== " ")).toHaveLength(5);
  expect(all.filter(({ sign }) => sign !== "+").map(({ text }) => text)).toEqual(old);
  expect(all.filter(({ sign }) => sign !== "-").map(({ text }) => text)).toEqual(now);
});

test("texts with nothing in common do not take long", () => {
  const lines = (letter: string) => Array.from({ length: 20_000 }, (_, index) => letter + index).join("\n");
  const begun = performance.now();
  expect(diff(lines("a"), lines("b"), 0).flat()).toHaveLength(40_000);
  expect(performance.now() - begun).toBeLessThan(5_000);
});
