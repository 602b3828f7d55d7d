import { expect, test } from "vitest";

import { fuzzy, rankPaths } from "./fuzzy";

const best = (paths: string[], wanted: string) => rankPaths(paths, wanted, 9).map(({ path }) => path);

test("letters in their order are enough", () => {
  expect(fuzzy("src/load.py", "slp")?.at).toEqual([0, 4, 9]);
  expect(fuzzy("src/load.py", "pl")).toBeNull();
  expect(fuzzy("a", "aa")).toBeNull();
});

test("the name counts more than its folders", () => {
  expect(best(["train/data.csv", "src/train.py"], "train")).toEqual(["src/train.py", "train/data.csv"]);
});

test("what stands together comes before what is spread", () => {
  expect(best(["l_o_a_d.py", "reload.py", "load.py"], "load")).toEqual([
    "load.py",
    "reload.py",
    "l_o_a_d.py",
  ]);
});

test("beginnings of words count", () => {
  expect(best(["src/fabric.ts", "src/fileBar.ts"], "fb")[0]).toBe("src/fileBar.ts");
});

test("nothing wanted finds all, the shortest first", () => {
  expect(best(["aaaa", "b"], "")).toEqual(["b", "aaaa"]);
});

test("no more than wanted are given", () => {
  expect(rankPaths(["a1", "a2", "a3"], "a", 2)).toHaveLength(2);
});
