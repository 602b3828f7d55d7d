/** The files of the workspace: what was read of it, what is unfolded, and what can be done to it. */

import { untrack } from "svelte";

import { asFailure, files as requests } from "../ipc/api";
import type { FileEntry, Report } from "../ipc/types";
import { keptFor } from "../lib/kept";
import { copyName, foldersAbove, joined, movedPath, nameOf, parentOf } from "../lib/paths";
import { toReread } from "../lib/tree";
import { onNotice, onReturn } from "./connection.svelte";
import * as documents from "./documents.svelte";
import { attempt, say } from "./toasts.svelte";
import { open as openWorkspace, workspace } from "./workspace.svelte";

const kept = keptFor<string[]>("stigmer.unfolded");
/** What a search through the whole workspace reads at most. */
const WALK_FOLDERS = 2_000;
const WALK_FILES = 50_000;
const AT_ONCE = 6;

let folders = $state.raw<ReadonlyMap<string, readonly FileEntry[]>>(new Map());
let unfolded = $state.raw<ReadonlySet<string>>(new Set());
/** Why a folder could not be read. */
let failures = $state.raw<ReadonlyMap<string, Report>>(new Map());
let gone = $state(false);
let walking = $state(false);
let isWalked = false;

export const files = {
  /** What was read, by the folder's path; the empty path is the workspace. */
  get folders() {
    return folders;
  },
  get unfolded() {
    return unfolded;
  },
  get failures() {
    return failures;
  },
  /** The workspace itself is not there any more. */
  get gone() {
    return gone;
  },
  /** A walk through everything goes on. */
  get walking() {
    return walking;
  },
};

/** Folders whose answer is under way, and whether it is old already. */
const reading = new Map<string, { again: boolean }>();

/** Reads a folder; a change while it is read makes it be read once more. */
async function read(folder: string): Promise<void> {
  const under = reading.get(folder);
  if (under) {
    under.again = true;
    return;
  }
  const state = { again: false };
  reading.set(folder, state);
  const at = workspace.path;
  try {
    do {
      state.again = false;
      const entries = await requests.list(at, folder);
      if (workspace.path !== at) return;
      found(folder, entries);
    } while (state.again);
  } catch (thrown) {
    if (workspace.path === at) lost(folder, asFailure(thrown).report);
  } finally {
    reading.delete(folder);
  }
}

function found(folder: string, entries: readonly FileEntry[]): void {
  folders = new Map(folders).set(folder, entries);
  if (failures.has(folder)) failures = without(failures, folder);
  if (folder === "") gone = false;
}

function lost(folder: string, report: Report): void {
  if (report.code === "folder-unusable") gone = true;
  // What is seen stays seen while the server is not there.
  if (report.code === "connection-lost" && folders.has(folder)) return;
  folders = without(folders, folder);
  failures = new Map(failures).set(folder, report);
}

function without<A>(map: ReadonlyMap<string, A>, key: string): ReadonlyMap<string, A> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

/** Shows what is in a folder. */
export function unfold(folder: string): void {
  unfolded = new Set(unfolded).add(folder);
  remember();
  void read(folder);
}

export function fold(folder: string): void {
  const copy = new Set(unfolded);
  copy.delete(folder);
  unfolded = copy;
  remember();
}

export function foldAll(): void {
  unfolded = new Set();
  remember();
}

/** Unfolds everything above a path, so that its row is there. */
export async function reveal(path: string): Promise<void> {
  const above = foldersAbove(path);
  unfolded = new Set([...unfolded, ...above.slice(1)]);
  remember();
  for (const folder of above) if (!folders.has(folder)) await read(folder);
}

/** Reads the workspace again from its root. */
export function refresh(): void {
  failures = new Map();
  reread(null);
}

function reread(changed: readonly string[] | null): void {
  const known = ["", ...folders.keys(), ...failures.keys()];
  const seen = known.filter((folder) => folder === "" || unfolded.has(folder));
  // What is folded is read when it is unfolded; until then it only must not be shown as it was.
  const stale = toReread(changed, folders.keys()).filter((folder) => !seen.includes(folder));
  if (stale.length > 0) {
    folders = new Map([...folders].filter(([folder]) => !stale.includes(folder)));
    isWalked = false;
  }
  for (const folder of toReread(changed, seen)) void read(folder);
}

