/** Whether the engine is heard, and what it tells. */

import { transport } from "../ipc/api";
import { keepToken } from "../ipc/http";
import type { Status, Subscription } from "../ipc/transport";
import type { Notice } from "../ipc/types";

let status = $state<Status>("connecting");
let subscription: Subscription | undefined;
let workspace: string | null = null;

/** How many parts of the pages want to hear about each run. */
const watched = new Map<string, number>();
const listeners = new Set<(notice: Notice) => void>();
const returns = new Set<() => void>();

export const connection = {
  get status() {
    return status;
  },
};

/** Begins to listen. Once, when the pages start. */
export function connect(): void {
  let wasOnline = false;
  subscription = transport.subscribe(wanted(), {
    notice: (notice) => listeners.forEach((listener) => listener(notice)),
    status: (now) => {
      const isBack = now === "online" && wasOnline && status !== "online";
      wasOnline ||= now === "online";
      status = now;
      // Notices of the meantime are lost; what they told of is read again.
      if (isBack) returns.forEach((read) => read());
    },
  });
}

/** Hears every notice until the function that it returns is called. */
export function onNotice(listener: (notice: Notice) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `read` whenever the engine is back after it was not heard. */
export function onReturn(read: () => void): () => void {
  returns.add(read);
  return () => returns.delete(read);
}

/** Wants notices of a run until the function that it returns is called. */
export function watchRun(id: string): () => void {
  watched.set(id, (watched.get(id) ?? 0) + 1);
  subscription?.watch(wanted());
  return () => {
    const left = (watched.get(id) ?? 1) - 1;
    if (left > 0) watched.set(id, left);
    else watched.delete(id);
    subscription?.watch(wanted());
  };
}

/** Wants notices of the files of one workspace. */
export function watchWorkspace(path: string): void {
  workspace = path;
  subscription?.watch(wanted());
}

function wanted() {
  return { runs: [...watched.keys()], workspace };
}

/** Goes in with this token. */
export function enter(token: string): void {
  keepToken(token);
  location.reload();
}
