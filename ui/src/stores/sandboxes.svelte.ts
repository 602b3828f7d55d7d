/** Sandboxes: containers that were made here, others on request, and every request about them. */

import { sandboxes as requests } from "../ipc/api";
import { listed, undoable } from "./list.svelte";

let withOthers = $state(false);
/** Removed here, and perhaps taken back: not shown meanwhile. */
let hidden = $state<string[]>([]);
const list = listed(() => requests.list(withOthers));

export const sandboxes = {
  get all() {
    return list.all.filter(({ name }) => !hidden.includes(name));
  },
  /** Whether those of others are shown, too. */
  get withOthers() {
    return withOthers;
  },
  get loaded() {
    return list.loaded;
  },
  get failure() {
    return list.failure;
  },
};

export const { read } = list;

export function showOthers(show: boolean): void {
  withOthers = show;
  void read();
}

export const { detail } = requests;
export const start = (name: string) => list.change(() => requests.start(name));
export const stop = (name: string) => list.change(() => requests.stop(name));

/** Removes a sandbox, with a way back for a while. */
export function remove(name: string): void {
  hidden = [...hidden, name];
  undoable(
    `${name} was removed.`,
    () => (hidden = hidden.filter((other) => other !== name)),
    async () => void (await list.change(() => requests.remove(name))),
  );
}
