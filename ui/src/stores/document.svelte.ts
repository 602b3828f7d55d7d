/** One file that is open: what is on the disk, what a person made of it, and how the two stand to each other. */

import { asFailure, files } from "../ipc/api";
import type { Failure } from "../ipc/api";
import type { Report } from "../ipc/types";
import { PLAIN, decode, decodeRoughly, encode } from "../lib/content";
import type { Format } from "../lib/content";
import * as drafts from "../lib/drafts";
import { languageOf } from "../lib/languages";
import { nameOf, parentOf } from "../lib/paths";

/** Where the text is while an editor has it, with its history, until the tab is closed. */
export interface Buffer {
  readonly length: number;
  text(): string;
  selection(): string;
  /** Takes over another text; cursor and scroll stay where they can. */
  replace(text: string): void;
}

/** What can be shown of a file. */
export type Phase = "unread" | "reading" | "text" | "binary" | "too-large" | "failed";

/** How the disk stands to what was read from it. */
export type Disk = "same" | "changed" | "gone";

export interface Wish {
  /** From 1; `null` stays where it is. */
  line: number | null;
  /** Take the keys from whoever has them. */
  force?: boolean;
}

interface Theirs {
  text: string;
  format: Format;
  version: string;
}

/** A pause in typing after which the draft is kept. */
const PAUSE = 300;

export class OpenDocument {
  path = $state("");
  phase = $state<Phase>("unread");
  /** No UTF-8: shown as well as can be, and never written. */
  readOnly = $state(false);
  dirty = $state(false);
  disk = $state<Disk>("same");
  /** What is on the disk instead, where that changed and is text. */
  theirs = $state.raw<Theirs | null>(null);
  /** Why it could not be saved, or read. */
  failure = $state.raw<Report | null>(null);
  /** When its draft was made, where one was brought back. */
  restored = $state<number | null>(null);
  format = $state.raw<Format>(PLAIN);
  size = $state(0);
  /** What a person wants to see of it next; taken by the editor. */
  wish = $state.raw<Wish | null>(null);
  firstLine = $state("");
  buffer: Buffer | null = null;

