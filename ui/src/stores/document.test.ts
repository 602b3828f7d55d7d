import { beforeEach, expect, test, vi } from "vitest";

import { Failure } from "../ipc/failure";
import type { Draft } from "../lib/drafts";
import { OpenDocument } from "./document.svelte";
import type { Buffer } from "./document.svelte";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array) => new TextDecoder().decode(raw);

/** A disk with one file; its version is its content. */
const disk = vi.hoisted(() => ({
  content: null as string | null,
  fails: null as string | null,
  /** Called when a write has arrived, before its answer. */
  written: () => {},
  losesAnswer: false,
}));
const drafts = vi.hoisted(() => new Map<string, Draft>());

vi.mock("../ipc/api", async () => {
  const { Failure, asFailure } = await import("../ipc/failure");
  const fail = (code: string) => new Failure({ code, message: code }, 422);
  return {
    asFailure,
    files: {
      list: async () => (disk.content === null ? [] : [{ name: "a.py", kind: "file" }]),
      read: async () => {
        if (disk.fails) throw fail(disk.fails);
        if (disk.content === null) throw fail("file-unreadable");
        return { bytes: bytes(disk.content), version: disk.content, isText: true };
      },
      write: async (_: string, __: string, raw: Uint8Array, version: string | null) => {
        if (disk.fails) throw fail(disk.fails);
        if (version !== "*" && version !== disk.content) throw fail("conflict");
        disk.content = text(raw);
        disk.written();
        if (disk.losesAnswer) throw fail("connection-lost");
        return { version: disk.content };
      },
    },
  };
});
vi.mock("../lib/drafts", () => ({
  draftKey: (workspace: string, path: string) => workspace + path,
  keep: async (key: string, draft: Draft) => void drafts.set(key, draft),
  drop: async (key: string) => void drafts.delete(key),
  find: async (key: string) => drafts.get(key),
}));

/** An editor that has nothing but its text. */
class Plain implements Buffer {
  constructor(
    private readonly document: OpenDocument,
    private now: string,
  ) {}
  get length() {
    return this.now.length;
  }
  text = () => this.now;
  selection = () => "";
  replace(other: string) {
    this.now = other;
    this.document.edited();
  }
}

async function opened(content: string) {
  disk.content = content;
  const document = new OpenDocument("/w", "a.py");
  await document.load();
  const buffer = new Plain(document, document.text);
  document.buffer = buffer;
  return { document, type: (now: string) => buffer.replace(now) };
}

beforeEach(() => {
  Object.assign(disk, { content: null, fails: null, written: () => {}, losesAnswer: false });
  drafts.clear();
});

test("what is typed is saved, and is clean then", async () => {
  const { document, type } = await opened("one\r\n");
  type("one\ntwo\n");
  expect(document.dirty).toBe(true);
  expect(await document.save()).toBe(true);
  expect(disk.content).toBe("one\r\ntwo\r\n");
  expect(document.dirty).toBe(false);
});

test("typing it away again is clean, too", async () => {
  const { document, type } = await opened("one");
  type("two");
  type("one");
  expect(document.dirty).toBe(false);
});

test("what is typed while it is saved is not taken for saved", async () => {
  const { document, type } = await opened("one");
  type("two");
  disk.written = () => type("three");
  await document.save();
  expect(disk.content).toBe("two");
  expect(document.dirty).toBe(true);
});

test("a change outside is taken over where nothing would be lost", async () => {
  const { document } = await opened("one");
  disk.content = "two";
  await document.check();
  expect([document.text, document.dirty, document.disk]).toEqual(["two", false, "same"]);
});

test("a change outside waits for a decision where something would be", async () => {
  const { document, type } = await opened("one");
  type("mine");
  disk.content = "theirs";
  expect(await document.save()).toBe(false);
  expect([document.text, document.disk, document.theirs?.text]).toEqual(["mine", "changed", "theirs"]);
  expect(disk.content).toBe("theirs");
  expect(await document.keepMine()).toBe(true);
  expect([disk.content, document.disk, document.dirty]).toEqual(["mine", "same", false]);
});

test("taking theirs gives mine up", async () => {
  const { document, type } = await opened("one");
  type("mine");
  disk.content = "theirs";
  await document.check();
  document.takeTheirs();
  expect([document.text, document.disk, document.dirty]).toEqual(["theirs", "same", false]);
});

test("what changes once more after it was compared is not overwritten", async () => {
  const { document, type } = await opened("one");
  type("mine");
  disk.content = "theirs";
  await document.check();
  disk.content = "theirs, again";
  expect(await document.keepMine()).toBe(false);
  expect([disk.content, document.theirs?.text]).toEqual(["theirs, again", "theirs, again"]);
});

test("a save whose answer was lost is no conflict", async () => {
  const { document, type } = await opened("one");
  type("two");
  disk.losesAnswer = true;
  expect(await document.save()).toBe(false);
  expect(document.failure?.code).toBe("connection-lost");
  disk.losesAnswer = false;
  expect(await document.save()).toBe(true);
  expect([document.dirty, document.disk, document.failure]).toEqual([false, "same", null]);
});

test("a file that is gone can be saved again", async () => {
  const { document } = await opened("one");
  disk.content = null;
  await document.check();
  expect(document.disk).toBe("gone");
  expect(await document.save()).toBe(true);
  expect([disk.content, document.disk]).toEqual(["one", "same"]);
});

test("a file that comes back as another one was not edited, and is taken over", async () => {
  const { document } = await opened("one");
  disk.content = null;
  await document.check();
  disk.content = "two";
  await document.check();
  expect([document.text, document.disk, document.dirty]).toEqual(["two", "same", false]);
});

test("a save that fails keeps the text and says why", async () => {
  const { document, type } = await opened("one");
  type("two");
  disk.fails = "storage-full";
  expect(await document.save()).toBe(false);
  expect([document.text, document.dirty, document.failure?.code]).toEqual(["two", true, "storage-full"]);
  expect(drafts.get("/wa.py")?.text).toBe("two");
});

test("a draft is back, and says when it was made", async () => {
  drafts.set("/wa.py", { text: "mine", format: { ends: "\n", mark: false }, version: "one", at: 7 });
  const { document } = await opened("one");
  expect([document.text, document.dirty, document.restored, document.disk]).toEqual([
    "mine",
    true,
    7,
    "same",
  ]);
  expect(await document.save()).toBe(true);
  expect([disk.content, drafts.size]).toEqual(["mine", 0]);
});

test("a draft of another version is a conflict, and stays one", async () => {
  drafts.set("/wa.py", { text: "mine", format: { ends: "\n", mark: false }, version: "zero", at: 7 });
  const { document } = await opened("one");
  await document.check();
  expect([document.text, document.disk, document.theirs?.text]).toEqual(["mine", "changed", "one"]);
  expect(await document.save()).toBe(false);
  expect(disk.content).toBe("one");
});

test("a draft of a file that is gone is not lost", async () => {
  drafts.set("/wa.py", { text: "mine", format: { ends: "\n", mark: false }, version: "one", at: 7 });
  const document = new OpenDocument("/w", "a.py");
  await document.load();
  expect([document.phase, document.text, document.disk]).toEqual(["text", "mine", "gone"]);
});

test("what is not there is no document", async () => {
  await expect(new OpenDocument("/w", "a.py").load()).rejects.toBeInstanceOf(Failure);
});
