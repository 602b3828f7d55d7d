/** What the context menu of the tree has for a row. */

import ClipboardCopy from "@lucide/svelte/icons/clipboard-copy";
import Copy from "@lucide/svelte/icons/copy";
import FilePen from "@lucide/svelte/icons/file-pen";
import FilePlus from "@lucide/svelte/icons/file-plus";
import FolderPlus from "@lucide/svelte/icons/folder-plus";
import FolderSearch from "@lucide/svelte/icons/folder-search";
import Play from "@lucide/svelte/icons/play";
import SquarePen from "@lucide/svelte/icons/square-pen";
import Trash from "@lucide/svelte/icons/trash-2";

import type { Item } from "../../controls/Menu.svelte";
import { transport } from "../../ipc/api";
import { joined } from "../../lib/paths";
import type { TreeRow } from "../../lib/tree";
import { runFile } from "../../stores/command.svelte";
import { duplicate } from "../../stores/files.svelte";
import { attempt, say } from "../../stores/toasts.svelte";
import { workspace } from "../../stores/workspace.svelte";
import type { TreeView } from "./view.svelte";

type Items = (Item | "line")[];

export function menuItems(view: TreeView, row: TreeRow | undefined, onopen: (path: string) => void): Items {
  const add: Items = [
    { label: "New file", icon: FilePlus, act: () => view.ask("file", row) },
    { label: "New folder", icon: FolderPlus, act: () => view.ask("folder", row) },
  ];
  if (!row) return [...add, "line", ...places("")];
  const disabled = row.entry.openable === false;
  const change: Items = [
    { label: "Rename", icon: SquarePen, keys: "f2", disabled, act: () => view.askRename(row) },
    ...(row.isFolder ? [] : duplicates(row, view)),
    { label: "Delete", icon: Trash, danger: true, disabled, act: () => void view.remove(row) },
  ];
  return [
    ...(row.isFolder ? [] : opens(row, onopen)),
    ...add,
    "line",
    ...change,
    "line",
    ...places(row.path),
  ];
}

function opens(row: TreeRow, onopen: (path: string) => void): Items {
  const disabled = !row.canOpen;
  return [
    { label: "Open", icon: FilePen, disabled, act: () => onopen(row.path) },
    { label: "Run", icon: Play, disabled, act: () => void runFile(row.path) },
    "line",
  ];
}

function duplicates(row: TreeRow, view: TreeView): Items {
  const act = async () => {
    const copy = await duplicate(row.path);
    if (copy !== undefined) view.cursor = copy;
  };
  return [{ label: "Duplicate", icon: Copy, disabled: !row.canOpen, act: () => void act() }];
}

function places(path: string): Items {
  const absolute = joined(workspace.path, path).replace(/\/$/, "");
  const { shell } = transport;
  const copy = async (text: string) => {
    await attempt(() => navigator.clipboard.writeText(text));
    say(`Copied ${text}`);
  };
  return [
    { label: "Copy the path", icon: ClipboardCopy, act: () => void copy(absolute) },
    ...(path === ""
      ? []
      : [{ label: "Copy the relative path", icon: ClipboardCopy, act: () => void copy(path) }]),
    ...(shell
      ? [
          {
            label: "Show in the file manager",
            icon: FolderSearch,
            act: () => void attempt(() => shell.reveal(absolute)),
          },
        ]
      : []),
  ];
}
