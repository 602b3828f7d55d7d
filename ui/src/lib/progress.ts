/** How far a run is in what takes its time: the steps that it told, and the progress of each. */

import type { ImageWork, RunDetail, RunEvent } from "../ipc/types";
import { decimalSize } from "./format";

export interface Progress {
  step: string;
  current: number;
  /** `null` where nobody knows it. */
  total: number | null;
}

/** What a run does with an image, if that is what it does. */
export const imageWork = (run: Pick<RunDetail, "spec">): ImageWork | null =>
  run.spec.work.kind === "image" ? run.spec.work : null;

/** The progress that was told last, of the step that was begun last. */
export function progressOf(events: readonly RunEvent[]): Progress | null {
  const last = events.findLast(({ event }) => event === "progress" || event === "preparing");
  if (last?.event !== "progress" || last.step === undefined || last.current === undefined) return null;
  return { step: last.step, current: last.current, total: last.total ?? null };
}

/** Whether a step counts bytes; what else is counted are things. */
const countsBytes = (step: string) => /^(pull|push|download|upload)\b/.test(step);

/** `120 of 245 MB`, `3 of 14`, `120 MB` where the whole is not known. */
export function amount({ step, current, total }: Progress): string {
  if (!countsBytes(step)) return total === null ? String(current) : `${current} of ${total}`;
  if (total === null) return decimalSize(current);
  const [whole = "", unit = ""] = decimalSize(total).split(" ");
  const [part = "", partUnit = ""] = decimalSize(current).split(" ");
  return unit === partUnit ? `${part} of ${whole} ${unit}` : `${part} ${partUnit} of ${whole} ${unit}`;
}

/** A step of a build as it stands in the Dockerfile: `Step 3/4 : RUN make` is `3/4 RUN make`. */
export const stepName = (step: string) => step.replace(/^Step (\d+\/\d+) : /, "$1 ");

export interface Stage {
  name: string;
  ms: number;
  state: "done" | "now" | "bad" | "quiet";
}

/** The steps of work on an image, each with the time that it took or takes. */
export function stages(run: RunDetail, now: number): Stage[] {
  const begun = run.events.filter(({ event, step }) => event === "preparing" && step !== "start");
  // Some are told only by their progress.
  run.events.forEach((event) => {
    if (event.event === "progress" && !begun.some(({ step }) => step === event.step)) begun.push(event);
  });
  begun.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const end = run.ended === null ? null : Date.parse(run.ended);
  return begun.map((event, index) => {
    const next = begun[index + 1];
    const until = next ? Date.parse(next.at) : (end ?? now);
    return {
      name: stepName(event.step ?? ""),
      ms: Math.max(0, until - Date.parse(event.at)),
      state: next ? "done" : lastState(run),
    };
  });
}

function lastState(run: RunDetail): Stage["state"] {
  if (run.ended === null) return "now";
  if (run.state === "succeeded") return "done";
  return run.state === "cancelled" ? "quiet" : "bad";
}
