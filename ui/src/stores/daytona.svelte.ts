/** The key for Daytona: where it comes from, and what it may do. Nothing here keeps the key itself. */

import { daytona as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { Access, CloudKey, Report } from "../ipc/types";
import { refresh } from "./modes.svelte";
import { attempt, say } from "./toasts.svelte";

let state = $state.raw<CloudKey | null>(null);
/** What Daytona said of the key that is used, where it was asked. */
let access = $state.raw<Access | null>(null);
/** Why a key does not work, or was not kept. */
let failure = $state.raw<Report | null>(null);

export const daytona = {
  get key() {
    return state;
  },
  get access() {
    return access;
  },
  get failure() {
    return failure;
  },
};

/** Reads where the key comes from; `test` asks Daytona, too. */
export async function read(test = false): Promise<void> {
  const found = await attempt(() => requests.key(test));
  if (!found) return;
  state = found;
  if (!test) return;
  access = found.access ?? null;
  failure = found.error ?? null;
}

/** What depends on whether there is a key. */
const others = () => Promise.all([read(), refresh().catch(() => {})]);

/** Tests a key and keeps it. Gives whether it was kept. */
export async function keep(key: string): Promise<boolean> {
  failure = null;
  try {
    access = await requests.keep(key);
  } catch (thrown) {
    failure = asFailure(thrown).report;
    return false;
  }
  await others();
  return true;
}

/** Removes the key from the keychain. */
export async function forget(): Promise<void> {
  const done = await attempt(async () => {
    await requests.forget();
    return true;
  });
  if (!done) return;
  access = null;
  failure = null;
  say("The key was removed from the keychain.");
  await others();
}
