/** A tree of files as the list of rows that is shown. */

import type { FileEntry } from "../ipc/types";
import { foldersAbove, joined, parentOf } from "./paths";

/** What is known of each folder that was read, by its path. */
export type Folders = ReadonlyMap<string, readonly FileEntry[]>;

export interface TreeRow {
  path: string;
  name: string;
  entry: FileEntry;
  depth: number;
  isFolder: boolean;
  isOpen: boolean;
  canOpen: boolean;
  /** Its place among its siblings, from 1, and their number: what a screen reader says. */
  position: number;
  siblings: number;
}

export const isFolder = (entry: FileEntry) => entry.kind === "folder" || entry.leads_to === "folder";

/** Pipes and sockets, names that are no text, and links to nowhere can be seen, but not opened. */
export const canOpen = (entry: FileEntry) =>
  entry.openable !== false &&
  (isFolder(entry) || entry.kind === "file" || (entry.kind === "link" && entry.leads_to === "file"));

/** Rows of all folders that are open, from the top. */
export function rowsOf(folders: Folders, open: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (folder: string, depth: number) => {
    const entries = folders.get(folder) ?? [];
    entries.forEach((entry, index) => {
      const path = joined(folder, entry.name);
      const opens = isFolder(entry) && open.has(path);
      rows.push(row(path, entry, depth, opens, index + 1, entries.length));
      if (opens) add(path, depth + 1);
    });
  };
  add("", 0);
  return rows;
}

function row(
  path: string,
  entry: FileEntry,
  depth: number,
  isOpen: boolean,
  position: number,
  siblings: number,
) {
  return {
    path,
    name: entry.name,
    entry,
    depth,
    isFolder: isFolder(entry),
    isOpen,
    canOpen: canOpen(entry),
    position,
    siblings,
  };
}

/** Rows whose names hold `text`, with the folders that they are in; all folders on the way are open. */
export function filteredRows(folders: Folders, text: string): TreeRow[] {
  const wanted = text.toLowerCase();
  const found = (folder: string, depth: number): TreeRow[] =>
    (folders.get(folder) ?? []).flatMap((entry) => {
      const path = joined(folder, entry.name);
      const inside = isFolder(entry) ? found(path, depth + 1) : [];
      const answers = (wanted.includes("/") ? path : entry.name).toLowerCase().includes(wanted);
      if (!answers && inside.length === 0) return [];
      return [row(path, entry, depth, inside.length > 0, 1, 1), ...inside];
    });
  return found("", 0);
}

/** Files that were seen so far, without those that are ignored. */
export function filesOf(folders: Folders): string[] {
  const paths: string[] = [];
  for (const [folder, entries] of folders) {
    for (const entry of entries) {
      if (!isFolder(entry) && canOpen(entry) && !entry.ignored) paths.push(joined(folder, entry.name));
    }
  }
  return paths;
}

/** The folders to read again after `changed` did; `null`: anything may have. Only what was read before is. */
export function toReread(changed: readonly string[] | null, known: Iterable<string>): string[] {
  const read = new Set(known);
  if (changed === null) return [...read];
  const wanted = new Set<string>();
  for (const path of changed) {
    if (read.has(path)) wanted.add(path);
    // A folder that came with all its parents at once is told of by its innermost name alone.
    const above = foldersAbove(path).findLast((folder) => read.has(folder));
    if (above !== undefined) wanted.add(above);
  }
  return [...wanted];
}

/** The row that a typed letter jumps to: the next one that begins with it, from the top again after the end. */
export function jumpTo(rows: readonly TreeRow[], from: number, typed: string): number {
  const wanted = typed.toLowerCase();
  // A second letter may still belong to the row that the first one found.
  const first = wanted.length > 1 ? from : from + 1;
  for (let step = 0; step < rows.length; step += 1) {
    const index = (first + step) % rows.length;
    if (rows[index]?.name.toLowerCase().startsWith(wanted)) return index;
  }
  return from;
}

/** The folder that something is put into when it is put onto this row. */
export const folderFor = (row: TreeRow | undefined) =>
  row === undefined ? "" : row.isFolder ? row.path : parentOf(row.path);