/** Reads every folder that is not ignored, up to a limit: a search by name looks at all of them. */
export async function walk(): Promise<void> {
  if (walking || isWalked) return;
  walking = true;
  const at = workspace.path;
  const seen = new Map(folders);
  try {
    let level = [""];
    let entries = 0;
    while (level.length > 0 && seen.size < WALK_FOLDERS && entries < WALK_FILES && workspace.path === at) {
      const next: string[] = [];
      for (let begin = 0; begin < level.length; begin += AT_ONCE) {
        await Promise.all(
          level.slice(begin, begin + AT_ONCE).map(async (folder) => {
            const list = seen.get(folder) ?? (await requests.list(at, folder).catch(() => []));
            seen.set(folder, list);
            entries += list.length;
            // Links are not walked: they may lead in a circle.
            const inside = list.filter((entry) => entry.kind === "folder" && !entry.ignored);
            next.push(...inside.map((entry) => joined(folder, entry.name)));
          }),
        );
      }
      level = next;
      // What was read meanwhile is newer.
      if (workspace.path === at) folders = new Map([...seen, ...folders]);
    }
    isWalked = true;
  } finally {
    walking = false;
  }
}

/** Makes a file or folder, with the folders that it is in. Rejects where something is there already. */
export async function create(path: string, kind: "file" | "folder"): Promise<void> {
  await requests.create(workspace.path, path, kind);
  for (const folder of foldersAbove(path)) await read(folder);
  await reveal(path);
}

/** Gives a file or folder another name or place. Never overwrites: rejects where something is there already. */
export async function rename(from: string, to: string): Promise<void> {
  await requests.rename(workspace.path, from, to);
  documents.moved(from, to);
  unfolded = new Set([...unfolded].map((path) => movedPath(path, from, to)));
  remember();
  reread([from, to]);
}

/** Deletes, and offers the way back. */
export async function remove(path: string): Promise<boolean> {
  const at = workspace.path;
  const removed = await attempt(() => requests.remove(at, path));
  if (!removed) return false;
  documents.removed(path);
  reread([path]);
  say(`Deleted ${nameOf(path)}`, {
    label: "Undo",
    act: () =>
      void attempt(async () => {
        await requests.restore(removed.undo);
        if (workspace.path === at) reread([path]);
      }),
  });
  return true;
}

/** Makes a second one of a file, and tells its path. */
export async function duplicate(path: string): Promise<string | undefined> {
  return attempt(async () => {
    const { bytes } = await requests.read(workspace.path, path);
    const taken = (folders.get(parentOf(path)) ?? []).map(({ name }) => name);
    const copy = joined(parentOf(path), copyName(nameOf(path), taken));
    await requests.write(workspace.path, copy, Uint8Array.from(bytes), null);
    await read(parentOf(path));
    return copy;
  });
}

/** Makes the workspace again after it was removed. */
export async function makeAgain(): Promise<void> {
  const path = workspace.path.replace(/\/+$/, "");
  const cut = path.lastIndexOf("/");
  await attempt(async () => {
    await requests.create(path.slice(0, cut) || "/", path.slice(cut + 1), "folder");
    openWorkspace(workspace.path);
    await read("");
  });
}

const remember = () => kept.set(workspace.path, [...unfolded]);

function restore(path: string): void {
  folders = new Map();
  failures = new Map();
  reading.clear();
  gone = false;
  isWalked = false;
  unfolded = new Set(kept.get(path));
  void read("");
  for (const folder of unfolded) void read(folder);
}

onNotice((notice) => {
  if (notice.type !== "files") return;
  if (notice.gone) gone = true;
  else reread(gone ? null : notice.paths);
});
onReturn(() => reread(null));

$effect.root(() => {
  $effect(() => {
    const { path } = workspace;
    if (path) untrack(() => restore(path));
  });
});
