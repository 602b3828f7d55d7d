/** The settings that hold for the workspace, and what works on this machine. */

import { config, doctor as ask } from "../ipc/api";
import type { Setting } from "../ipc/types";
import { onNotice } from "./connection.svelte";
import { attempt, say } from "./toasts.svelte";
import { workspace } from "./workspace.svelte";

export type { Check, Setting } from "../ipc/types";
export const doctor = ask;

let list = $state<Setting[]>([]);

export const settings = {
  get all() {
    return list;
  },
};

export async function read(): Promise<void> {
  list = (await attempt(() => config.list(workspace.path))) ?? list;
}

onNotice((notice) => {
  if (notice.type === "config" && list.length > 0) void read();
});

/** Sets a value in the user's file; `null` removes it. There is a way back. */
export async function set(key: string, value: string | null): Promise<void> {
  const before = list.find((setting) => setting.key === key);
  const done = await attempt(async () => {
    await config.set(key, value);
    return true;
  });
  await read();
  if (!done) return;
  const old = before?.origin.which === "user" ? before.shown : null;
  say(`${key} was changed.`, { label: "Undo", act: () => void config.set(key, old).then(read) });
}
