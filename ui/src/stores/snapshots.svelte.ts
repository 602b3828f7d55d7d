/** Snapshots of the account, and every request about them. */

import { snapshots as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { Report, Snapshot } from "../ipc/types";
import { onReturn } from "./connection.svelte";
import * as settings from "./settings.svelte";
import { attempt, say } from "./toasts.svelte";

/** The setting that names the one for runs. */
const USUAL = "sandbox.snapshot_id";

let list = $state.raw<Snapshot[]>([]);
let loaded = $state(false);
/** Why there is no list. */
let failure = $state.raw<Report | null>(null);

export const snapshots = {
  get all() {
    return list;
  },
  get loaded() {
    return loaded;
  },
  get failure() {
    return failure;
  },
  /** The one that runs use unless another is named; empty for Daytona's own. */
  get usual() {
    return settings.settings.all.find(({ key }) => key === USUAL)?.shown ?? "";
  },
};

let asked = 0;

/** Reads the list. An answer that is overtaken is dropped. */
export async function read(): Promise<void> {
  const mine = ++asked;
  try {
    const found = await requests.list();
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

export const isUsual = ({ name, id }: Snapshot) => snapshots.usual === name || snapshots.usual === id;

/** Makes it the one that runs use, with a way back. */
export const use = ({ name }: Snapshot) => settings.set(USUAL, name);

async function change(what: () => Promise<unknown>): Promise<boolean> {
  const done = await attempt(async () => {
    await what();
    return true;
  });
  await read();
  return done ?? false;
}

export const activate = ({ id }: Snapshot) => change(() => requests.activate(id));

export async function deactivate({ id, name }: Snapshot): Promise<void> {
  if (await change(() => requests.deactivate(id))) say(`${name} was put to sleep.`);
}

/** Deletes it; there is no way back. */
export async function remove({ id, name }: Snapshot): Promise<void> {
  if (await change(() => requests.remove(id))) say(`${name} was deleted.`);
}
