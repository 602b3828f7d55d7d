/** What can be done with sandboxes: by key, from the palette, in the menu of one. */

import type { Item } from "../controls/Menu.svelte";
import { openShell } from "../features/terminal/open";
import type { NewRun, Sandbox } from "../ipc/types";
import { PACKAGES } from "../lib/packages";
import type { Action } from "../stores/actions.svelte";
import { go } from "../stores/navigation.svelte";
import * as runs from "../stores/runs.svelte";
import * as store from "../stores/sandboxes.svelte";
import { attempt, say } from "../stores/toasts.svelte";
import { workspace } from "../stores/workspace.svelte";

const isRunning = ({ state }: Sandbox) => state === "running";

export function shell({ name, workspace: folder }: Sandbox): void {
  go("run");
  void openShell(name, folder);
}

export async function packages({ name, workspace: folder }: Sandbox): Promise<void> {
  const started = await runs.start({
    work: { kind: "line", line: PACKAGES },
    workspace: folder ?? workspace.path,
    mode: "sandbox",
    sandbox: { within: name } as NonNullable<NewRun["sandbox"]>,
    labels: ["packages"],
  });
  if (started) go("run");
}

export const startOrStop = (sandbox: Sandbox) =>
  isRunning(sandbox) ? store.stop(sandbox.name) : store.start(sandbox.name);

async function copy(text: string): Promise<void> {
  await attempt(() => navigator.clipboard.writeText(text));
  say("The name was copied.");
}

export function sandboxItems(sandbox: Sandbox): (Item | "line")[] {
  const name: Item = { label: "Copy the name", act: () => void copy(sandbox.name) };
  if (!sandbox.is_ours) return [name];
  const disabled = !isRunning(sandbox);
  return [
    { label: "Open a shell", keys: "t", disabled, act: () => shell(sandbox) },
    { label: "List packages", keys: "l", disabled, act: () => void packages(sandbox) },
    name,
    "line",
    isRunning(sandbox)
      ? {
          label: "Stop",
          keys: "s",
          detail:
            sandbox.kind === "kept" ? "What runs in it ends." : "What runs in it ends, and it is removed.",
          act: () => void store.stop(sandbox.name),
        }
      : { label: "Start", keys: "s", act: () => void store.start(sandbox.name) },
    {
      label: "Remove",
      keys: "delete",
      danger: true,
      detail: "What runs in it ends; the workspace stays.",
      act: () => store.remove(sandbox.name),
    },
  ];
}

export function sandboxActions(
  current: () => Sandbox | undefined,
  isOpen: () => boolean,
  close: () => void,
): Action[] {
  const group = "Sandboxes";
  const mine = () => {
    const sandbox = current();
    return sandbox?.is_ours ? sandbox : undefined;
  };
  const disabled = () => mine() === undefined;
  const asleep = () => {
    const sandbox = mine();
    return sandbox === undefined || !isRunning(sandbox);
  };
  const on = (act: (sandbox: Sandbox) => void) => () => {
    const sandbox = mine();
    if (sandbox) act(sandbox);
  };
  return [
    {
      id: "sandbox-shell",
      title: "Open a shell in the sandbox",
      group,
      keys: "t",
      disabled: asleep,
      act: on(shell),
    },
    {
      id: "sandbox-packages",
      title: "List packages of the sandbox",
      group,
      keys: "l",
      disabled: asleep,
      act: on((sandbox) => void packages(sandbox)),
    },
    {
      id: "sandbox-stop",
      title: "Stop or start the sandbox",
      group,
      keys: "s",
      disabled,
      act: on((sandbox) => void startOrStop(sandbox)),
    },
    {
      id: "sandbox-remove",
      title: "Remove the sandbox",
      group,
      keys: "delete",
      disabled,
      act: on(({ name }) => store.remove(name)),
    },
    {
      id: "sandbox-others",
      title: "Show or hide containers of others",
      group,
      keys: "o",
      act: () => store.showOthers(!store.sandboxes.withOthers),
    },
    {
      id: "sandbox-close",
      title: "Close the detail",
      group,
      keys: "escape",
      disabled: () => !isOpen(),
      act: close,
    },
  ];
}
