import { describe, expect, test } from "vitest";

import { plain, present } from "./ansi";
import { cells } from "./cells";
import { seeded } from "./seeded";

const styled = (line: string) => present(line).map(({ text, style }) => [text, style]);

describe("colours", () => {
  test("are taken from every form of them", () => {
    expect(styled("a\x1b[31mb\x1b[0mc")).toEqual([
      ["a", {}],
      ["b", { fg: 1 }],
      ["c", {}],
    ]);
    expect(styled("\x1b[1;3;4;9;97;101mx")).toEqual([
      ["x", { bold: true, italic: true, underline: true, strike: true, fg: 15, bg: 9 }],
    ]);
    expect(styled("\x1b[38;5;9ma\x1b[38;5;196mb\x1b[48;5;255mc")).toEqual([
      ["a", { fg: 9 }],
      ["b", { fg: "#ff0000" }],
      ["c", { fg: "#ff0000", bg: "#eeeeee" }],
    ]);
    expect(styled("\x1b[38;2;1;2;3ma\x1b[38:2::4:5:6mb\x1b[48:2:7:8:9mc")).toEqual([
      ["a", { fg: "#010203" }],
      ["b", { fg: "#040506" }],
      ["c", { fg: "#040506", bg: "#070809" }],
    ]);
  });

  test("end with what ends them", () => {
    expect(styled("\x1b[1;2;7;31;41ma\x1b[22;27;39;49mb")).toEqual([
      ["a", { bold: true, dim: true, inverse: true, fg: 1, bg: 1 }],
      ["b", {}],
    ]);
    expect(styled("\x1b[4ma\x1b[4:0mb\x1b[4:3mc\x1b[md")).toEqual([
      ["a", { underline: true }],
      ["b", {}],
      ["c", { underline: true }],
      ["d", {}],
    ]);
  });

  test("that are none leave everything as it is", () => {
    for (const sequence of ["38;5;999", "38;2;300;0;0", "38;5", "38", "58;2;1;2;3", ">4;1", "?25", "8", "5"])
      expect(styled(`\x1b[${sequence}ma`), sequence).toEqual([["a", {}]]);
  });
});

describe("what a terminal would do", () => {
  test("progress shows what it showed last", () => {
    expect(plain("10%\r55%\r100%")).toBe("100%");
    expect(plain("downloading\rok")).toBe("okwnloading");
    expect(plain("downloading\r\x1b[Kok")).toBe("ok");
    expect(plain("downloading\x1b[2K\rok")).toBe("ok");
    expect(plain("50%\r")).toBe("50%");
    expect(plain("abc\x1b[1Kd")).toBe("   d");
    expect(plain("|\b/\b-\b\\")).toBe("\\");
    expect(plain("\b\b\bx")).toBe("x");
    expect(plain("N\bNA\bAM\bM")).toBe("NAM");
    expect(plain("a\tb\rX")).toBe("X       b");
  });

  test("wide characters and accents take their cells with them", () => {
    expect(plain("漢字\rab")).toBe("ab字");
    expect(plain("漢字\ra")).toBe("a 字");
    expect(plain("ab漢\r\b漢")).toBe("漢漢");
    expect(plain("漢漢\rab\bcd")).toBe("acd ");
    expect(plain("e\u0301x\ra")).toBe("ax");
  });

  test("colours stay with the cells that they were written to", () => {
    expect(styled("\x1b[31mabc\r\x1b[32mX")).toEqual([
      ["X", { fg: 2 }],
      ["bc", { fg: 1 }],
    ]);
  });
});

describe("nothing else is carried out", () => {
  test("sequences are taken out", () => {
    expect(plain("\x1b[2J\x1b[10;10H\x1b[?1049hx\x1b[6n")).toBe("x");
    expect(plain("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\b\x1b]8;;\x1b\\c")).toBe("abc");
    expect(plain("\x1bPq#0;2;0\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d")).toBe("abcd");
    expect(plain("\x9b31ma\x9d0;t\x9cb\x90q\x9cc")).toBe("abc");
    expect(plain("\x1b(Ba\x1b7\x1b8\x1bcb")).toBe("ab");
  });

  test("controls are shown", () => {
    expect(plain("a\0b\x07c\x7fd\x0be\x85f")).toBe("a^@b^Gc^?d^Ke<85>f");
    expect(present("\0\x01")).toEqual([{ text: "^@^A", style: { sign: true } }]);
  });

  test("a sequence that does not end hides nothing of the line", () => {
    expect(plain("\x1b]0;rm -rf /")).toBe("^[]0;rm -rf /");
    expect(plain("a\x1b[12")).toBe("a^[[12");
    expect(plain("a\x1b")).toBe("a^[");
    // Unless the line was cut there, in the middle of it.
    expect(plain("a\x1b[12", true)).toBe("a");
    expect(plain("a\x1b]8;;http", true)).toBe("a");
  });

  test("characters that reorder or hide others are shown", () => {
    expect(plain("a\u202eb\u2066c\u200bd\ufeffe\u00adf\u2028g")).toBe(
      "a<U+202E>b<U+2066>c<U+200B>d<U+FEFF>e<U+00AD>f<U+2028>g",
    );
    expect(plain("a\ud800b")).toBe("a\ufffdb");
  });

  test("text of every language stays", () => {
    for (const text of ["שלום", "नमस्ते", "مرحبا", "👩‍👩‍👧 🏳️‍🌈", "e\u0301", "tab\there", "می\u200cخواهم", "\u0600"])
      expect(plain(text)).toBe(text);
  });
});

test("whatever is written, what comes out is text", () => {
  const random = seeded(7);
  const parts = [
    ..."\x1b\x9b\x9d\x90\x9c\x07\r\b\t\0\x7f\x85[]PX^_;:?>!$ m0123456789KJHabc漢\u0301\u202e\u200b\ud83d\ude00\u2028",
    ...["\x1b[", "\x1b]", "\x1b\\", "38;5;", "38:2:", "\x1b[31m", "\x1b[K", "\x1b[1K", "👩‍👩‍👧"],
  ];
  for (let round = 0; round < 5000; round++) {
    const line = Array.from({ length: random(60) }, () => parts[random(parts.length)]).join("");
    const pieces = present(line, random(2) === 0);
    const text = pieces.map((piece) => piece.text).join("");
    // Asked for each line and not for each character: an expectation costs more than what it looks at.
    const odd = /[\p{Cs}\p{Zl}\p{Zp}\u200b\u202a-\u202e\u2066-\u2069]|[^\t\x20-\x7e\xa0-\u{10ffff}]/u.exec(
      text,
    );
    expect(odd, JSON.stringify(line)).toBeNull();
    expect(pieces.every((piece) => piece.text !== "")).toBe(true);
  }
});

test("hostile lines take no time", () => {
  for (const unit of [
    "\x1b]",
    "\x1b[",
    "\x9d",
    "\x9b1;",
    "\x1b[31m",
    "\r",
    "\b",
    "漢\r",
    "\x1b[38;5;",
    "\0",
  ]) {
    const line = unit.repeat(Math.ceil(4096 / unit.length));
    const begin = performance.now();
    plain(line);
    expect(performance.now() - begin, JSON.stringify(unit)).toBeLessThan(100);
  }
});

test("cells are counted as they are drawn", () => {
  expect(cells("abc")).toBe(3);
  expect(cells("a\tb")).toBe(9);
  expect(cells("漢字")).toBe(4);
  expect(cells("e\u0301")).toBe(1);
});
