/** What can be done with sandboxes in the cloud. */

import Terminal from "@lucide/svelte/icons/square-terminal";

import { openShell } from "../features/terminal/open";
import type { CloudSandbox } from "../ipc/types";
import { cloudCannot } from "../lib/cloud";
import * as store from "../stores/clouds.svelte";
import { go } from "../stores/navigation.svelte";
import { copy, type Acts } from "./acts";
import { listPackages } from "./sandboxes";

const runs = ({ state }: CloudSandbox) => state === "started";
const asleep = ({ state }: CloudSandbox) => (state === "started" ? undefined : cloudCannot(state).start);
const costs = (sandbox: CloudSandbox) => (runs(sandbox) ? undefined : "It is started first, which is asked.");

/** What is to be asked before it is done. */
export interface Asked {
  what: "delete" | "shell" | "packages";
  sandbox: CloudSandbox;
}

/** What is done in one that runs. */
export async function within(what: "shell" | "packages", { id }: CloudSandbox): Promise<void> {
  if (what === "packages") {
    await listPackages("daytona", id);
    return;
  }
  go("run");
  await openShell("daytona", id);
}

/** Starts it, then does that; it costs while it runs, so that was asked. */
export async function wake(what: "shell" | "packages", sandbox: CloudSandbox): Promise<void> {
  if (await store.start(sandbox.id)) await within(what, sandbox);
}

export const cloudActs = (ask: (asked: Asked) => void): Acts<CloudSandbox> => [
  {
    id: "shell",
    title: "Open a shell in the cloud sandbox",
    label: "Open a shell",
    icon: Terminal,
    keys: "t",
    button: true,
    blocked: asleep,
    detail: costs,
    act: (sandbox) => (runs(sandbox) ? void within("shell", sandbox) : ask({ what: "shell", sandbox })),
  },
  {
    id: "packages",
    title: "List packages of the cloud sandbox",
    label: "List packages",
    short: "Packages",
    keys: "l",
    button: true,
    blocked: asleep,
    detail: costs,
    act: (sandbox) => (runs(sandbox) ? void within("packages", sandbox) : ask({ what: "packages", sandbox })),
  },
  { label: "Copy the name", act: ({ name }) => void copy(name) },
  "line",
  {
    id: "start",
    title: "Start the cloud sandbox",
    label: "Start",
    keys: "s",
    button: true,
    hidden: runs,
    blocked: ({ state }) => cloudCannot(state).start,
    act: ({ id }) => void store.start(id),
  },
  {
    id: "stop",
    title: "Stop the cloud sandbox",
    label: "Stop",
    keys: "s",
    button: true,
    hidden: (sandbox) => !runs(sandbox),
    detail: ({ kind }) =>
      kind === "fresh" ? "What runs in it ends, and it is deleted." : "What runs in it ends.",
    act: ({ id }) => void store.stop(id),
  },
  {
    id: "recover",
    title: "Recover the cloud sandbox",
    label: "Recover",
    button: true,
    hidden: ({ state }) => state !== "error",
    blocked: ({ is_recoverable: can }) => (can ? undefined : "Daytona cannot bring this one back."),
    detail: "Daytona tries to bring it back with what is on its disk.",
    act: (sandbox) => void store.recover(sandbox),
  },
  {
    id: "archive",
    title: "Archive the cloud sandbox",
    label: "Archive",
    button: true,
    blocked: ({ state }) => cloudCannot(state).archive,
    detail: "Its disk goes where it costs nothing; starting it takes longer then.",
    act: ({ id }) => void store.archive(id),
  },
  {
    id: "remove",
    title: "Delete the cloud sandbox",
    label: "Delete…",
    keys: "delete",
    danger: true,
    detail: "What is on its disk is gone; the workspace here stays.",
    act: (sandbox) => ask({ what: "delete", sandbox }),
  },
];
