/** Cloud sandboxes of this home. Nobody is asked where there is no key, and a look wakes none of them. */

import { daytona as requests } from "../ipc/api";
import type { CloudSandbox, CloudSandboxDetail, CloudSize, CloudTimers } from "../ipc/types";
import { keepUnused } from "./costs.svelte";
import { listed } from "./list.svelte";
import { say } from "./toasts.svelte";

/** Time between two looks while a change is under way: one that comes from the archive takes minutes. */
const WATCH = 1_000;

const list = listed(async () => {
  const found = await requests.sandboxes();
  keepUnused(found);
  return found;
});
const hasNoKey = () => list.failure?.code === "daytona-no-key";

export const clouds = {
  get all() {
    return hasNoKey() ? [] : list.all;
  },
  /** Whether there is a key, as far as that is known. */
  get hasKey() {
    return list.answered && !hasNoKey();
  },
  get failure() {
    return list.failure;
  },
};

export const { read } = list;

/** Reads it again where there is something to read. */
export async function readAgain(): Promise<void> {
  if (!hasNoKey()) await read();
}

export const detail = requests.sandbox;

const change = (what: () => Promise<unknown>) => list.change(what, WATCH);

export const start = (name: string) => change(() => requests.start(name));
export const stop = (name: string) => change(() => requests.stop(name));

export async function archive(name: string): Promise<void> {
  if (await change(() => requests.archive(name))) say(`${name} is being archived.`);
}

export async function recover({ id, name }: CloudSandbox): Promise<void> {
  if (await change(() => requests.recover(id))) say(`${name} is back, and stopped.`);
}

/** Changes something of one, and gives it as it is then. Whoever asked shows the failure. */
async function edit(what: Promise<CloudSandboxDetail>): Promise<CloudSandboxDetail> {
  const timer = setInterval(() => void read(), WATCH);
  try {
    return await what;
  } finally {
    clearInterval(timer);
    void read();
  }
}

export const resize = (id: string, size: CloudSize) => edit(requests.resize(id, size));
export const setTimers = (id: string, timers: CloudTimers) => edit(requests.setTimers(id, timers));
export const label = (id: string, labels: Record<string, string | null>) => edit(requests.label(id, labels));
export const { preview } = requests;

/** Deletes them all; there is no way back. */
export async function removeAll(ids: readonly string[]): Promise<void> {
  await change(async () => {
    for (const id of ids) await requests.remove(id);
  });
}

/** Deletes it; there is no way back. */
export async function remove(name: string): Promise<void> {
  if (await change(() => requests.remove(name))) say(`${name} was deleted.`);
}
