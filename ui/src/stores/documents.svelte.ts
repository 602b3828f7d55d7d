/** Files that are open in the editor. */

import { untrack } from "svelte";

import type { Language } from "../ipc/types";
import * as drafts from "../lib/drafts";
import { keptFor } from "../lib/kept";
import { isWithin, movedPath } from "../lib/paths";
import { onNotice, onReturn } from "./connection.svelte";
import { OpenDocument } from "./document.svelte";
import { complain, say } from "./toasts.svelte";
import { relative, workspace } from "./workspace.svelte";

export { OpenDocument, type Buffer } from "./document.svelte";

const kept = keptFor<{ paths: string[]; active: string | null }>("stigmer.tabs");

/** Those of every workspace that was open: what is not saved in one does not go with looking at another. */
let everywhere = $state.raw<OpenDocument[]>([]);
let active = $state.raw<OpenDocument | null>(null);
let closing = $state.raw<OpenDocument | null>(null);
const restored = new Set<string>();

const here = $derived(everywhere.filter((document) => document.workspace === workspace.path));

export const documents = {
  /** Those of this workspace, in the order of their tabs. */
  get all() {
    return here;
  },
  /** The one that has the editor. */
  get active() {
    return active?.workspace === workspace.path ? active : null;
  },
  /** The one that is about to be closed although it is not saved: a person is asked. */
  get closing() {
    return closing;
  },
};

/** Opens a file of the workspace, at a line that counts from 1. */
export async function open(path: string, line?: number): Promise<void> {
  const wanted = relative(path).replace(/^(\.\/)+/, "");
  if (wanted === "") return;
  if (wanted.startsWith("/")) {
    say(`${wanted} is not in this workspace.`);
    return;
  }
  const document = here.find((other) => other.path === wanted) ?? add(wanted);
  document.wish = { line: line ?? null };
  await activate(document);
}

function add(path: string): OpenDocument {
  const document = new OpenDocument(workspace.path, path);
  const at = active ? everywhere.indexOf(active) + 1 : everywhere.length;
  everywhere = everywhere.toSpliced(at, 0, document);
  return document;
}

/** Gives a document the editor. */
export async function activate(document: OpenDocument): Promise<void> {
  active = document;
  remember();
  if (document.phase !== "unread") return;
  try {
    await document.load();
  } catch (thrown) {
    // A tab of something that is not there would only be in the way.
    drop(document);
    complain(thrown);
  }
}

/** Lets a person type in the document that has the editor. */
export function focus(line: number | null = active?.wish?.line ?? null): void {
  if (active) active.wish = { line, force: true };
}

/** Closes a tab; a person is asked first where something is not saved. */
export function close(document: OpenDocument): void {
  if (document.dirty && !document.readOnly) {
    closing = document;
    void activate(document);
  } else drop(document);
}

/** What a person answered about the tab that is to be closed. */
export async function answer(choice: "save" | "discard" | "cancel"): Promise<void> {
  const document = closing;
  closing = null;
  if (!document || choice === "cancel") return;
  if (choice === "save" && !(await document.save())) return;
  drop(document);
}

function drop(document: OpenDocument): void {
  const at = here.indexOf(document);
  document.forget();
  everywhere = everywhere.filter((other) => other !== document);
  if (active === document) active = here[Math.min(at, here.length - 1)] ?? null;
  if (active?.phase === "unread") void activate(active);
  remember();
}

/** Shows the tab that is so many further; behind the last comes the first. */
export function step(by: number): void {
  if (!active || here.length === 0) return;
  const next = here.at((here.indexOf(active) + by) % here.length);
  if (next) void activate(next);
}

/** Puts a tab at another place. */
export function reorder(document: OpenDocument, to: number): void {
  const others = here.filter((other) => other !== document);
  const elsewhere = everywhere.filter((other) => !here.includes(other));
  everywhere = [...elsewhere, ...others.toSpliced(to, 0, document)];
  remember();
}

export interface Current {
  /** Relative to the workspace. */
  path: string;
  /** What is selected in it; empty if nothing is. */
  selection: string;
}

/** The document that has the editor. */
export function current(): Current | null {
  if (active?.phase !== "text") return null;
  return { path: active.path, selection: active.buffer?.selection() ?? "" };
}

/** The language that a run would call the current document's, by its name or its first line. */
export const language = (): Language | null => (active?.phase === "text" ? active.language.runs : null);

/** Saves everything that is not saved; `false` if something could not be. */
export async function saveAll(): Promise<boolean> {
  const unsaved = here.filter((document) => document.dirty && !document.readOnly);
  const saved = await Promise.all(unsaved.map((document) => document.save()));
  const failed = unsaved[saved.indexOf(false)];
  // Its bar says what there is to decide.
  if (failed && active !== failed) await activate(failed);
  return failed === undefined;
}

/** A file or folder has another path: its tabs follow. */
export function moved(from: string, to: string): void {
  for (const document of here) {
    if (isWithin(document.path, from)) document.move(movedPath(document.path, from, to));
  }
  remember();
}

/** A file or folder was deleted by the person: tabs with nothing to lose go with it. */
export function removed(path: string): void {
  for (const document of here.filter((other) => isWithin(other.path, path))) {
    if (document.dirty) void document.check();
    else drop(document);
  }
}

function remember(): void {
  kept.set(workspace.path, { paths: here.map(({ path }) => path), active: documents.active?.path ?? null });
}

/** Shows the tabs that this workspace had, with what was not saved in them. */
async function restore(path: string): Promise<void> {
  const tabs = kept.get(path);
  const unsaved = await drafts.pathsOf(path);
  if (workspace.path !== path) return;
  const isFirst = !restored.has(path);
  restored.add(path);
  const known = new Set(here.map((document) => document.path));
  const wanted = isFirst ? [...new Set([...(tabs?.paths ?? []), ...unsaved])] : [];
  const back = wanted.filter((other) => !known.has(other)).map((other) => new OpenDocument(path, other));
  everywhere = [...everywhere, ...back];
  for (const document of back)
    if (unsaved.includes(document.path)) document.load().catch(() => drop(document));
  if (active?.workspace === path) return;
  const shown = here.find((document) => document.path === tabs?.active) ?? here[0];
  active = null;
  // One that is gone since then is no news.
  if (shown) await activateQuietly(shown);
}

async function activateQuietly(document: OpenDocument): Promise<void> {
  active = document;
  if (document.phase === "unread") await document.load().catch(() => drop(document));
  else await document.check();
}

/** Looks at the disk for those that may be different there. */
function check(paths: readonly string[] | null): void {
  for (const document of here) {
    if (paths === null || paths.some((path) => isWithin(document.path, path))) void document.check();
  }
}

const keepDrafts = () => everywhere.forEach((document) => document.keepDraft());

onNotice((notice) => {
  if (notice.type === "files") check(notice.paths);
});
onReturn(() => check(null));
// Files in ignored folders are not told of; whoever comes back from another program sees what it did.
addEventListener("focus", () => void active?.check());
addEventListener("pagehide", keepDrafts);
addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keepDrafts());
addEventListener("beforeunload", (event) => {
  // Later, when the pages are left, there may be no time for it.
  keepDrafts();
  if (everywhere.some((document) => document.dirty && !document.readOnly)) event.preventDefault();
});

$effect.root(() => {
  $effect(() => {
    const { path } = workspace;
    if (path) untrack(() => void restore(path));
  });
});
