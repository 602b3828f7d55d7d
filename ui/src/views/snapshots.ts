/** What can be done with snapshots: by key, from the palette, in the menu of one. */

import type { Item } from "../controls/Menu.svelte";
import type { Snapshot } from "../ipc/types";
import { snapshotCan } from "../lib/cloud";
import type { Action } from "../stores/actions.svelte";
import * as store from "../stores/snapshots.svelte";
import { attempt, say } from "../stores/toasts.svelte";

async function copy(text: string): Promise<void> {
  await attempt(() => navigator.clipboard.writeText(text));
  say("The name was copied.");
}

/** `remove` asks first. */
export function snapshotItems(snapshot: Snapshot, remove: (snapshot: Snapshot) => void): (Item | "line")[] {
  const can = snapshotCan(snapshot);
  return [
    {
      label: "Use as default",
      keys: "u",
      disabled: !can.use || store.isUsual(snapshot),
      detail: "Runs in the cloud use it unless another is named.",
      act: () => void store.use(snapshot),
    },
    { label: "Copy the name", act: () => void copy(snapshot.name) },
    "line",
    can.activate
      ? { label: "Activate", act: () => void store.activate(snapshot) }
      : {
          label: "Put to sleep",
          disabled: !can.deactivate,
          detail: "Frees its place; it must be activated before it is used again.",
          act: () => void store.deactivate(snapshot),
        },
    {
      label: "Delete…",
      keys: "delete",
      danger: true,
      disabled: !can.remove,
      detail: "Sandboxes that were made from it live on.",
      act: () => remove(snapshot),
    },
  ];
}

export function snapshotActions(
  current: () => Snapshot | undefined,
  isOpen: () => boolean,
  remove: (snapshot: Snapshot) => void,
  close: () => void,
): Action[] {
  const group = "Snapshots";
  const can = () => {
    const snapshot = current();
    return snapshot && snapshotCan(snapshot);
  };
  const on = (act: (snapshot: Snapshot) => void) => () => {
    const snapshot = current();
    if (snapshot) act(snapshot);
  };
  return [
    {
      id: "snapshot-use",
      title: "Use the snapshot as default",
      group,
      keys: "u",
      disabled: () => !can()?.use,
      act: on((snapshot) => void store.use(snapshot)),
    },
    {
      id: "snapshot-activate",
      title: "Activate the snapshot",
      group,
      disabled: () => !can()?.activate,
      act: on((snapshot) => void store.activate(snapshot)),
    },
    {
      id: "snapshot-deactivate",
      title: "Put the snapshot to sleep",
      group,
      disabled: () => !can()?.deactivate,
      act: on((snapshot) => void store.deactivate(snapshot)),
    },
    {
      id: "snapshot-remove",
      title: "Delete the snapshot",
      group,
      keys: "delete",
      disabled: () => !can()?.remove,
      act: on(remove),
    },
    {
      id: "snapshot-close",
      title: "Close the detail",
      group,
      keys: "escape",
      disabled: () => !isOpen(),
      act: close,
    },
  ];
}
