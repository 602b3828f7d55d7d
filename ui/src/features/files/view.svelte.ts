/** What a person looks at in the tree: the row with the cursor, a name that is typed, a filter. */

import { canOpen, filteredRows, folderFor, jumpTo, rowsOf } from "../../lib/tree";
import type { TreeRow } from "../../lib/tree";
import { joined, nameOf, nameProblem, parentOf } from "../../lib/paths";
import { asFailure } from "../../ipc/failure";
import * as store from "../../stores/files.svelte";
import { sentence } from "../../stores/toasts.svelte";

const { files } = store;

/** Letters that come after this pause begin a new word. */
const PAUSE = 700;

/** A name that is being typed. */
export type Naming = { kind: "rename"; path: string } | { kind: "file" | "folder"; folder: string };

export class TreeView {
  /** The path of the row that the keys act on. */
  cursor = $state<string | null>(null);
  naming = $state.raw<Naming | null>(null);
  problem = $state("");
  /** `null` while there is no field for it. */
  filter = $state<string | null>(null);

  readonly rows = $derived.by(() =>
    this.filter ? filteredRows(files.folders, this.filter) : rowsOf(files.folders, files.unfolded),
  );

  #typed = "";
  #typedAt = 0;

  readonly at = $derived.by(() => this.rows.findIndex(({ path }) => path === this.cursor));

  get row(): TreeRow | undefined {
    return this.rows[this.at];
  }

  move(to: number): void {
    const index = Math.max(0, Math.min(this.rows.length - 1, to));
    this.cursor = this.rows[index]?.path ?? null;
  }

  /** Into a folder, or to the first thing in it. */
  goIn(): void {
    const { row } = this;
    if (!row?.isFolder) return;
    if (row.isOpen) this.move(this.at + 1);
    else if (row.canOpen) store.unfold(row.path);
  }

  /** Out of a folder, or to the folder that it is in. */
  goOut(): void {
    const { row } = this;
    if (!row) return;
    if (row.isOpen) store.fold(row.path);
    else if (row.depth > 0) this.cursor = parentOf(row.path);
  }

  toggle(row: TreeRow): void {
    if (row.isOpen) store.fold(row.path);
    else if (canOpen(row.entry)) store.unfold(row.path);
  }

  /** A letter was typed: on to the next name that begins with it. */
  jump(letter: string, now: number): void {
    this.#typed = now - this.#typedAt > PAUSE ? letter : this.#typed + letter;
    this.#typedAt = now;
    // The same letter again and again goes through all that begin with it.
    const word = /^(.)\1*$/.test(this.#typed) ? letter : this.#typed;
    this.move(jumpTo(this.rows, Math.max(this.at, 0), word));
  }

  /** Asks for the name of something new, in the folder of the cursor. */
  ask(kind: "file" | "folder", row = this.row): void {
    const folder = folderFor(row);
    if (folder !== "") store.unfold(folder);
    this.filter = null;
    this.#begin({ kind, folder });
  }

  askRename(row = this.row): void {
    if (row?.entry.openable === false || !row) return;
    this.#begin({ kind: "rename", path: row.path });
  }

  #begin(naming: Naming): void {
    this.problem = "";
    this.naming = naming;
  }

  cancel(): void {
    this.naming = null;
    this.problem = "";
  }

  /** What the field begins with. */
  get given(): string {
    return this.naming?.kind === "rename" ? nameOf(this.naming.path) : "";
  }

  /** Gives the name, and tells the path of a file that was made. What is wrong with it is said beside the field. */
  async name(typed: string): Promise<string | undefined> {
    const { naming } = this;
    if (!naming) return undefined;
    const name = typed.replace(/\/+$/, "");
    if (name === this.given) {
      this.cancel();
      return undefined;
    }
    this.problem = nameProblem(name) ?? "";
    if (this.problem) return undefined;
    const folder = naming.kind === "rename" ? parentOf(naming.path) : naming.folder;
    const path = joined(folder, name);
    try {
      if (naming.kind === "rename") await store.rename(naming.path, path);
      else await store.create(path, typed.endsWith("/") ? "folder" : naming.kind);
      if (this.naming === naming) this.cancel();
      this.cursor = path;
      return naming.kind === "file" && !typed.endsWith("/") ? path : undefined;
    } catch (thrown) {
      const { report } = asFailure(thrown);
      this.problem = `${sentence(report)}. ${report.hint ?? ""}`.trim();
      return undefined;
    }
  }

  async remove(row = this.row): Promise<void> {
    if (!row || row.entry.openable === false) return;
    const at = this.rows.indexOf(row);
    if (!(await store.remove(row.path))) return;
    if (this.cursor === row.path) this.move(at + 1 < this.rows.length ? at + 1 : at - 1);
  }
}
