/** The folder that runs work on and that the tree shows. */

import { app, transport } from "../ipc/api";
import type { App } from "../ipc/types";
import { watchWorkspace } from "./connection.svelte";
import { attempt } from "./toasts.svelte";

const KEPT = "stigmer.workspaces";
const MOST = 8;

let about = $state<App | null>(null);
let path = $state("");
let recent = $state<string[]>(JSON.parse(localStorage.getItem(KEPT) ?? "[]") as string[]);

export const workspace = {
  /** Absolute; empty until the engine has told the usual one. */
  get path() {
    return path;
  },
  get name() {
    return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
  },
  /** Folders that were open lately, this one first. */
  get recent() {
    return recent;
  },
  /** What the engine says about itself; `null` until it did. */
  get app() {
    return about;
  },
};

/** Learns the usual workspace, and opens the one that was open last. */
export async function load(): Promise<void> {
  about = await app();
  open(recent[0] ?? about.workspace);
}

export function open(folder: string): void {
  path = folder;
  recent = [folder, ...recent.filter((other) => other !== folder)].slice(0, MOST);
  localStorage.setItem(KEPT, JSON.stringify(recent));
  watchWorkspace(folder);
}

/** A path below the workspace as people write it. */
export function relative(absolute: string): string {
  return absolute.startsWith(`${path}/`) ? absolute.slice(path.length + 1) : absolute;
}

let asking = $state(false);

/** Whether the dialog that asks for a folder by its path is open: where no window of ours could ask. */
export const question = {
  get open() {
    return asking;
  },
  close: () => (asking = false),
};

/** Lets a person choose another folder. */
export async function choose(): Promise<void> {
  const { shell } = transport;
  if (!shell) {
    asking = true;
    return;
  }
  const chosen = await attempt(() => shell.chooseFolder(path));
  if (chosen) open(chosen);
}
