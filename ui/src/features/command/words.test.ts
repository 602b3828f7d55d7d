import { describe, expect, it } from "vitest";

import { common, lastWord } from "./words";

describe("completion", () => {
  it("looks at the word before the caret, as a shell would split it", () => {
    expect(lastWord("cat data/o")).toBe("data/o");
    expect(lastWord("cat a|sort src/x")).toBe("src/x");
    expect(lastWord("cat ")).toBe("");
    expect(lastWord("")).toBe("");
  });

  it("takes what all have in common at once", () => {
    expect(common(["data/one.csv", "data/other.csv"])).toBe("data/o");
    expect(common(["alone"])).toBe("alone");
    expect(common([])).toBe("");
    expect(common(["a", "b"])).toBe("");
  });
});
