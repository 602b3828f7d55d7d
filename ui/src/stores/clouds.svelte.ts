/** Cloud sandboxes of this home. Nobody is asked where there is no key, and a look wakes none of them. */

import { daytona as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { CloudSandbox, Report } from "../ipc/types";
import { onReturn } from "./connection.svelte";
import { attempt, say } from "./toasts.svelte";

/** Time between two looks while a change is under way. */
const WATCH = 1_000;

let list = $state.raw<CloudSandbox[]>([]);
/** Whether there is a key, as far as that is known. */
let hasKey = $state<boolean | null>(null);
/** Why there is no list. */
let failure = $state.raw<Report | null>(null);
let changing = 0;

export const clouds = {
  get all() {
    return list;
  },
  get hasKey() {
    return hasKey;
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
    const found = await requests.sandboxes();
    if (mine !== asked) return;
    list = found;
    hasKey = true;
    failure = null;
  } catch (thrown) {
    if (mine !== asked) return;
    const { report, status } = asFailure(thrown);
    if (report.code === "daytona-no-key") {
      hasKey = false;
      list = [];
      failure = null;
    } else if (status !== 0) {
      hasKey = true;
      failure = report;
    }
  }
}

/** Reads it again where there is something to read. */
export async function readAgain(): Promise<void> {
  if (hasKey !== false) await read();
}

onReturn(() => {
  if (hasKey) void read();
});

export const detail = (name: string, signal?: AbortSignal) => requests.sandbox(name, signal);

/** Carries out a change, and looks meanwhile: one that comes from the archive takes minutes. */
async function change(what: () => Promise<void>): Promise<boolean> {
  changing += 1;
  const timer = setInterval(() => {
    if (changing > 0) void read();
  }, WATCH);
  const done = await attempt(async () => {
    await what();
    return true;
  });
  clearInterval(timer);
  changing -= 1;
  await read();
  return done ?? false;
}

export const start = (name: string) => change(() => requests.start(name));
export const stop = (name: string) => change(() => requests.stop(name));

export async function archive(name: string): Promise<void> {
  if (await change(() => requests.archive(name))) say(`${name} is being archived.`);
}

/** Deletes it; there is no way back. */
export async function remove(name: string): Promise<void> {
  if (await change(() => requests.remove(name))) say(`${name} was deleted.`);
}