  #text = "";
  #saved = "";
  #version: string | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly workspace: string,
    path: string,
  ) {
    this.path = path;
  }

  readonly name = $derived.by(() => nameOf(this.path));
  readonly language = $derived.by(() => languageOf(this.path, this.firstLine));

  get text(): string {
    return this.buffer?.text() ?? this.#text;
  }

  get #key(): string {
    return drafts.draftKey(this.workspace, this.path);
  }

  /** One thing after the other: what a save and a look at the disk find must not mix. */
  #inTurn<A>(what: () => Promise<A>): Promise<A> {
    const turn = this.#work.then(what);
    this.#work = turn.catch(() => {});
    return turn;
  }

  /** Reads the file, and its draft if there is one. Rejects where neither is there. */
  load = () => this.#inTurn(() => this.#load());

  async #load(): Promise<void> {
    if (this.phase === "unread" || this.phase === "failed") this.phase = "reading";
    const draft = await drafts.find(this.#key);
    try {
      const { bytes, version, isText } = await files.read(this.workspace, this.path);
      this.failure = null;
      this.size = bytes.length;
      this.#show(bytes, version, isText);
    } catch (thrown) {
      const failure = asFailure(thrown);
      const missing = await this.#isMissing(failure);
      if (missing && draft) this.#bringBack(draft, "gone");
      else if (missing) throw failure;
      else this.#refuse(failure);
      return;
    }
    if (!draft || this.phase !== "text" || this.readOnly) return;
    if (draft.text === this.#saved) void drafts.drop(this.#key);
    else this.#bringBack(draft, draft.version === this.#version ? "same" : "changed");
  }

  #show(bytes: Uint8Array, version: string, isText: boolean): void {
    const decoded = isText ? decode(bytes) : null;
    if (!decoded && bytes.includes(0)) {
      this.phase = "binary";
      return;
    }
    this.readOnly = decoded === null;
    this.#adopt({
      text: decoded?.text ?? decodeRoughly(bytes),
      format: decoded?.format ?? PLAIN,
      version,
    });
    this.phase = "text";
  }

  #adopt({ text, format, version }: Theirs): void {
    this.#text = text;
    this.#saved = text;
    this.#version = version;
    this.format = format;
    this.disk = "same";
    this.theirs = null;
    this.failure = null;
    this.restored = null;
    this.buffer?.replace(text);
    this.edited();
  }

  #bringBack(draft: drafts.Draft, disk: Disk): void {
    if (disk === "changed" && this.#version !== null) {
      this.theirs = { text: this.#saved, format: this.format, version: this.#version };
      this.#version = draft.version;
    }
    this.#text = draft.text;
    this.format = draft.format;
    this.disk = disk;
    this.restored = draft.at;
    this.buffer?.replace(draft.text);
    this.phase = "text";
    this.edited();
    this.keepDraft();
  }

  #refuse(failure: Failure): void {
    this.failure = failure.report;
    this.phase = failure.report.code === "file-too-large" ? "too-large" : "failed";
    const size = (failure.report as Report & { size?: unknown }).size;
    if (typeof size === "number") this.size = size;
  }

  /** The text is another one than before. */
  edited(): void {
    this.dirty =
      (this.buffer?.length ?? this.#text.length) !== this.#saved.length || this.text !== this.#saved;
    this.firstLine = this.#firstLine();
    clearTimeout(this.#timer);
    if (this.dirty) this.#timer = setTimeout(() => this.keepDraft(), PAUSE);
    else void drafts.drop(this.#key);
  }

  #firstLine(): string {
    const text = this.text.slice(0, 200);
    const end = text.indexOf("\n");
    return end < 0 ? text : text.slice(0, end);
  }

  /** Keeps what is not saved, now. */
  keepDraft(): void {
    clearTimeout(this.#timer);
    if (!this.dirty || this.readOnly) return;
    const { text, format } = this;
    void drafts.keep(this.#key, { text, format, version: this.#version, at: Date.now() });
  }

  /** Saves; `false` if a person has to decide something first. */
  save = (): Promise<boolean> => this.#inTurn(() => this.#save());

  async #save(): Promise<boolean> {
    if (this.phase !== "text" || this.readOnly) return true;
    if (this.disk === "changed") return false;
    if (!this.dirty && this.disk === "same") return true;
    const { text } = this;
    const bytes = encode(text, this.format);
    const base = this.disk === "gone" ? null : this.#version;
    try {
      const { version } = await files.write(this.workspace, this.path, bytes, base);
      this.#isSaved(text, version, bytes.length);
      return true;
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (failure.report.code === "conflict") return this.#onConflict(text, bytes);
      this.failure = failure.report;
      this.keepDraft();
      return false;
    }
  }

  #isSaved(text: string, version: string, size: number): void {
    this.#saved = text;
    this.#version = version;
    this.size = size;
    this.disk = "same";
    this.theirs = null;
    this.failure = null;
    this.restored = null;
    // Typing went on while it was written.
    this.edited();
  }

  /** The disk has something else: perhaps just what was to be written, by an answer that was lost. */
  async #onConflict(text: string, bytes: Uint8Array): Promise<boolean> {
    const found = await this.#find();
    if (found?.bytes && isEqual(found.bytes, bytes)) {
      this.#isSaved(text, found.version, bytes.length);
      return true;
    }
    this.#differs(found);
    return false;
  }

  /** Reads what is on the disk now; `null` if it is gone, `undefined` if that cannot be told. */
  async #find(): Promise<{ bytes: Uint8Array; version: string } | null | undefined> {
    try {
      return await files.read(this.workspace, this.path);
    } catch (thrown) {
      const failure = asFailure(thrown);
      const isGone = failure.report.code === "folder-unusable" || (await this.#isMissing(failure));
      return isGone ? null : undefined;
    }
  }

  /** Whether it could not be read because it is not there: a file that may not be read has the same code. */
  async #isMissing(failure: Failure): Promise<boolean> {
    if (failure.report.code !== "file-unreadable") return false;
    try {
      const entries = await files.list(this.workspace, parentOf(this.path));
      return !entries.some(({ name }) => name === this.name);
    } catch (thrown) {
      // The folder is gone, too.
      return asFailure(thrown).report.code === "file-unreadable";
    }
  }

  #differs(found: { bytes: Uint8Array; version: string } | null | undefined): void {
    if (found === undefined) return;
    const decoded = found && decode(found.bytes);
    this.theirs = decoded && found ? { ...decoded, version: found.version } : null;
    this.disk = found === null ? "gone" : "changed";
    this.edited();
    this.keepDraft();
  }

  /** Looks whether the disk has something else, and takes it over where nothing would be lost. */
  check = () => this.#inTurn(() => this.#check());

  async #check(): Promise<void> {
    if (this.phase !== "text" || this.readOnly) {
      if (this.phase !== "unread") await this.#load().catch(() => {});
      return;
    }
    const found = await this.#find();
    if (found === undefined || (found !== null && found.version === this.#version)) {
      if (found) this.#isBack(found.bytes);
    } else if (found === null || this.dirty) {
      this.#differs(found);
    } else {
      this.size = found.bytes.length;
      this.#show(found.bytes, found.version, true);
    }
  }

  /** It is on the disk again as it was. */
  #isBack(bytes: Uint8Array): void {
    if (this.disk === "same") return;
    this.#saved = decode(bytes)?.text ?? this.#saved;
    this.disk = "same";
    this.theirs = null;
    this.edited();
  }

  /** Writes this text over what is on the disk. */
  keepMine(): Promise<boolean> {
    if (this.theirs) this.#version = this.theirs.version;
    this.disk = "same";
    return this.theirs ? this.save() : this.#overwrite();
  }

  /** What is there is no text to compare with; it is replaced all the same. */
  #overwrite(): Promise<boolean> {
    this.#version = "*";
    return this.save();
  }

  /** Gives up this text for what is on the disk. */
  takeTheirs(): void {
    if (this.theirs) this.#adopt(this.theirs);
    else void this.discard();
  }

  /** Gives up what is not saved. */
  async discard(): Promise<void> {
    clearTimeout(this.#timer);
    await drafts.drop(this.#key);
    this.buffer?.replace(this.#saved);
    this.#text = this.#saved;
    this.dirty = false;
    await this.load().catch(() => {});
  }

  /** The draft of a tab that is closed is given up. */
  forget(): void {
    clearTimeout(this.#timer);
    void drafts.drop(this.#key);
  }

  /** It has another path now. */
  move(to: string): void {
    void drafts.drop(this.#key);
    this.path = to;
    this.keepDraft();
  }
}

const isEqual = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);
