import { describe, expect, it } from "vitest";

import { about, costInWords, costOf, dollars, left, monthSoFar, stands } from "./cost";

describe("what the cloud costs", () => {
  it("has as many places as say something", () => {
    const all = [0, 0.00001, 0.0001998, 0.0666, 0.01, 0.5, 12.3456].map(dollars);
    expect(all).toEqual(["$0", "< $0.0001", "$0.0002", "$0.0666", "$0.01", "$0.50", "$12.35"]);
    expect([about(0.00001), about(0.0666)]).toEqual(["less than $0.0001", "about $0.0666"]);
  });

  it("is metered by the second while a run goes on, and is the engine's sum at its end", () => {
    const since = "2026-11-28T12:00:00Z";
    const now = Date.parse(since) + 10_999;
    const run = { cost_usd: 0.5, cost_per_hour: 36, cost_since: since, ended: null };
    expect(costOf(run, now)).toBeCloseTo(0.1);
    expect(costOf(run, now - 20_000)).toBe(0);
    expect(costOf({ ...run, ended: since }, now)).toBe(0.5);
    expect(costOf({ ...run, cost_per_hour: null, cost_since: null, cost_usd: null }, now)).toBeNull();
  });

  it("is told of a sandbox, with what is not known left out", () => {
    const told = "about $0.0666 an hour as it is now, at most about $0.42 so far: an estimate";
    expect(costInWords({ per_hour: 0.0666, at_most: 0.42 })).toBe(told);
    expect(costInWords({ per_hour: 0 })).toBe("about $0 an hour as it is now: an estimate");
  });

  it("is told for the month, with its limit where there is one", () => {
    const month = { cost: 8.2, runs: 3, limit: 10 };
    expect(monthSoFar(month)).toBe("This month 3 runs in the cloud cost about $8.20, of a limit of $10.00.");
    expect(monthSoFar({ ...month, runs: 1, limit: null })).toBe(
      "This month 1 run in the cloud cost about $8.20.",
    );
    const all = [7.99, 8, 9.99, 10].map((cost) => stands({ cost, limit: 10 }));
    expect(all).toEqual(["far", "near", "near", "over"]);
    expect(stands({ cost: 1000, limit: null })).toBe("far");
  });

  it("says what of a limit is left", () => {
    const words = (cost: number, limit: number | null) => left({ cost, limit });
    expect([words(1, null), words(8, 20), words(20, 20), words(20.5, 20)]).toEqual([
      "There is no monthly limit.",
      "About $12.00 of the monthly limit of $20.00 is left.",
      "Nothing of the monthly limit of $20.00 is left.",
      "About $0.50 over the monthly limit of $20.00.",
    ]);
  });
});
