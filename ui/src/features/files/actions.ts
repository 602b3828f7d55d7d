/** What can be done with the tree by key, from the palette and from its header. */

import CopyMinus from "@lucide/svelte/icons/copy-minus";
import FolderOpen from "@lucide/svelte/icons/folder-open";
import FolderPlus from "@lucide/svelte/icons/folder-plus";
import ListFilter from "@lucide/svelte/icons/list-filter";
import RefreshCw from "@lucide/svelte/icons/refresh-cw";

import type { Item } from "../../controls/Menu.svelte";
import type { Action } from "../../stores/actions.svelte";
import { foldAll, refresh } from "../../stores/files.svelte";
import { choose } from "../../stores/workspace.svelte";
import type { TreeView } from "./view.svelte";

const FILTER = "mod+alt+f";

export function treeActions(view: TreeView, focusTree: () => void): Action[] {
  const group = "Files";
  return [
    { id: "file-new", title: "Make a new file", group, keys: "mod+alt+n", act: () => view.ask("file") },
    { id: "folder-new", title: "Make a new folder", group, act: () => view.ask("folder") },
    { id: "file-filter", title: "Filter the files", group, keys: FILTER, act: () => (view.filter = "") },
    { id: "files-fold", title: "Fold all folders", group, act: foldAll },
    { id: "files-refresh", title: "Read the files again", group, act: refresh },
    { id: "files-focus", title: "Go to the files", group, keys: "mod+shift+e", act: focusTree },
  ];
}

export function headerItems(view: TreeView): (Item | "line")[] {
  return [
    { label: "New folder", icon: FolderPlus, act: () => view.ask("folder") },
    { label: "Filter by name", icon: ListFilter, keys: FILTER, act: () => (view.filter = "") },
    { label: "Fold all folders", icon: CopyMinus, act: foldAll },
    { label: "Read again", icon: RefreshCw, act: refresh },
    "line",
    { label: "Open another folder", icon: FolderOpen, keys: "mod+o", act: () => void choose() },
  ];
}
