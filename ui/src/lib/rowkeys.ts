/** What keys do with rows that stand below each other. */

/** The row that a key leads to from one; `undefined` for a key that leads to none. */
export const rowFor = (key: string, at: number): number | undefined =>
  ({ ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: Infinity })[key];

/** Whether a key asks for the menu of a row. */
export const asksForMenu = ({ key, shiftKey }: KeyboardEvent) =>
  key === "ContextMenu" || (shiftKey && key === "F10");
