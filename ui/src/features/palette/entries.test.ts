import { describe, expect, it } from "vitest";

import { rank, score, type Entry } from "./entries";

const entry = (title: string): Entry => ({ kind: "action", id: title, title, act: () => {} });

describe("the palette", () => {
  it("finds what has every word, whatever their order and case", () => {
    expect(score("Stop the run", "RUN stop")).toBeGreaterThan(0);
    expect(score("Stop the run", "run now")).toBe(0);
  });

  it("puts what begins with the word before what only has it", () => {
    const titles = rank([entry("Rerun"), entry("Show a run"), entry("Run it again")], "run").map(
      ({ title }) => title,
    );
    expect(titles).toEqual(["Run it again", "Show a run", "Rerun"]);
  });

  it("keeps the order of what is equally good, and shows all while nothing is typed", () => {
    const titles = rank([entry("B"), entry("A")], "  ").map(({ title }) => title);
    expect(titles).toEqual(["B", "A"]);
  });
});
