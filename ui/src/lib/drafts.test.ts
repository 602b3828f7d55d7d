import { expect, test } from "vitest";

import { draftKey, draftPath } from "./drafts";

test("a draft is found by its workspace and path again", () => {
  expect(draftPath(draftKey("/home/a b", "src/ü.py"), "/home/a b")).toBe("src/ü.py");
});

test("workspaces that begin alike do not share drafts", () => {
  expect(draftPath(draftKey("/home/ab", "c"), "/home/a")).toBeNull();
  expect(draftKey("/a", "b/c")).not.toBe(draftKey("/a/b", "c"));
});
