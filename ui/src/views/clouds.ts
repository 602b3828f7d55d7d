/** What can be done with sandboxes in the cloud. */

import type { CloudSandbox } from "../ipc/types";
import { cloudCannot } from "../lib/cloud";
import * as store from "../stores/clouds.svelte";
import { copy, type Acts } from "./acts";

const runs = ({ state }: CloudSandbox) => state === "started";

/** `remove` asks first. */
export const cloudActs = (remove: (sandbox: CloudSandbox) => void): Acts<CloudSandbox> => [
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
    act: remove,
  },
];
