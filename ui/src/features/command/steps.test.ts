import { describe, expect, it } from "vitest";

import type { RunDetail, State } from "../../ipc/types";
import { steps } from "./steps";

const at = (ms: number) => new Date(ms).toISOString();

function run(state: State, changed: Partial<RunDetail> = {}): RunDetail {
  return {
    state,
    exit_code: null,
    started: null,
    ended: null,
    spec: { work: { kind: "line", line: "true" } },
    events: [{ at: at(0), event: "created" }],
    ...changed,
  } as RunDetail;
}

describe("the timeline", () => {
  it("says what takes time now, and what comes later", () => {
    const shown = steps(run("queued"), 500);
    expect(shown.map(({ label, ms, state }) => [label, ms, state])).toEqual([
      ["queued", 500, "now"],
      ["running", null, "later"],
      ["done", null, "later"],
    ]);
  });

  it("gives each step its own time and ends with how it ended", () => {
    const events = [
      { at: at(0), event: "created" },
      { at: at(10), event: "preparing", step: "start" },
      { at: at(40), event: "note", text: "not a step" },
      { at: at(100), event: "running" },
    ];
    const shown = steps(run("failed", { events, started: at(100), ended: at(1600), exit_code: 3 }), 99_999);
    expect(shown.map(({ label, ms }) => [label, ms])).toEqual([
      ["queued", 10],
      ["preparing", 90],
      ["running", 1500],
      ["exit 3", null],
    ]);
    expect(shown.at(-1)?.state).toBe("bad");
  });

  it("tells a run that was stopped from one that went wrong", () => {
    expect(steps(run("cancelled", { ended: at(5) }), 9).at(-1)).toMatchObject({
      label: "cancelled",
      state: "quiet",
    });
    expect(steps(run("lost", { ended: at(5) }), 9).at(-1)).toMatchObject({ label: "lost", state: "bad" });
  });

  it("shows how far a pull is, and lets go of the word for what comes before it", () => {
    const events = [
      { at: at(0), event: "created" },
      { at: at(1), event: "preparing", step: "start" },
      { at: at(2), event: "preparing", step: "pull python:3" },
      { at: at(9), event: "progress", step: "pull python:3", current: 120e6, total: 245e6 },
    ];
    const shown = steps(run("preparing", { events }), 500);
    expect(shown.map(({ label, amount }) => [label, amount])).toEqual([
      ["queued", undefined],
      ["pull python:3", "120 of 245 MB"],
      ["running", undefined],
      ["done", undefined],
    ]);
    expect(shown[1]?.share).toBeCloseTo(0.49);
  });

  it("keeps work on an image to a line: the steps of long ago are one", () => {
    const spec = { work: { kind: "image" as const, task: "build" as const } };
    const events = [
      { at: at(0), event: "created" },
      { at: at(1), event: "preparing", step: "start" },
      { at: at(1), event: "running" },
      ...[1, 2, 3, 4].map((n) => ({ at: at(n * 10), event: "preparing", step: `Step ${n}/4 : RUN ${n}` })),
      { at: at(40), event: "progress", step: "Step 4/4 : RUN 4", current: 4, total: 4 },
    ];
    const shown = steps(run("running", { spec, events, started: at(1) }), 50);
    expect(shown.map(({ label, ms }) => [label, ms])).toEqual([
      ["queued", 10],
      ["2 steps", 20],
      ["3/4 RUN 3", 10],
      ["4/4 RUN 4", 10],
      ["done", null],
    ]);
    expect(shown[3]).toMatchObject({ share: 1 });
    const failed = steps(run("error", { spec, events, started: at(1), ended: at(60) }), 99);
    expect(failed.map(({ state }) => state)).toEqual(["done", "done", "done", "bad", "bad"]);
  });

  it("says that the memory was not enough", () => {
    const ending = { usage: { oom_kills: 1 } };
    expect(steps(run("failed", { ended: at(5), exit_code: 137, ending }), 9).at(-1)?.label).toBe(
      "out of memory",
    );
  });
});
