/** The life of a run as steps with times. */

import type { RunDetail } from "../../ipc/types";
import { isActive, word } from "../../lib/states";

export interface Step {
  label: string;
  /** How long it took, or takes so far; `null` for a step that takes no time or did not begin. */
  ms: number | null;
  state: "done" | "now" | "later" | "bad" | "quiet";
}

const NAMES: Record<string, string> = { start: "preparing" };

/** The steps of a run at a moment. */
export function steps(run: RunDetail, now: number): Step[] {
  const marks = run.events.filter(({ event }) => ["created", "preparing", "running"].includes(event));
  const end = run.ended === null ? null : Date.parse(run.ended);
  const passed = marks.map((mark, index): Step => {
    const from = Date.parse(mark.at);
    const until = index + 1 < marks.length ? Date.parse(marks[index + 1]?.at ?? mark.at) : (end ?? now);
    const isNow = index === marks.length - 1 && end === null;
    return {
      label: label(mark.event, mark.step),
      ms: Math.max(0, until - from),
      state: isNow ? "now" : "done",
    };
  });
  const running: Step[] =
    run.started === null && isActive(run) ? [{ label: "running", ms: null, state: "later" }] : [];
  return [...passed, ...running, last(run)];
}

const label = (event: string, step?: string) => {
  if (event === "created") return "queued";
  return event === "preparing" && step !== undefined ? (NAMES[step] ?? step) : event;
};

function last(run: RunDetail): Step {
  if (isActive(run)) return { label: "done", ms: null, state: "later" };
  const state = { succeeded: "done", cancelled: "quiet" }[run.state as string] ?? "bad";
  return { label: word(run), ms: null, state: state as Step["state"] };
}
