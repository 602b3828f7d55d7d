import { describe, expect, test } from "vitest";

import { seeded } from "../../lib/seeded";
import { asRows, ending, fromBar, fromRows, moved, pretended, ROW, START, TALLEST, toBar } from "./position";

const even = () => ROW;
/** Rows that wrap, each as tall as its number says. */
const uneven = (row: number) => ROW * (1 + (row % 5));

describe("moving", () => {
  test("is by pixels, whatever the rows measure", () => {
    expect(moved(START, 50, 100, even)).toEqual({ row: 2, offset: 10 });
    expect(moved({ row: 2, offset: 10 }, -15, 100, even)).toEqual({ row: 1, offset: 15 });
    expect(moved({ row: 2, offset: 10 }, -1000, 100, even)).toEqual(START);
    expect(moved(START, 70, 100, uneven)).toEqual({ row: 2, offset: 10 });
  });

  test("there and back is where it began, in a log of ten million rows too", () => {
    const random = seeded(1);
    for (let round = 0; round < 500; round++) {
      const rows = 10_000_000;
      const from = { row: 1000 + random(rows - 2000), offset: random(20) };
      const by = random(4000) - 2000;
      expect(moved(moved(from, by, rows, even), -by, rows, even)).toEqual(from);
    }
  });
});

test("the end is where the last row ends at the lower edge", () => {
  expect(ending(100, 650, even)).toEqual({ row: 67, offset: 10 });
  expect(ending(10, 650, even)).toEqual(START);
  expect(ending(0, 650, even)).toEqual(START);
  const { row, offset } = ending(1000, 650, uneven);
  let height = -offset;
  for (let at = row; at < 1000; at++) height += uneven(at);
  expect(height).toBe(650);
});

describe("the scroll bar", () => {
  test("is the position itself where that is possible", () => {
    expect(pretended(1000, ROW)).toBe(20_000);
    const end = asRows(ending(1000, 600, even), even);
    expect(toBar(500, end, 20_000 - 600)).toBeCloseTo(500 * ROW, 6);
  });

  test("never asks a browser for more than it can lay out", () => {
    expect(pretended(4_000_000_000, ROW)).toBe(TALLEST);
  });

  test("reaches every row of a log that is longer than it", () => {
    const rows = 12_345_678;
    const way = TALLEST - 600;
    const end = asRows(ending(rows, 600, even), even);
    expect(fromBar(0, end, way)).toBe(0);
    expect(fromBar(way, end, way)).toBe(end);
    let last = -1;
    for (let part = 0; part <= 1000; part++) {
      const position = fromBar((way * part) / 1000, end, way);
      expect(position).toBeGreaterThan(last);
      expect(toBar(position, end, way)).toBeCloseTo((way * part) / 1000, 4);
      last = position;
    }
  });

  test("has a place for a row that is halfway out of sight", () => {
    for (const position of [START, { row: 7, offset: 30 }, { row: 9_999_999, offset: 10 }])
      expect(fromRows(asRows(position, uneven), uneven).row).toBe(position.row);
  });

  test("stands at the beginning when all fits", () => {
    expect(toBar(0, 0, 0)).toBe(0);
    expect(fromBar(0, 0, 0)).toBe(0);
  });
});
