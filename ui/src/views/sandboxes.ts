/** What can be done with containers. */

import Terminal from "@lucide/svelte/icons/square-terminal";

import { openShell, runWithin } from "../features/terminal/open";
import type { Sandbox } from "../ipc/types";
import { PACKAGES } from "../lib/packages";
import type { Action } from "../stores/actions.svelte";
import { go } from "../stores/navigation.svelte";
import * as runs from "../stores/runs.svelte";
import * as store from "../stores/sandboxes.svelte";
import { copy, type Acts } from "./acts";

const isRunning = ({ state }: Sandbox) => state === "running";
const notOurs = ({ is_ours }: Sandbox) => !is_ours;
const asleep = (sandbox: Sandbox) => (isRunning(sandbox) ? undefined : "It does not run.");

/** Lists what is installed in a sandbox, as a run. */
export async function listPackages(...[mode, name, folder]: Parameters<typeof openShell>): Promise<void> {
  const run = runWithin(mode, name, PACKAGES, folder);
  if (await runs.start({ ...run, labels: ["packages"] })) go("run");
}

function stopped({ kind }: Sandbox): string {
  return kind === "kept" ? "What runs in it ends." : "What runs in it ends, and it is removed.";
}

export const sandboxActs: Acts<Sandbox> = [
  {
    id: "shell",
    title: "Open a shell in the sandbox",
    label: "Open a shell",
    icon: Terminal,
    keys: "t",
    button: true,
    hidden: notOurs,
    blocked: asleep,
    act: ({ name, workspace: folder }) => {
      go("run");
      void openShell("sandbox", name, folder);
    },
  },
  {
    id: "packages",
    title: "List packages of the sandbox",
    label: "List packages",
    short: "Packages",
    keys: "l",
    button: true,
    hidden: notOurs,
    blocked: asleep,
    act: ({ name, workspace: folder }) => void listPackages("sandbox", name, folder),
  },
  { label: "Copy the name", act: ({ name }) => void copy(name) },
  "line",
  {
    id: "stop",
    title: "Stop the sandbox",
    label: "Stop",
    keys: "s",
    hidden: (sandbox) => notOurs(sandbox) || !isRunning(sandbox),
    detail: stopped,
    act: ({ name }) => void store.stop(name),
  },
  {
    id: "start",
    title: "Start the sandbox",
    label: "Start",
    keys: "s",
    button: true,
    hidden: (sandbox) => notOurs(sandbox) || isRunning(sandbox),
    act: ({ name }) => void store.start(name),
  },
  {
    id: "remove",
    title: "Remove the sandbox",
    label: "Remove",
    keys: "delete",
    danger: true,
    detail: "What runs in it ends; the workspace stays.",
    hidden: notOurs,
    act: ({ name }) => store.remove(name),
  },
];

export const others: Action = {
  id: "sandbox-others",
  title: "Show or hide containers of others",
  group: "Sandboxes",
  keys: "o",
  act: () => store.showOthers(!store.sandboxes.withOthers),
};
