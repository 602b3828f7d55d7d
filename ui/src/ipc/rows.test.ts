import { describe, expect, it } from "vitest";

import { decodeRows } from "./rows";

/** One row, as the server writes it. */
function encoded(text: Uint8Array, flags = 0, kind = 0): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + 40 + text.length);
  const view = new DataView(buffer);
  view.setUint32(0, 0x31475453, true);
  view.setUint32(4, 1, true);
  view.setBigUint64(8, 7n, true);
  view.setBigUint64(16, 5_000_000_000n, true);
  view.setBigUint64(24, 1_790_000_000_000_000n, true);
  view.setBigUint64(32, BigInt(text.length), true);
  view.setUint8(40, kind);
  view.setUint8(41, flags);
  view.setUint32(44, text.length, true);
  new Uint8Array(buffer, 48).set(text);
  return buffer;
}

describe("rows of a log", () => {
  it("come with numbers beyond 32 bits, their stream and their text", () => {
    const [row] = decodeRows(encoded(new TextEncoder().encode("héllo"), 0, 1));
    expect(row).toMatchObject({
      line: 7,
      offset: 5_000_000_000,
      at: 1_790_000_000_000_000,
      length: 6,
      kind: "stderr",
      text: "héllo",
    });
  });

  it("say each thing that a viewer must know", () => {
    expect(decodeRows(encoded(new Uint8Array(), 0b11111))[0]).toMatchObject({
      matches: true,
      gap: true,
      cut: true,
      beginsLater: true,
      open: true,
    });
  });

  it("show bytes that are no text, and kinds of later versions", () => {
    expect(decodeRows(encoded(new Uint8Array([0xff, 0x61]), 0, 99))[0]).toMatchObject({
      text: "\ufffda",
      kind: "system",
    });
  });

  it("are refused when they are something else, or cut off", () => {
    expect(() => decodeRows(new ArrayBuffer(3))).toThrow();
    expect(() => decodeRows(new TextEncoder().encode("<!doctype html>").buffer)).toThrow();
    expect(() => decodeRows(encoded(new Uint8Array(9)).slice(0, -1))).toThrow();
  });
});
