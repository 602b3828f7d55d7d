/** What can be done with snapshots. */

import type { Snapshot } from "../ipc/types";
import { snapshotCannot } from "../lib/cloud";
import type { Action } from "../stores/actions.svelte";
import * as store from "../stores/snapshots.svelte";
import { copy, type Acts } from "./acts";

/** What can be done on the screen, whichever row is picked. */
export const screenActions = (make: () => void): Action[] => [
  { id: "snapshot-make", title: "Make a snapshot", group: "Snapshots", keys: "n", act: make },
];

/** `remove` asks first. */
export const snapshotActs = (remove: (snapshot: Snapshot) => void): Acts<Snapshot> => [
  {
    id: "use",
    title: "Use the snapshot as default",
    label: "Use as default",
    keys: "u",
    button: true,
    blocked: (snapshot) => (store.isUsual(snapshot) ? "It is the default." : snapshotCannot(snapshot).use),
    detail: "Runs in the cloud use it unless another is named.",
    act: (snapshot) => void store.use(snapshot),
  },
  { label: "Copy the name", act: ({ name }) => void copy(name) },
  "line",
  {
    id: "activate",
    title: "Activate the snapshot",
    label: "Activate",
    button: true,
    hidden: ({ state }) => state !== "inactive",
    blocked: (snapshot) => snapshotCannot(snapshot).activate,
    act: (snapshot) => void store.activate(snapshot),
  },
  {
    id: "deactivate",
    title: "Put the snapshot to sleep",
    label: "Put to sleep",
    button: true,
    hidden: ({ state }) => state === "inactive",
    blocked: (snapshot) => snapshotCannot(snapshot).deactivate,
    detail: "Frees its place; it must be activated before it is used again.",
    act: (snapshot) => void store.deactivate(snapshot),
  },
  {
    id: "remove",
    title: "Delete the snapshot",
    label: ({ is_settled }) => (is_settled ? "Delete…" : "Stop making it…"),
    keys: "delete",
    danger: true,
    blocked: (snapshot) => snapshotCannot(snapshot).remove,
    detail: ({ is_settled }) => (is_settled ? "Sandboxes that were made from it live on." : undefined),
    act: remove,
  },
];
