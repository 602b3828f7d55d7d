/** What the API speaks. Names and meanings are those of the OpenAPI document that the server gives out. */

export type Mode = "local" | "sandbox" | "daytona" | "auto";
export type Origin = "command_line" | "window" | "tray" | "api" | "agent";
export type Stream = "stdout" | "stderr" | "system";

export type State =
  "queued" | "preparing" | "running" | "succeeded" | "failed" | "cancelled" | "timed_out" | "error" | "lost";

/** What failed, why, and what to do next. */
export interface Report {
  code: string;
  message: string;
  causes?: string[];
  hint?: string | null;
}

/** A run as lists have it. */
export interface Run {
  run_id: string;
  state: State;
  exit_code: number | null;
  mode: Mode;
  command: string;
  workspace: string;
  /** RFC 3339. */
  created: string;
  started: string | null;
  ended: string | null;
  duration_ms: number | null;
  bytes: number;
  labels: string[];
  origin: Origin;
  pinned: boolean;
  rerun_of: string | null;
  error: Report | null;
}

export type Work =
  | { kind: "line"; line: string }
  | { kind: "program"; argv: string[] }
  | { kind: "script"; language: Language; code: Code; args?: string[] };

export type Language = "python" | "javascript" | "typescript" | "bash";
export type Code = { file: { path: string } } | { inline: { text: string } };
export type Input = "closed" | "piped" | { terminal: { cols: number; rows: number } };

/** A run that is asked for. */
export interface NewRun {
  work: Work;
  workspace: string;
  mode?: Mode;
  workdir?: string;
  env?: Record<string, string>;
  secrets?: string[];
  input?: Input;
  timeout_ms?: number;
  labels?: string[];
  origin?: Origin;
}

/** Something that happened to a run. */
export interface RunEvent {
  at: string;
  /** `created`, `preparing`, `running`, `progress`, `note`, `pinned`, `ended`, and whatever later versions add. */
  event: string;
  step?: string;
  text?: string;
  current?: number;
  total?: number | null;
}

/** Everything that is known about a run. */
export interface RunDetail extends Run {
  spec: { work: Work; workdir?: string | null; input?: Input; limits?: unknown; [name: string]: unknown };
  place: { mode: Mode; reason: string; rule: string; program?: string | null };
  events: RunEvent[];
  lines: number;
  folder: string;
}

export interface RunList {
  runs: Run[];
  /** How many match beside those that are here. */
  total: number;
}

/** How a mode stands here and now. */
export interface ModeState {
  mode: Mode;
  available: boolean;
  /** One word: `ready`, `missing`, … */
  word: string;
  detail: string;
}

export interface App {
  version: string;
  home: string;
  workspace: string;
  platform: string;
  /** The sample of the usual workspace, relative to it; `null` where a person removed it. */
  sample: string | null;
}

/** How two runs differ. */
export interface Comparison {
  before: Run;
  after: Run;
  same_output: boolean;
  /** Not compared line by line: too much output. */
  too_large: boolean;
  gone: number;
  new: number;
  /** Lines that differ in times and durations only. */
  only_time: number;
  hunks: Hunk[];
}

export interface Hunk {
  lines: { sign: " " | "-" | "+"; old: number | null; new: number | null; content: string }[];
}

/** What of a log is looked at. Without a pattern and streams it is all of it. */
export interface LogView {
  q?: string;
  regex?: boolean;
  case?: boolean;
  streams?: Stream[];
  /** Lines shown before and after each match. */
  context?: number;
}

export interface LogViewed {
  rows: number;
  lines: number;
  bytes: number;
  matches: number;
  /** Whether everything that is there was searched. */
  complete: boolean;
  ended: boolean;
}

export interface LogMatch {
  /** `null`: nothing in that direction. */
  line: number | null;
  row: number | null;
  /** Which of the matches it is, from 0. */
  index: number | null;
  total: number;
  complete: boolean;
}

export type FileKind = "file" | "folder" | "link" | "other";

export interface FileEntry {
  name: string;
  kind: FileKind;
  /** What a link leads to; left out for links that lead nowhere or out of the workspace. */
  leads_to?: FileKind;
  size: number;
  modified: string | null;
  ignored: boolean;
  /** Whether its name can be given back: one that is no text cannot. */
  openable?: boolean;
}

/** What the server tells without being asked. It says *that* something changed; what, is asked for. */
export type Notice =
  | { type: "hello"; version: string }
  | { type: "runs" }
  | { type: "run"; run_id: string }
  | { type: "log"; run_id: string; bytes: number; ended: boolean }
  | { type: "files"; paths: string[] | null; gone?: boolean }
  | { type: "config" };

/** What notices are wanted beside those that everybody gets. */
export interface Watch {
  runs: string[];
  workspace: string | null;
}

export interface Setting {
  key: string;
  value: unknown;
  shown: string;
  origin: { from: string; which?: string; path?: string; line?: number };
}

export interface Check {
  name: string;
  verdict: "ok" | "limited" | "broken";
  found: string;
  hint?: string;
  took_ms: number;
}
