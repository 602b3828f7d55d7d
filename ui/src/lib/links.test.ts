import { expect, test } from "vitest";

import { links, LONGEST } from "./links";
import { seeded } from "./seeded";

const found = (text: string) => links(text).map(({ start, end, target }) => [text.slice(start, end), target]);

test("places in files, as compilers and programs write them", () => {
  expect(found("src/main.rs:12:5: error")).toEqual([["src/main.rs:12:5", { path: "src/main.rs", line: 12 }]]);
  expect(found("  --> ./src/a.rs:3")).toEqual([["./src/a.rs:3", { path: "src/a.rs", line: 3 }]]);
  expect(found("a.py:7: in main")).toEqual([["a.py:7", { path: "a.py", line: 7 }]]);
  expect(found('  File "/work space/x.py", line 18, in f')).toEqual([
    ['File "/work space/x.py", line 18', { path: "/work space/x.py", line: 18 }],
  ]);
  expect(found("at f (/home/me/x.js:3:4)")).toEqual([
    ["/home/me/x.js:3:4", { path: "/home/me/x.js", line: 3 }],
  ]);
  expect(found("at file:///home/me/x.mjs:3:4")).toEqual([
    ["file:///home/me/x.mjs:3:4", { path: "/home/me/x.mjs", line: 3 }],
  ]);
  expect(found("src/app.ts(12,5): error TS1")).toEqual([
    ["src/app.ts(12,5)", { path: "src/app.ts", line: 12 }],
  ]);
  expect(found("checkpoint out/part-3.csv")).toEqual([["out/part-3.csv", { path: "out/part-3.csv" }]]);
});

test("addresses, without the sentence around them", () => {
  expect(found("see https://a.example/b?c=d#e. Then")).toEqual([
    ["https://a.example/b?c=d#e", { url: "https://a.example/b?c=d#e" }],
  ]);
  expect(found("(https://a.example/x_(y))")).toEqual([
    ["https://a.example/x_(y)", { url: "https://a.example/x_(y)" }],
  ]);
  expect(found('href="http://localhost:8080/a.js:3"')[0]?.[0]).toBe("http://localhost:8080/a.js:3");
});

test("what only looks like one is none", () => {
  for (const text of [
    "12:04:07.112",
    "at 10:30",
    "localhost:8080",
    "127.0.0.1:80",
    "v1.2:3",
    "and/or",
    "1/2.5",
    "javascript:alert(1)",
    'File "<stdin>", line 1',
    "example.com/page.html",
    "http://",
  ])
    expect(found(text), text).toEqual([]);
});

test("lines that are data have none", () => {
  expect(links("a.py:1 ".repeat(LONGEST))).toEqual([]);
});

test("whatever is written, they are in order, inside, and take no time", () => {
  const random = seeded(3);
  const parts = [
    ...'abc/\\.:()[]"0123 <>é漢',
    "http://",
    "https://",
    'File "',
    '", line ',
    "a.py:",
    "../",
    "file://",
  ];
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: random(60) }, () => parts[random(parts.length)]).join("");
    let last = 0;
    for (const { start, end } of links(text)) {
      expect(start >= last && end > start && end <= text.length, text).toBe(true);
      last = end;
    }
  }
  for (const unit of ["a/", "a", ":1", "a.b", 'File "', "http://", "a.b/", "(1,1)", ".", "../"]) {
    const begin = performance.now();
    links(unit.repeat(Math.floor(LONGEST / unit.length)));
    expect(performance.now() - begin, unit).toBeLessThan(60);
  }
});
