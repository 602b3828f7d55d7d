import { expect, test } from "vitest";

import { Keystrokes, binary } from "./keystrokes";
import { Pump } from "./pump";
import type { Sink } from "./pump";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array) => new TextDecoder().decode(raw);

/** A log that is given out in pieces of three bytes. */
function log(content: string, ended = true, begin = 0) {
  const asked: number[] = [];
  let whole = bytes(content);
  let most = 0;
  let now = 0;
  const shown: string[] = [];
  const sink: Sink = {
    write: async (part) => void shown.push(text(part)),
    skipped: (number) => void shown.push(`<${number}>`),
    caughtUp: () => void shown.push("|"),
    ended: () => void shown.push("."),
  };
  const pump = new Pump(async (from) => {
    asked.push(from);
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve));
    now -= 1;
    const offset = Math.max(from, begin);
    return { offset, length: whole.length, ended, bytes: whole.slice(offset, offset + 3) };
  }, sink);
  return {
    pump,
    asked,
    shown: () => shown.join("").replace(/\|+/g, "|"),
    most: () => most,
    grow: (more: string) => (whole = bytes(text(whole) + more)),
  };
}

test("a log arrives whole and in order, and its end is told", async () => {
  const { pump, asked, shown } = log("abcdefgh");
  await pump.poke();
  expect(shown()).toBe("abcdefgh|.");
  expect(asked).toEqual([0, 3, 6]);
});

test("only one request is under way, however often there is more", async () => {
  const { pump, shown, most, grow } = log("abc", false);
  const first = pump.poke();
  grow("def");
  await Promise.all([first, pump.poke(), pump.poke()]);
  await pump.poke();
  expect(shown().replaceAll("|", "")).toBe("abcdef");
  expect(most()).toBe(1);
});

test("bytes that are not kept are told of", async () => {
  const { pump, shown } = log("abcdef", true, 4);
  await pump.poke();
  expect(shown()).toBe("<4>ef|.");
});

test("a terminal that is closed is not written to", async () => {
  const { pump, shown } = log("abcdef");
  const going = pump.poke();
  pump.close();
  await going;
  expect(shown()).toBe("");
});

test("keys arrive in their order, those that wait together", async () => {
  const sent: string[] = [];
  let go = () => {};
  const keys = new Keystrokes(
    (raw) => new Promise<void>((resolve) => ((go = resolve), sent.push(text(raw)))),
    () => {},
  );
  keys.type(bytes("l"));
  keys.type(bytes("s"));
  await Promise.resolve();
  keys.type(bytes(" "));
  keys.type(bytes("\r"));
  go();
  await new Promise((resolve) => setTimeout(resolve));
  expect(sent).toEqual(["ls", " \r"]);
});

test("what could not be sent is told once, and not sent later", async () => {
  const failures: unknown[] = [];
  const sent: string[] = [];
  let fails = true;
  const keys = new Keystrokes(
    async (raw) => {
      if (fails) throw new Error("gone");
      sent.push(text(raw));
    },
    (thrown) => failures.push(thrown),
  );
  keys.type(bytes("rm"));
  await new Promise((resolve) => setTimeout(resolve));
  fails = false;
  keys.type(bytes("x"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(failures).toHaveLength(1);
  expect(sent).toEqual(["x"]);
});

test("a report of the mouse is bytes and not letters", () => {
  expect([...binary("\x1b[M\xff")]).toEqual([27, 91, 77, 255]);
});
