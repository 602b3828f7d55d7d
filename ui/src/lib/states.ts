/** How states of a run are shown: a word, and a tone beside it. */

import type { Origin, Run, RunDetail, State } from "../ipc/types";

export type Tone = "plain" | "live" | "ok" | "bad" | "warn" | "quiet";

const TONES: Record<State, Tone> = {
  queued: "live",
  preparing: "live",
  running: "live",
  succeeded: "ok",
  failed: "bad",
  cancelled: "quiet",
  timed_out: "warn",
  error: "bad",
  lost: "bad",
};

/** States of a run that is not over. */
export const ACTIVE: readonly State[] = ["queued", "preparing", "running"];

export const isActive = (run: Pick<Run, "state">) => ACTIVE.includes(run.state);

export const tone = (state: State): Tone => TONES[state] ?? "plain";

/** Whether the kernel ended it because it wanted more memory than its sandbox may use. */
export const isOutOfMemory = (run: Pick<Run, "state"> & Partial<Pick<RunDetail, "ending">>) =>
  run.state === "failed" && (run.ending?.usage?.oom_kills ?? 0) > 0;

/** The state in a list: a failure by its code. */
export function word(run: Pick<Run, "state" | "exit_code"> & Partial<Pick<RunDetail, "ending">>): string {
  if (isOutOfMemory(run)) return "out of memory";
  if (run.state === "failed" && run.exit_code !== null) return `exit ${run.exit_code}`;
  return run.state.replace("_", " ");
}

const ORIGINS: Record<Origin, string> = {
  command_line: "terminal",
  window: "you",
  tray: "tray",
  api: "API",
  agent: "agent",
};

export const by = (origin: Origin) => ORIGINS[origin] ?? origin;

/** Whether a run has a terminal and not just output. */
export const hasTerminal = (run: RunDetail) => typeof run.spec.input === "object";
