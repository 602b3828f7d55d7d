/** Sandboxes: containers that were made here, others on request, and every request about them. */

import { sandboxes as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { Report, Sandbox } from "../ipc/types";
import { onReturn } from "./connection.svelte";
import { attempt, say } from "./toasts.svelte";

/** How long a removed sandbox can be taken back. */
const UNDO = 8_000;

let list = $state.raw<Sandbox[]>([]);
let all = $state(false);
let loaded = $state(false);
/** Why there is no list. */
let failure = $state.raw<Report | null>(null);
/** Removed here, and perhaps taken back: not shown meanwhile. */
let hidden = $state<string[]>([]);

export const sandboxes = {
  get all() {
    return list.filter(({ name }) => !hidden.includes(name));
  },
  /** Whether those of others are shown, too. */
  get withOthers() {
    return all;
  },
  get loaded() {
    return loaded;
  },
  get failure() {
    return failure;
  },
};

let asked = 0;

/** Reads the list. An answer that is overtaken is dropped. */
export async function read(): Promise<void> {
  const mine = ++asked;
  try {
    const found = await requests.list(all);
    if (mine !== asked) return;
    list = found;
    failure = null;
  } catch (thrown) {
    if (mine !== asked) return;
    const { report, status } = asFailure(thrown);
    // While Stigmer itself does not answer, the status line says so, and what was read stays.
    if (status !== 0 || !loaded) failure = report;
  }
  loaded = true;
}

onReturn(() => {
  if (loaded) void read();
});

export function showOthers(show: boolean): void {
  all = show;
  void read();
}

export const detail = (name: string, signal?: AbortSignal) => requests.detail(name, signal);

async function change(what: Promise<void>): Promise<void> {
  await attempt(() => what);
  await read();
}

export const start = (name: string) => change(requests.start(name));
export const stop = (name: string) => change(requests.stop(name));

/** Removes a sandbox, with a way back for a while. */
export function remove(name: string): void {
  hidden = [...hidden, name];
  const restore = () => (hidden = hidden.filter((other) => other !== name));
  const carryOut = async () => {
    removeEventListener("pagehide", now);
    clearTimeout(timer);
    await change(requests.remove(name));
    restore();
  };
  const now = () => void carryOut();
  const timer = setTimeout(now, UNDO);
  // Whoever closes the window has not taken it back.
  addEventListener("pagehide", now, { once: true });
  say(`${name} was removed.`, {
    label: "Undo",
    act: () => {
      clearTimeout(timer);
      removeEventListener("pagehide", now);
      restore();
    },
  });
}
