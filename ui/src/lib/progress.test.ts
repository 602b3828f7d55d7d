import { describe, expect, it } from "vitest";

import type { RunDetail, RunEvent } from "../ipc/types";
import { amount, progressOf, stages, stepName } from "./progress";

const at = (ms: number) => new Date(ms).toISOString();

describe("progress", () => {
  it("is that of the step that was begun last", () => {
    const pull: RunEvent = { at: at(0), event: "progress", step: "pull a", current: 1, total: 2 };
    expect(progressOf([{ at: at(0), event: "preparing", step: "pull a" }, pull])).toEqual({
      step: "pull a",
      current: 1,
      total: 2,
    });
    expect(progressOf([pull, { at: at(1), event: "preparing", step: "start a sandbox" }])).toBeNull();
    expect(progressOf([])).toBeNull();
  });

  it("counts bytes where something travels, and things elsewhere", () => {
    const pulled = { step: "pull python:3", current: 120_000_000, total: 245_000_000 };
    expect(amount(pulled)).toBe("120 of 245 MB");
    expect(amount({ ...pulled, current: 900_000 })).toBe("900 kB of 245 MB");
    expect(amount({ ...pulled, total: null })).toBe("120 MB");
    expect(amount({ step: "ask the tools", current: 3, total: 14 })).toBe("3 of 14");
  });

  it("has steps of a build as the Dockerfile has them", () => {
    expect(stepName("Step 3/4 : RUN make")).toBe("3/4 RUN make");
    expect(stepName("pull python:3")).toBe("pull python:3");
  });

  it("gives each step its time, and says at which one it failed", () => {
    const events: RunEvent[] = [
      { at: at(0), event: "created" },
      { at: at(1), event: "preparing", step: "start" },
      { at: at(10), event: "preparing", step: "Step 1/2 : FROM a" },
      { at: at(10), event: "progress", step: "Step 1/2 : FROM a", current: 1, total: 2 },
      { at: at(30), event: "preparing", step: "Step 2/2 : RUN false" },
    ];
    const run = { events, state: "error", ended: at(100) } as RunDetail;
    expect(stages(run, 0)).toEqual([
      { name: "1/2 FROM a", ms: 20, state: "done" },
      { name: "2/2 RUN false", ms: 70, state: "bad" },
    ]);
    const verified = [
      ...events.slice(0, 2),
      { at: at(5), event: "progress", step: "ask", current: 0, total: 2 },
    ];
    expect(stages({ events: verified, state: "running", ended: null } as unknown as RunDetail, 25)).toEqual([
      { name: "ask", ms: 20, state: "now" },
    ]);
  });
});
