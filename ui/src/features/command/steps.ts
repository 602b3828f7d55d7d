/** The life of a run as steps with times. */

import type { RunDetail, RunEvent } from "../../ipc/types";
import { amount, imageWork, progressOf, stepName } from "../../lib/progress";
import { isActive, word } from "../../lib/states";

export interface Step {
  label: string;
  /** How long it took, or takes so far; `null` for a step that takes no time or did not begin. */
  ms: number | null;
  state: "done" | "now" | "later" | "bad" | "quiet";
  /** How far it is, in words; and as a part of the whole, where that is known. */
  amount?: string;
  share?: number;
}

const NAMES: Record<string, string> = { start: "preparing" };
/** So many steps of making ready are shown one by one; earlier ones become one. */
const MOST = 3;

/** The steps of a run at a moment. */
export function steps(run: RunDetail, now: number): Step[] {
  const end = run.ended === null ? null : Date.parse(run.ended);
  const marks = marksOf(run);
  const passed = marks.map((mark, index): Step => {
    const next = marks[index + 1];
    const isNow = next === undefined && end === null;
    return {
      label: label(mark),
      ms: Math.max(0, (next ? Date.parse(next.at) : (end ?? now)) - Date.parse(mark.at)),
      // Work on an image ends with the step that it was at; a program ends by itself.
      state: isNow ? "now" : next === undefined && imageWork(run) ? last(run).state : "done",
      ...(isNow ? soFar(run) : {}),
    };
  });
  const running: Step[] =
    run.started === null && isActive(run) ? [{ label: "running", ms: null, state: "later" }] : [];
  return [...shortened(passed, marks), ...running, last(run)];
}

/** The events that begin a step. */
function marksOf(run: RunDetail): RunEvent[] {
  const isImage = imageWork(run) !== null;
  const begins = run.events.filter(({ event }) => ["created", "preparing", "running"].includes(event));
  return begins.filter((mark, index) => {
    // Work on an image runs while it tells its steps.
    if (isImage && mark.event === "running") return false;
    // That a place is looked for says nothing where the next step says how.
    return !(mark.step === "start" && (isImage || begins[index + 1]?.event === "preparing"));
  });
}

function soFar(run: RunDetail): Pick<Step, "amount" | "share"> {
  const progress = progressOf(run.events);
  if (progress === null || (run.started !== null && imageWork(run) === null)) return {};
  const share = progress.total ? { share: Math.min(1, progress.current / progress.total) } : {};
  // A step of a build has its number in its name.
  return /^Step \d/.test(progress.step) ? share : { amount: amount(progress), ...share };
}

function shortened(steps: Step[], marks: RunEvent[]): Step[] {
  const of = (index: number) => marks[index]?.event === "preparing";
  const making = steps.filter((_, index) => of(index));
  if (making.length <= MOST) return steps;
  const early = making.slice(0, 1 - MOST);
  const ms = early.reduce((sum, step) => sum + (step.ms ?? 0), 0);
  const one: Step = { label: `${early.length} steps`, ms, state: "done" };
  const at = steps.findIndex((_, index) => of(index));
  return [...steps.slice(0, at), one, ...steps.slice(at + early.length)];
}

function label({ event, step }: RunEvent): string {
  if (event === "created") return "queued";
  return event === "preparing" && step !== undefined ? (NAMES[step] ?? stepName(step)) : event;
}

function last(run: RunDetail): Step {
  if (isActive(run)) return { label: "done", ms: null, state: "later" };
  const state = { succeeded: "done", cancelled: "quiet" }[run.state as string] ?? "bad";
  return { label: word(run), ms: null, state: state as Step["state"] };
}
