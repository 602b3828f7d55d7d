import { describe, expect, it } from "vitest";

import { counted, size, stopwatch, took } from "./format";

describe("numbers", () => {
  it("has sizes with a unit and one digit where that says more", () => {
    expect([0, 999, 1000, 8_200_000, 104_857_600].map(size)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "8.2 MB",
      "105 MB",
    ]);
  });

  it("shows times as a clock from a minute on, and never as 60 seconds", () => {
    expect([0, 340, 48_249, 59_949, 59_951, 751_000, 3_900_000].map(took)).toEqual([
      "0.0 s",
      "0.3 s",
      "48.2 s",
      "59.9 s",
      "1:00",
      "12:31",
      "1:05:00",
    ]);
  });

  it("lets a stopwatch run in tenths", () => {
    expect([-5, 4_650, 61_000, 3_600_000].map(stopwatch)).toEqual([
      "00:00.0",
      "00:04.6",
      "01:01.0",
      "60:00.0",
    ]);
  });

  it("counts in words", () => {
    expect([counted(1, "line"), counted(1204, "line")]).toEqual(["1 line", "1,204 lines"]);
  });
});
