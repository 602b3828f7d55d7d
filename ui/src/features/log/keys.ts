/** Keys on the rows. */

import { isMac } from "../../lib/keys";
import type { Copying } from "./copying.svelte";
import { ROW } from "./position";
import type { Viewport } from "./viewport.svelte";

interface Acts {
  copying: Copying;
  showInWhole: () => void;
}

/** Whether the key did something. */
export function onKeys(event: KeyboardEvent, viewport: Viewport, acts: Acts): boolean {
  if (event.altKey) return false;
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (mod) return withModifier(event, viewport, acts);
  if (event.target instanceof HTMLAnchorElement && event.key === "Enter") return false;
  const page = Math.max(1, Math.floor(viewport.height / ROW) - 1);
  const { first, last } = viewport.whole;
  const at = viewport.cursor;
  // Without a cursor, or with one that is out of sight, it begins at the edge that it comes from.
  const isSeen = at !== null && at >= first - 1 && at <= last + 1;
  const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[spaced(event)];
  if (by !== undefined) {
    viewport.point((isSeen ? at : by < 0 ? last + 1 : first - 1) + by);
    return true;
  }
  if (event.key === "Home") viewport.point(0);
  else if (event.key === "End") end(viewport);
  else if (event.key === "Enter") acts.showInWhole();
  else if (event.key === "Escape" && (acts.copying.all || at !== null || viewport.marked !== null)) {
    acts.copying.all = false;
    viewport.cursor = null;
    viewport.marked = null;
  } else return false;
  return true;
}

/** The space bar turns pages, as everywhere. */
const spaced = (event: KeyboardEvent) =>
  event.key === " " ? (event.shiftKey ? "PageUp" : "PageDown") : event.key;

function end(viewport: Viewport): void {
  viewport.follow();
  viewport.cursor = Math.max(0, viewport.rows - 1);
}

function withModifier(event: KeyboardEvent, viewport: Viewport, { copying }: Acts): boolean {
  const key = event.key.toLowerCase();
  if (key === "a" && !event.shiftKey) copying.chooseAll();
  else if (key === "arrowup" || key === "home") viewport.point(0);
  else if (key === "arrowdown" || key === "end") end(viewport);
  else return false;
  return true;
}
