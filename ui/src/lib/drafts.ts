/** Text that is not saved, kept where it survives a reload, a crash and a server that is gone. */

import type { Format } from "./content";

export interface Draft {
  text: string;
  format: Format;
  /** The version of the file that it was made from; `null` where there is none. */
  version: string | null;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** A workspace is an absolute path and cannot contain the separator; so two files never share a place. */
export const draftKey = (workspace: string, path: string) => `${workspace}\0${path}`;

/** The path of a draft of this workspace; `null` for one of another. */
export function draftPath(key: string, workspace: string): string | null {
  return key.startsWith(`${workspace}\0`) ? key.slice(workspace.length + 1) : null;
}

const STORE = "drafts";
let opened: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("stigmer", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no place for drafts"));
  });
  return opened;
}

/** Where nothing can be kept (a private window), editing goes on without it. */
async function ask<A>(
  mode: IDBTransactionMode,
  what: (store: IDBObjectStore) => IDBRequest<A>,
): Promise<A | undefined> {
  try {
    const store = (await database()).transaction(STORE, mode).objectStore(STORE);
    return await new Promise((resolve, reject) => {
      const request = what(store);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("the draft was not kept"));
      // A page that is being left does not live to see the answer, and without this nothing is kept then.
      store.transaction.commit();
    });
  } catch {
    return undefined;
  }
}

export const keep = (key: string, draft: Draft) => ask("readwrite", (store) => store.put(draft, key));
export const drop = (key: string) => ask("readwrite", (store) => store.delete(key));
export const find = (key: string) => ask<Draft | undefined>("readonly", (store) => store.get(key));

/** The paths of a workspace that have drafts. */
export async function pathsOf(workspace: string): Promise<string[]> {
  const keys = (await ask("readonly", (store) => store.getAllKeys())) ?? [];
  return keys.map((key) => draftPath(String(key), workspace)).filter((path) => path !== null);
}
