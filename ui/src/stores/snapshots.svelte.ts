/** Snapshots of the account, and every request about them. */

import { snapshots as requests } from "../ipc/api";
import type { NewSnapshot, Snapshot } from "../ipc/types";
import { listed } from "./list.svelte";
import * as settings from "./settings.svelte";
import { say } from "./toasts.svelte";

/** The setting that names the one for runs. */
const USUAL = "sandbox.snapshot_id";

const list = listed(requests.list);

export const snapshots = {
  get all() {
    return list.all;
  },
  get loaded() {
    return list.loaded;
  },
  get failure() {
    return list.failure;
  },
  /** The one that runs use unless another is named; empty for Daytona's own. */
  get usual() {
    return settings.settings.all.find(({ key }) => key === USUAL)?.shown ?? "";
  },
};

export const { read } = list;
const { change } = list;

export const isUsual = ({ name, id }: Snapshot) => snapshots.usual === name || snapshots.usual === id;

/** Makes it the one that runs use, with a way back. */
export const use = ({ name }: Snapshot) => settings.set(USUAL, name);

/** Begins to make one; whoever asked shows the failure. */
export async function create(snapshot: NewSnapshot): Promise<Snapshot> {
  const made = await requests.create(snapshot);
  await read();
  return made;
}

export const { log } = requests;
export const activate = ({ id }: Snapshot) => change(() => requests.activate(id));

export async function deactivate({ id, name }: Snapshot): Promise<void> {
  if (await change(() => requests.deactivate(id))) say(`${name} was put to sleep.`);
}

/** Deletes it; there is no way back. */
export async function remove({ id, name }: Snapshot): Promise<void> {
  if (await change(() => requests.remove(id))) say(`${name} was deleted.`);
}
