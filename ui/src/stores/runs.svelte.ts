/** Runs: those that go on or were opened here, and every request about them. */

import { SvelteMap } from "svelte/reactivity";

import { runs as requests, transport } from "../ipc/api";
import type { RunFilter } from "../ipc/api";
import type { ExportFormat, Mode, NewRun, Run, RunDetail } from "../ipc/types";
import { download } from "../lib/download";
import { ACTIVE, isActive } from "../lib/states";
import { onNotice, onReturn, watchRun } from "./connection.svelte";
import { mayLeave } from "./leaving.svelte";
import { withinLimit } from "./limit.svelte";
import { attempt, say } from "./toasts.svelte";

let recent = $state<Run[]>([]);
let active = $state<Run[]>([]);
/** Grows whenever some run changed: what shows a list of its own reads it again. */
let revision = $state(0);
let opened = $state<string[]>([]);
let shown = $state<string | null>(null);
const details = new SvelteMap<string, RunDetail>();
const unwatch = new Map<string, () => void>();
/** Runs that another screen looks at, and how often. */
const attended = new Map<string, number>();

export const runs = {
  /** The newest runs, newest first. */
  get recent() {
    return recent;
  },
  get active() {
    return active;
  },
  get revision() {
    return revision;
  },
  /** Ids of the runs that have a tab, in their order. */
  get opened() {
    return opened;
  },
  /** The id of the run whose output is shown. */
  get shown() {
    return shown;
  },
};

/** What is known about an opened run. */
export const detail = (id: string) => details.get(id);

export const list = (filter: RunFilter, signal?: AbortSignal) => requests.list(filter, signal);
export const compare = (before: string, after: string) => requests.compare(before, after);

/** Begins to keep the lists true. */
export function follow(): void {
  onNotice((notice) => {
    if (notice.type === "runs" || notice.type === "hello") void refresh();
    if (notice.type === "run") void read(notice.run_id);
  });
  onReturn(() => {
    void refresh();
    new Set([...opened, ...attended.keys()]).forEach((id) => void read(id));
  });
}

let reading = false;
let again = false;

/** Reads the lists; calls while it reads make it read once more. */
export async function refresh(): Promise<void> {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    do {
      again = false;
      const [newest, going] = await Promise.all([
        requests.list({ limit: 20 }),
        requests.list({ state: ACTIVE, limit: 100 }),
      ]);
      recent = newest.runs;
      active = going.runs;
      revision += 1;
    } while (again);
  } catch {
    // The connection says so, and everything is read again when it is back.
  } finally {
    reading = false;
  }
}

const isWanted = (id: string) => opened.includes(id) || attended.has(id);

async function read(id: string): Promise<void> {
  try {
    const detail = await requests.get(id);
    if (isWanted(id)) details.set(id, detail);
  } catch {
    // As above.
  }
}

/** Keeps what is known about a run true, without a tab, until the function that it returns is called. */
export function attend(id: string): () => void {
  attended.set(id, (attended.get(id) ?? 0) + 1);
  const stop = watchRun(id);
  void read(id);
  return () => {
    stop();
    const left = (attended.get(id) ?? 1) - 1;
    if (left > 0) attended.set(id, left);
    else attended.delete(id);
    if (!isWanted(id)) details.delete(id);
  };
}

/** What is known about a run now. */
export const look = (id: string) => requests.get(id);

/** Shows a run's output, in a tab of its own if it has none yet. */
export function open(id: string): void {
  if (!opened.includes(id)) {
    opened = [...opened, id];
    unwatch.set(id, watchRun(id));
    void attempt(async () => details.set(id, await requests.get(id)));
  }
  shown = id;
}

/** Closes a tab. The run goes on. */
export function close(id: string): void {
  const at = opened.indexOf(id);
  if (at < 0) return;
  opened = opened.filter((other) => other !== id);
  unwatch.get(id)?.();
  unwatch.delete(id);
  if (!isWanted(id)) details.delete(id);
  if (shown === id) shown = opened[Math.min(at, opened.length - 1)] ?? null;
}

/** Starts a run and shows it, unless somebody minds what it copies to the cloud. A tab of a run that is over makes room. */
export async function start(run: NewRun): Promise<string | undefined> {
  if (!(await mayLeave(run))) return undefined;
  const started = await attempt(() =>
    withinLimit((over_limit) => requests.start({ origin: "window", ...run, over_limit })),
  );
  if (started) replaceShown(started.run_id);
  return started?.run_id;
}

export async function rerun(id: string, mode?: Mode): Promise<string | undefined> {
  const started = await attempt(() => withinLimit((over) => requests.rerun(id, mode, over)));
  if (started) replaceShown(started.run_id);
  return started?.run_id;
}

/** Runs the same again, and shows it nowhere. */
export const repeat = async (id: string) => (await attempt(() => requests.rerun(id)))?.run_id;

/** The tab of a run that is over is used again, as a terminal would; one that goes on keeps its own. */
function replaceShown(id: string): void {
  const before = shown;
  open(id);
  const run = before === null ? undefined : details.get(before);
  if (before !== null && run && !isActive(run)) close(before);
}

/** Asks a run to end; with `force`, or asked a second time, it ends at once. */
export const stop = (id: string, force = false) => attempt(() => requests.cancel(id, force));
export const pin = (id: string, pinned: boolean) => attempt(() => requests.pin(id, pinned));
export const remove = (id: string) => attempt(() => requests.remove(id));
export const endInput = (id: string) => attempt(() => requests.endInput(id));
export const resize = (id: string, cols: number, rows: number) => requests.resize(id, cols, rows);

const ENDINGS: Record<ExportFormat, string> = { text: "txt", raw: "log", json: "jsonl" };

/** Saves a run where a person wants it; a browser asks in its own way. */
export async function save(id: string, format: ExportFormat): Promise<void> {
  const name = `run-${id.slice(-8)}.${ENDINGS[format]}`;
  const { shell } = transport;
  await attempt(async () => {
    if (!shell) download(name, await requests.export(id, format));
    else if (await shell.saveOutput(id, format, name)) say("The output was saved.");
  });
}

const encoder = new TextEncoder();
export const send = (id: string, text: string) => attempt(() => requests.input(id, encoder.encode(text)));
