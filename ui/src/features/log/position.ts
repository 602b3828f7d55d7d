/** Where a view of rows stands, and where its scroll bar does.

    A browser limits how tall an element is, and rows that wrap are as tall as their text, so the scroll bar is a picture
    of the position and not the position itself: up to `TALLEST` pixels both are the same, beyond that the bar's way is
    stretched over all of the rows. Rows are the unit, so that a step is exact whatever the scale. */

/** The height of a row that does not wrap. */
export const ROW = 20;

/** Far below what engines can lay out (about 17 million and 33 million), at any zoom and density. */
export const TALLEST = 6_000_000;

/** The row at the top edge, and how many of its pixels are above the edge. */
export interface Position {
  row: number;
  offset: number;
}

export type HeightOf = (row: number) => number;

export const START: Position = { row: 0, offset: 0 };

/** `position`, moved by pixels; never before the first row nor behind the last. */
export function moved(position: Position, by: number, rows: number, heightOf: HeightOf): Position {
  let { row } = position;
  let offset = position.offset + by;
  while (offset < 0 && row > 0) {
    row -= 1;
    offset += heightOf(row);
  }
  while (row < rows - 1 && offset >= heightOf(row)) {
    offset -= heightOf(row);
    row += 1;
  }
  return { row, offset: Math.max(0, offset) };
}

/** The position whose last row ends at the lower edge, or the first one if all fits. */
export function ending(rows: number, height: number, heightOf: HeightOf): Position {
  let row = rows;
  let left = height;
  while (row > 0 && left > 0) {
    row -= 1;
    left -= heightOf(row);
  }
  return left > 0 ? START : { row, offset: -left };
}

/** A position as a number of rows. */
export const asRows = ({ row, offset }: Position, heightOf: HeightOf) =>
  offset === 0 ? row : row + offset / heightOf(row);

export function fromRows(rows: number, heightOf: HeightOf): Position {
  const row = Math.floor(Math.max(0, rows));
  return { row, offset: (Math.max(0, rows) - row) * heightOf(row) };
}

export const isBefore = (one: Position, other: Position) =>
  one.row < other.row || (one.row === other.row && one.offset < other.offset);

/** The way of a scroll bar: how tall what scrolls pretends to be. `mean` is how tall a row is about. */
export const pretended = (rows: number, mean: number) => Math.min(TALLEST, Math.ceil(rows * mean));

/** Where the bar stands on its `way` for a position, of which the last one is `end`; both in rows. */
export function toBar(position: number, end: number, way: number): number {
  return end <= 0 ? 0 : Math.min(1, position / end) * way;
}

/** The position, in rows, for a place of the bar. */
export function fromBar(bar: number, end: number, way: number): number {
  return way <= 0 ? 0 : Math.min(1, Math.max(0, bar / way)) * end;
}
