/** The list of all runs: what it is filtered by, the pages that were read, what is marked in it. */

import type { RunFilter } from "../ipc/api";
import type { Comparison, Mode, Origin, Run, State } from "../ipc/types";
import { isActive } from "../lib/states";
import { onReturn } from "./connection.svelte";
import * as runs from "./runs.svelte";
import { attempt, complain, say } from "./toasts.svelte";

const PAGE = 60;
/** How long a deleted run can be taken back. */
const UNDO = 8_000;

export type Span = "any" | "today" | "week" | "month";

interface Wanted {
  text: string;
  states: State[];
  modes: Mode[];
  origins: Origin[];
  span: Span;
  pinned: boolean;
}

const nothing = (): Wanted => ({ text: "", states: [], modes: [], origins: [], span: "any", pinned: false });

let wanted = $state<Wanted>(nothing());
let rows = $state.raw<Run[]>([]);
let total = $state(0);
let loaded = $state(false);
let marked = $state<string[]>([]);
/** Deleted here, and perhaps taken back: not shown meanwhile. */
let hidden = $state<string[]>([]);
let comparison = $state<Comparison | null>(null);
let asked: AbortController | undefined;

export const history = {
  get wanted() {
    return wanted;
  },
  get rows() {
    return rows.filter((run) => !hidden.includes(run.run_id));
  },
  get total() {
    return total - hidden.length;
  },
  /** Whether the first answer is here. */
  get loaded() {
    return loaded;
  },
  get isFiltered() {
    return JSON.stringify(wanted) !== JSON.stringify(nothing());
  },
  /** Runs that are marked to be compared or deleted, in the order of marking. */
  get marked() {
    return marked;
  },
  get comparison() {
    return comparison;
  },
};

/** Shows what this lets through, beside what was wanted before. */
export function want(changed: Partial<Wanted>): void {
  wanted = { ...wanted, ...changed };
  void read();
}

export const wantAll = () => want(nothing());

function since(span: Span): string | undefined {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const days = { any: undefined, today: 0, week: 6, month: 29 }[span];
  if (days === undefined) return undefined;
  midnight.setDate(midnight.getDate() - days);
  return midnight.toISOString();
}

function filter(): RunFilter {
  const from = since(wanted.span);
  return {
    text: wanted.text,
    state: wanted.states,
    mode: wanted.modes,
    origin: wanted.origins,
    pinned: wanted.pinned,
    ...(from === undefined ? {} : { since: from }),
  };
}

/** Reads as many rows as are shown, from the newest on. An answer that is overtaken is dropped. */
export async function read(): Promise<void> {
  asked?.abort();
  const { signal } = (asked = new AbortController());
  try {
    const limit = Math.max(PAGE, Math.ceil(rows.length / PAGE) * PAGE);
    const list = await runs.list({ ...filter(), limit }, signal);
    rows = list.runs;
    total = list.total;
    loaded = true;
  } catch (thrown) {
    if (!signal.aborted) complain(thrown);
  }
}

let reading = false;

/** Reads the rows behind the last one. */
export async function readMore(): Promise<void> {
  const last = rows.at(-1);
  if (reading || last === undefined || rows.length >= total) return;
  reading = true;
  const list = await attempt(() => runs.list({ ...filter(), limit: PAGE, before: last.run_id }));
  if (list && rows.at(-1) === last) rows = [...rows, ...list.runs];
  reading = false;
}

onReturn(() => void read());

export function mark(id: string): void {
  marked = marked.includes(id) ? marked.filter((other) => other !== id) : [...marked, id];
}

export const unmark = () => void (marked = []);

/** Compares two runs, the earlier one first. */
export async function compare(one: string, other: string): Promise<void> {
  const [before, after] = [one, other].toSorted() as [string, string];
  const found = await attempt(() => runs.compare(before, after));
  if (found) comparison = found;
}

/** Compares a run with the last one of the same command that was good. */
export async function compareWithLastGood(run: Run): Promise<void> {
  const list = await attempt(() => runs.list({ text: run.command, state: ["succeeded"], limit: 50 }));
  if (!list) return;
  const good = list.runs.find(
    (other) =>
      other.command === run.command && other.run_id < run.run_id && other.workspace === run.workspace,
  );
  if (good) await compare(good.run_id, run.run_id);
  else say("This command has no good run before this one. Mark two runs with Space to compare them.");
}

export const closeComparison = () => void (comparison = null);

/** Deletes runs, with a way back for a while. */
export function remove(ids: readonly string[]): void {
  const going = ids.filter((id) => rows.some((run) => run.run_id === id && !run.pinned && !isActive(run)));
  if (going.length < ids.length) say("Runs that go on or are pinned stay.");
  if (going.length === 0) return;
  hidden = [...hidden, ...going];
  marked = marked.filter((id) => !going.includes(id));
  const restore = () => (hidden = hidden.filter((id) => !going.includes(id)));
  const carryOut = async () => {
    removeEventListener("pagehide", now);
    clearTimeout(timer);
    going.forEach(runs.close);
    for (const id of going) await runs.remove(id);
    await read();
    restore();
  };
  const now = () => void carryOut();
  const timer = setTimeout(now, UNDO);
  // Whoever closes the window has not taken it back.
  addEventListener("pagehide", now, { once: true });
  say(going.length === 1 ? "The run was deleted." : `${going.length} runs were deleted.`, {
    label: "Undo",
    act: () => {
      clearTimeout(timer);
      removeEventListener("pagehide", now);
      restore();
    },
  });
}
