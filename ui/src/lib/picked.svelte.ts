/** What is picked in a list: the row that the keys act on, the one whose detail is open, the one whose menu is. */

/** Where a menu opens: beside an element, or at a point. */
export type Spot = HTMLElement | { x: number; y: number };

/** Another list on the same screen. */
interface Rival {
  leave: () => void;
  close: () => void;
}

/** Of several lists on one screen the keys act on one row, and one detail is open. */
export class Picked<Row> {
  #cursor = $state<string | null>(null);
  #opened = $state<string | null>(null);
  menu = $state.raw<{ row: Row; at: Spot } | null>(null);
  #others: readonly Rival[] = [];

  constructor(
    readonly rows: () => readonly Row[],
    readonly key: (row: Row) => string,
  ) {}

  /** Lists on the same screen. */
  static together<One, Other>(one: Picked<One>, other: Picked<Other>): void {
    one.#others = [other];
    other.#others = [one];
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  set cursor(key: string | null) {
    this.#cursor = key;
    if (key !== null) for (const other of this.#others) other.leave();
  }

  get opened(): string | null {
    return this.#opened;
  }

  /** The row that the keys act on. */
  get current(): Row | undefined {
    return this.#row(this.#cursor);
  }

  /** The row whose detail is open. */
  get shown(): Row | undefined {
    return this.#row(this.#opened);
  }

  #row(key: string | null): Row | undefined {
    return key === null ? undefined : this.rows().find((row) => this.key(row) === key);
  }

  open = (row: Row): void => {
    this.#opened = this.key(row);
    for (const other of this.#others) other.close();
  };

  leave = (): void => {
    this.#cursor = null;
  };

  close = (): void => {
    this.#opened = null;
  };

  ask = (row: Row, at: Spot): void => {
    this.menu = { row, at };
  };
}
