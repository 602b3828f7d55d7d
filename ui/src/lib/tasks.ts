/** Work on images in words. */

import type { ImageWork, RunDetail } from "../ipc/types";

/** What it is about: the name that is made, else the one that is worked on. */
export const subject = (work: ImageWork, command: string) =>
  work.name ?? work.tags?.[0] ?? work.image ?? command.replace(/^build /, "");

const GOING: Record<ImageWork["task"], string> = {
  pull: "Getting",
  push: "Pushing",
  build: "Building",
  verify: "Verifying",
  customize: "Making",
};
const DONE: Record<ImageWork["task"], string> = {
  pull: "is here",
  push: "was pushed",
  build: "was built",
  verify: "was verified",
  customize: "was made and verified",
};

/** `Building tools:v8`, `tools:v8 was built`, `tools:v8 was not built`. */
export function title(work: ImageWork, run: Pick<RunDetail, "state" | "command" | "ended">): string {
  const what = subject(work, run.command);
  if (run.ended === null) return `${GOING[work.task]} ${what}`;
  if (run.state === "succeeded") return `${what} ${DONE[work.task]}`;
  const not = DONE[work.task].replace(/^(is|was) /, "$1 not ");
  return run.state === "cancelled" ? `${what} ${not}: it was stopped` : `${what} ${not}`;
}
