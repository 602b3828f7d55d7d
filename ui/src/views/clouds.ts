/** What can be done with sandboxes in the cloud: by key, from the palette, in the menu of one. */

import type { Item } from "../controls/Menu.svelte";
import type { CloudSandbox } from "../ipc/types";
import { possible } from "../lib/cloud";
import type { Action } from "../stores/actions.svelte";
import * as store from "../stores/clouds.svelte";
import { attempt, say } from "../stores/toasts.svelte";

async function copy(text: string): Promise<void> {
  await attempt(() => navigator.clipboard.writeText(text));
  say("The name was copied.");
}

export function startOrStop({ id, state }: CloudSandbox): void {
  const can = possible(state);
  if (can.stop) void store.stop(id);
  else if (can.start) void store.start(id);
}

/** `remove` asks first. */
export function cloudItems(
  sandbox: CloudSandbox,
  remove: (sandbox: CloudSandbox) => void,
): (Item | "line")[] {
  const { id, name, kind, state } = sandbox;
  const can = possible(state);
  return [
    { label: "Copy the name", act: () => void copy(name) },
    "line",
    can.stop
      ? {
          label: "Stop",
          keys: "s",
          detail: kind === "fresh" ? "What runs in it ends, and it is deleted." : "What runs in it ends.",
          act: () => void store.stop(id),
        }
      : { label: "Start", keys: "s", disabled: !can.start, act: () => void store.start(id) },
    {
      label: "Archive",
      disabled: !can.archive,
      detail: "Its disk goes where it costs nothing; starting it takes longer then.",
      act: () => void store.archive(id),
    },
    {
      label: "Delete…",
      keys: "delete",
      danger: true,
      detail: "What is on its disk is gone; the workspace here stays.",
      act: () => remove(sandbox),
    },
  ];
}

export function cloudActions(
  current: () => CloudSandbox | undefined,
  isOpen: () => boolean,
  remove: (sandbox: CloudSandbox) => void,
  close: () => void,
): Action[] {
  const group = "Sandboxes";
  const disabled = () => current() === undefined;
  const on = (act: (sandbox: CloudSandbox) => void) => () => {
    const sandbox = current();
    if (sandbox) act(sandbox);
  };
  return [
    {
      id: "cloud-stop",
      title: "Stop or start the cloud sandbox",
      group,
      keys: "s",
      disabled,
      act: on(startOrStop),
    },
    {
      id: "cloud-archive",
      title: "Archive the cloud sandbox",
      group,
      disabled: () => !possible(current()?.state ?? "").archive,
      act: on(({ id }) => void store.archive(id)),
    },
    {
      id: "cloud-remove",
      title: "Delete the cloud sandbox",
      group,
      keys: "delete",
      disabled,
      act: on(remove),
    },
    {
      id: "cloud-close",
      title: "Close the detail of the cloud sandbox",
      group,
      keys: "escape",
      disabled: () => !isOpen(),
      act: close,
    },
  ];
}
