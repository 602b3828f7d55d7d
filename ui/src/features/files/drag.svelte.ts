/** Moving entries by dragging: with the pointer and not the browser's own drag, which windows of ours do not have. */

import { isWithin, joined, nameOf, parentOf } from "../../lib/paths";
import { folderFor } from "../../lib/tree";
import type { TreeRow } from "../../lib/tree";
import { rename, unfold } from "../../stores/files.svelte";
import { attempt } from "../../stores/toasts.svelte";

/** A hand that presses is not quite still. */
const STILL = 5;
/** A folder that is pointed at this long opens. */
const SPRING = 600;
/** How near an edge makes the tree scroll, and how far at once. */
const EDGE = 28;
const STEP = 12;

export class Drag {
  /** What is dragged, once it is. */
  row = $state.raw<TreeRow | null>(null);
  /** The folder that it would go into; `null` where it cannot. */
  target = $state<string | null>(null);
  x = $state(0);
  y = $state(0);

  #pressed: { row: TreeRow; x: number; y: number } | null = null;
  #over: string | null = null;
  #spring: ReturnType<typeof setTimeout> | undefined;

  constructor(
    /** The row at a height of the window; `null` outside of the tree. */
    private readonly rowAt: (x: number, y: number) => TreeRow | undefined | null,
    private readonly scroller: () => HTMLElement | undefined,
  ) {}

  press(row: TreeRow, event: PointerEvent): void {
    if (event.button !== 0 || event.pointerType === "touch" || row.entry.openable === false) return;
    this.#pressed = { row, x: event.clientX, y: event.clientY };
  }

  move(event: PointerEvent): void {
    if (!this.#pressed) return;
    const far = Math.hypot(event.clientX - this.#pressed.x, event.clientY - this.#pressed.y);
    if (!this.row && far < STILL) return;
    this.row = this.#pressed.row;
    this.x = event.clientX;
    this.y = event.clientY;
    this.#scroll(event.clientY);
    this.#point(this.rowAt(event.clientX, event.clientY));
  }

  #point(over: TreeRow | undefined | null): void {
    const { row } = this;
    if (!row) return;
    const folder = over === null ? null : folderFor(over);
    const stays =
      folder === null || folder === parentOf(row.path) || (row.isFolder && isWithin(folder, row.path));
    this.target = stays ? null : folder;
    const closed = over?.isFolder && !over.isOpen && over.path !== row.path ? over.path : null;
    if (closed === this.#over) return;
    this.#over = closed;
    clearTimeout(this.#spring);
    if (closed !== null) this.#spring = setTimeout(() => unfold(closed), SPRING);
  }

  #scroll(y: number): void {
    const scroller = this.scroller();
    const box = scroller?.getBoundingClientRect();
    if (!scroller || !box) return;
    if (y < box.top + EDGE) scroller.scrollTop -= STEP;
    else if (y > box.bottom - EDGE) scroller.scrollTop += STEP;
  }

  /** Lets go; `true` if something was dragged, so that it is no click. */
  release(): boolean {
    const { row, target } = this;
    this.cancel();
    if (row && target !== null) {
      void attempt(() => rename(row.path, joined(target, nameOf(row.path))));
    }
    return row !== null;
  }

  cancel(): void {
    clearTimeout(this.#spring);
    this.#pressed = null;
    this.#over = null;
    this.row = null;
    this.target = null;
  }
}
