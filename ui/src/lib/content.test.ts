import { expect, test } from "vitest";

import { PLAIN, decode, encode, indentOf } from "./content";

const bytes = (text: string) => new TextEncoder().encode(text);
const back = (raw: Uint8Array) => {
  const decoded = decode(raw);
  return decoded && encode(decoded.text, decoded.format);
};

test.each([
  ["", "\n"],
  ["one", "\n"],
  ["one\ntwo\n", "\n"],
  ["one\r\ntwo", "\r\n"],
  ["one\rtwo\r", "\r"],
  ["one\r\ntwo\nthree\rfour", "mixed"],
  ["a\u2028b\u0085c\n", "\n"],
])("a file keeps its line ends: %j", (text, ends) => {
  expect(decode(bytes(text))?.format).toEqual({ ends, mark: false });
  expect(back(bytes(text))).toEqual(bytes(text));
});

test("a byte order mark stays, and is no part of the text", () => {
  const raw = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes("é\r\n")]);
  expect(decode(raw)).toEqual({ text: "é\n", format: { ends: "\r\n", mark: true } });
  expect(back(raw)).toEqual(raw);
});

test("a second mark is a character like others", () => {
  const raw = bytes("\ufeff\ufeffx");
  expect(back(raw)).toEqual(raw);
});

test("a line that is added ends like the others", () => {
  const { text, format } = decode(bytes("one\r\n")) ?? { text: "", format: PLAIN };
  expect(encode(`${text}two\n`, format)).toEqual(bytes("one\r\ntwo\r\n"));
});

test("mixed line ends are not touched where nothing changed", () => {
  const { text, format } = decode(bytes("one\r\ntwo\nthree")) ?? { text: "", format: PLAIN };
  expect(encode(text.replace("three", "3"), format)).toEqual(bytes("one\r\ntwo\n3"));
});

test("bytes that are no UTF-8 are not taken for text", () => {
  expect(decode(new Uint8Array([0x61, 0xff, 0x62]))).toBeNull();
});

test.each([
  ["if a:\n    b\n    if c:\n        d\n", "    "],
  ["a:\n  b:\n    c: 1\n", "  "],
  ["all:\n\techo\n", "\t"],
  ["/*\n * a\n */\nx {\n  y\n}\n", "  "],
  ["plain", "    "],
])("the indentation of %j is found", (text, indent) => {
  expect(indentOf(text)).toBe(indent);
});
