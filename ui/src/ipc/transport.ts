import type { ExportFormat, Notice, Watch } from "./types";

/** How the pages reach the engine: through the window that shows them, or over HTTP. */
export interface Transport {
  /** Sends a request; `path` begins with `/api/`. Rejects only where no answer comes. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Hears notices until it is closed, and connects again by itself. */
  subscribe(watch: Watch, listener: Listener): Subscription;
  /** What only a window of our own can do. */
  readonly shell: Shell | null;
}

export interface Listener {
  notice(notice: Notice): void;
  /** Whether notices come. While they do not, whatever they would have told is to be asked for later. */
  status(status: Status): void;
}

export type Status = "connecting" | "online" | "offline" | "unauthorized";

export interface Subscription {
  watch(watch: Watch): void;
  close(): void;
}

/** The window around the pages. */
export interface Shell {
  /** The first picture is on the screen. */
  painted(): Promise<void>;
  chooseFolder(start: string): Promise<string | null>;
  /** Shows a file or folder in the file manager. */
  reveal(path: string): Promise<void>;
  openUrl(url: string): Promise<void>;
  /** Writes a run to a file that a person chooses; `false` if they did not. */
  saveOutput(id: string, format: ExportFormat, name: string): Promise<boolean>;
  /** Shows everything this much larger; 1 is the usual size. */
  zoom(factor: number): Promise<void>;
}
