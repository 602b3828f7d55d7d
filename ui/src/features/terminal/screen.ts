/** A terminal: what a run writes is shown, what is typed is sent. It lives as long as its run has a tab. */

import "@xterm/xterm/css/xterm.css";

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";

import { log, runs as requests, transport } from "../../ipc/api";
import { count, size } from "../../lib/format";
import { isMac } from "../../lib/keys";
import { onNotice, onReturn } from "../../stores/connection.svelte";
import { complain } from "../../stores/toasts.svelte";
import { Keystrokes, binary } from "./keystrokes";
import { Pump } from "./pump";
import { marksAt, themeAt } from "./theme";

/** Lines that can be scrolled back to; the log has all of them. */
const LINES = 10_000;
/** A pause in dragging an edge after which the run is told of its new size. */
const PAUSE = 100;

const encoder = new TextEncoder();

/** The size that a terminal had last: the next one begins with it. */
export const lastSize = { cols: 100, rows: 30 };

export interface Events {
  /** Everything that there will be is here. */
  onended: () => void;
  /** Which match is looked at, from 0, and how many there are. */
  onfound: (index: number, total: number) => void;
}

export class Screen {
  /** Moved to wherever the terminal is shown. */
  readonly element = document.createElement("div");
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon({ highlightLimit: 1000 });
  readonly #pump: Pump;
  readonly #stop: (() => void)[];
  #told = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #isOpen = false;

  /** `isFresh`: nobody has seen it before, so whatever it asks its terminal is answered. */
  constructor(
    private readonly id: string,
    isFresh: boolean,
    private readonly events: Events,
  ) {
    this.element.className = "screen";
    this.#terminal = terminal();
    // Questions that were answered when they were asked must not be answered again: the answer would be typed.
    this.#terminal.options.disableStdin = !isFresh;
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.#search);
    this.#terminal.loadAddon(new WebLinksAddon((event, address) => follow(event, address)));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      events.onfound(resultIndex, resultCount),
    );
    this.#listen();
    this.#pump = new Pump((from) => log.bytes(id, from), {
      write: (bytes) => new Promise((resolve) => this.#terminal.write(bytes, resolve)),
      skipped: (bytes) => this.#terminal.write(`\x1b[0m\x1b[2m… ${size(bytes)} left out …\x1b[0m\r\n`),
      caughtUp: () => this.#allowTyping(),
      ended: () => this.#end(),
    });
    this.#stop = [
      onNotice((notice) => {
        if (notice.type === "log" && notice.run_id === id) void this.#pump.poke();
      }),
      onReturn(() => void this.#pump.poke()),
    ];
    void this.#pump.poke();
  }

  #listen(): void {
    const keys = new Keystrokes((bytes) => requests.input(this.id, bytes), complain);
    this.#terminal.onData((text) => keys.type(encoder.encode(text)));
    this.#terminal.onBinary((text) => keys.type(binary(text)));
    this.#terminal.onResize(() => this.#tellSize());
    this.#terminal.attachCustomKeyEventHandler((event) => this.#isOurs(event));
  }

  /** Shells have Ctrl with letters for themselves; the window has what they cannot hear. */
  #isOurs(event: KeyboardEvent): boolean {
    if (event.type !== "keydown") return true;
    if (isMac) return !event.metaKey;
    const isWindow =
      event.shiftKey || /^(Backquote|Digit\d|Equal|Minus|Comma|Page(Up|Down))$/.test(event.code);
    return !(event.ctrlKey && isWindow);
  }

  #allowTyping(): void {
    if (!this.#isOver) this.#terminal.options.disableStdin = false;
  }

  #end(): void {
    this.#isOver = true;
    this.#terminal.options.disableStdin = true;
    this.#terminal.options.cursorBlink = false;
    this.#terminal.write("\x1b[?25l");
    this.events.onended();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Shows it in a place. */
  show(place: HTMLElement): void {
    place.append(this.element);
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.recolor();
      this.#terminal.open(this.element);
    }
    this.fit();
  }

  hide(): void {
    this.element.remove();
  }

  /** Takes the room that there is. */
  fit(): void {
    const wanted = this.#fit.proposeDimensions();
    if (!wanted || !Number.isFinite(wanted.cols) || wanted.cols < 2 || wanted.rows < 2) return;
    Object.assign(lastSize, wanted);
    this.#terminal.resize(wanted.cols, wanted.rows);
    this.#tellSize();
  }

  #tellSize(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { cols, rows } = this.#terminal;
      const size = `${cols}x${rows}`;
      if (this.#isOver || size === this.#told) return;
      this.#told = size;
      // It may have ended meanwhile, and then nobody minds its size.
      requests.resize(this.id, cols, rows).catch(() => (this.#told = ""));
    }, PAUSE);
  }

  /** Takes the colours of the theme that is shown now. */
  recolor(): void {
    this.#terminal.options.theme = themeAt(this.element);
  }

  focus(): void {
    this.#terminal.focus();
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  selectAll(): void {
    this.#terminal.selectAll();
  }

  clear(): void {
    this.#terminal.clear();
  }

  find(text: string, direction: "next" | "before", incremental = false): void {
    const options = { decorations: marksAt(this.element), incremental };
    if (text === "") this.#search.clearDecorations();
    else if (direction === "next") this.#search.findNext(text, options);
    else this.#search.findPrevious(text, options);
  }

  forgetSearch(): void {
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pump.close();
    this.#stop.forEach((stop) => stop());
    this.#terminal.dispose();
    this.element.remove();
  }
}

function terminal(): Terminal {
  const style = getComputedStyle(document.documentElement);
  const made = new Terminal({
    ...lastSize,
    allowProposedApi: true,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: style.getPropertyValue("--font-code").trim(),
    fontSize: 12.5,
    lineHeight: 1.18,
    minimumContrastRatio: 4.5,
    scrollback: LINES,
    screenReaderMode: true,
    rightClickSelectsWord: false,
    macOptionIsMeta: true,
    linkHandler: { activate: (event, address) => follow(event, address) },
  });
  // Programs may ask for colours, and not change those of the window; a title or the clipboard is not theirs.
  const isChange = (data: string) => !data.includes("?");
  for (const code of [4, 10, 11, 12]) made.parser.registerOscHandler(code, isChange);
  for (const code of [0, 1, 2, 52, 104, 110, 111, 112]) made.parser.registerOscHandler(code, () => true);
  return made;
}

/** Opens an address that stands in the output: only where it is meant, and only what a browser is for. */
function follow(event: MouseEvent, address: string): void {
  if (!(isMac ? event.metaKey : event.ctrlKey) || !/^https?:\/\//i.test(address)) return;
  if (transport.shell) void transport.shell.openUrl(address);
  else window.open(address, "_blank", "noopener,noreferrer");
}

export const linesKept = `${count(LINES)} lines`;
