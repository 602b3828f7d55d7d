/** The terminals of runs that have a tab: to look at another one and come back must not draw all of it again. */

import type { RunDetail } from "../../ipc/types";
import { runs } from "../../stores/runs.svelte";
import type * as Part from "./screen";

/** A run that began this recently was not seen in a terminal before. */
const FRESH = 15_000;

interface Kept {
  screen: Part.Screen;
  /** Replaced by those of the panel that shows it. */
  events: Part.Events;
}

const kept = new Map<string, Kept>();
const quiet: Part.Events = { onended: () => {}, onfound: () => {} };

let part: Promise<typeof Part> | undefined;
export const preload = () => (part ??= import("./screen"));

/** The terminal of a run, told of to whoever shows it now. */
export async function screenOf(run: RunDetail, events: Part.Events): Promise<Part.Screen> {
  const { Screen } = await preload();
  closeOthers();
  let entry = kept.get(run.run_id);
  if (!entry) {
    const isFresh = Date.now() - Date.parse(run.created) < FRESH;
    const made: Kept = { events, screen: null as never };
    made.screen = new Screen(run.run_id, isFresh, {
      onended: () => made.events.onended(),
      onfound: (index, total) => made.events.onfound(index, total),
    });
    entry = made;
    kept.set(run.run_id, entry);
  }
  entry.events = events;
  return entry.screen;
}

/** The panel is gone; the terminal goes with it if its tab does. */
export function leave(id: string): void {
  const entry = kept.get(id);
  if (!entry) return;
  entry.screen.hide();
  entry.events = quiet;
  // A tab that is closed is closed after its panel.
  setTimeout(closeOthers);
}

function closeOthers(): void {
  for (const [id, { screen }] of kept) {
    if (runs.opened.includes(id)) continue;
    screen.close();
    kept.delete(id);
  }
}
