/** Work on images that goes on or has just ended: runs that another screen than Run shows. */

import { untrack } from "svelte";

import type { RunDetail } from "../ipc/types";
import { imageWork } from "../lib/progress";
import { isActive } from "../lib/states";
import * as runs from "./runs.svelte";

let ids = $state<string[]>([]);
const stops = new Map<string, () => void>();
/** Runs that were looked at, whatever they turned out to do. */
const seen = new Set<string>();

export const tasks = {
  /** The newest first, as far as they are known. */
  get all(): RunDetail[] {
    return ids.map((id) => runs.detail(id)).filter((run) => run !== undefined);
  },
};

/** Shows a run among the work on images until it is dismissed. */
export function adopt(id: string): void {
  seen.add(id);
  if (ids.includes(id)) return;
  ids = [id, ...ids];
  stops.set(id, runs.attend(id));
}

export function dismiss(id: string): void {
  ids = ids.filter((other) => other !== id);
  stops.get(id)?.();
  stops.delete(id);
}

/** Does the same again, in the place of a run that is over. */
export async function again(id: string): Promise<void> {
  const next = await runs.repeat(id);
  if (next === undefined) return;
  dismiss(id);
  adopt(next);
}

/** Builds an image again as it was built last; `false` where no run of that is known. */
export async function buildAgain(names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    names.map((name) => runs.list({ text: ` as ${name}`, mode: ["sandbox"], limit: 20 })),
  ).catch(() => []);
  const last = found
    .flatMap((list) => list.runs)
    .filter(({ command }) => names.some((name) => command.endsWith(` as ${name}`)))
    .filter(({ command }) => /^(build|customize) /.test(command))
    .toSorted((one, other) => other.run_id.localeCompare(one.run_id))[0];
  if (!last) return false;
  const next = await runs.repeat(last.run_id);
  if (next !== undefined) adopt(next);
  return true;
}

/** Finds work that was begun elsewhere: by the command line, or before the pages were loaded. */
export async function discover(): Promise<void> {
  const unknown = untrack(() => runs.runs.active).filter(
    (run) => run.mode === "sandbox" && !seen.has(run.run_id),
  );
  for (const { run_id: id } of unknown) {
    seen.add(id);
    const run = await runs.look(id).catch(() => undefined);
    if (run === undefined) seen.delete(id);
    else if (imageWork(run) !== null && isActive(run)) adopt(id);
  }
}
