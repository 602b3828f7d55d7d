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
});
