import { describe, expect, it } from "vitest";

import { age, ago, calendarDay, calendarMonth, counted, decimalSize, size, stopwatch, took } from "./format";

describe("numbers", () => {
  it("has sizes of images as Docker says them", () => {
    expect([0, 999, 1000, 8_200_000, 104_857_600].map(decimalSize)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "8.2 MB",
      "105 MB",
    ]);
  });

  it("has all other sizes by powers of two", () => {
    expect([512, 67_108_864, 1_610_612_736, 8_589_934_592].map(size)).toEqual([
      "512 B",
      "64 MiB",
      "1.5 GiB",
      "8 GiB",
    ]);
  });

  it("has ages in the largest unit that says enough", () => {
    const now = Date.parse("2026-11-28T12:00:00Z");
    const ages = [
      "2026-11-28T11:59:30Z",
      "2026-11-28T11:55:00Z",
      "2026-11-28T03:00:00Z",
      "2026-11-27T12:00:00Z",
    ];
    expect(ages.map((iso) => age(iso, now))).toEqual(["now", "5 min", "9 h", "1 day"]);
    expect(age("2026-08-01T00:00:00Z", now)).toBe("3 months");
    expect(age("0001-01-01T00:00:00Z", now)).toBe("");
    expect([ago("2026-11-28T11:59:30Z", now), ago("2026-11-27T12:00:00Z", now)]).toEqual([
      "just now",
      "1 day ago",
    ]);
    expect(age("2023-08-01T00:00:00Z", now)).toBe("3 years");
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

  it("has days and months of the calendar", () => {
    expect(["2026-11-28", "2026-03-01"].map(calendarDay)).toEqual(["Sat 28 Nov", "Sun 1 Mar"]);
    expect(calendarMonth("2026-11-01")).toBe("November 2026");
  });

  it("counts in words", () => {
    expect([counted(1, "line"), counted(1204, "line")]).toEqual(["1 line", "1,204 lines"]);
  });
});
