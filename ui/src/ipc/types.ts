/**
 * What the API speaks, under the names that the pages use. The forms come from the description of the API, see
 * `generated.ts`; what travels outside of it (notices, views of a log) is written down here.
 */

import type { components } from "./generated";

type Schemas = components["schemas"];

/** A form of the server's own: what it does not know is `null`, not missing. */
type Told<T> = Required<T>;

export type Mode = Schemas["Mode"];
export type Origin = Schemas["Origin"];
export type State = Schemas["State"];
export type Stream = "stdout" | "stderr" | "system";

/** What failed, why, and what to do next. */
export type Report = Schemas["Report"];

/** A run as lists have it. */
export type Run = Told<Schemas["Run"]>;

export type Work = Schemas["Work"];
export type Language = Schemas["LanguageWord"];
export type Input = Schemas["Input"];

/** A run that is asked for. */
export type NewRun = Schemas["NewRun"];

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

/** What a run's sandbox really was. */
export interface SandboxFacts {
  image: string;
  image_id: string;
  digest?: string;
  container: string;
  engine: string;
  /** Whether it has a copy of the workspace. */
  copied?: boolean;
  reused: boolean;
  user: string;
  network: string;
  cpus?: number;
  memory?: number;
  pids: number;
  mounts?: { source: string; target: string; read_only: boolean }[];
  ports?: { host: number; sandbox: number }[];
  /** What makes it less strict than usual, a sentence each. */
  loosened?: string[];
}

/** What a run's cloud sandbox was; empty and zero where that is not known yet. */
export interface CloudFacts {
  id: string;
  name: string;
  snapshot?: string;
  region: string;
  cpu: number;
  /** In GiB. */
  memory: number;
  /** In GiB. */
  disk: number;
  /** Minutes of idleness after which it stops; zero for never. */
  auto_stop?: number;
  reused: boolean;
  /** What an hour costs while it runs, in US dollars. */
  per_hour?: number;
}

/** Work on an image: what such a run does instead of executing something. */
export interface ImageWork {
  kind: "image";
  task: "pull" | "push" | "build" | "verify" | "customize";
  /** What is pulled, pushed or verified. */
  image?: string;
  /** What is built. */
  source?: { tier?: string; folder?: { path: string; dockerfile: string } };
  /** What a build or a copy is called. */
  tags?: string[];
  name?: string;
}

export interface Ending {
  usage?: { max_rss_kib?: number; oom_kills?: number };
}

/** Everything that is known about a run. */
export interface RunDetail extends Run {
  spec: {
    work: Work | ImageWork;
    workdir?: string | null;
    input?: Input;
    limits?: unknown;
    [name: string]: unknown;
  };
  place: {
    mode: Mode;
    reason: string;
    rule: string;
    program?: string | null;
    sandbox?: SandboxFacts;
    cloud?: CloudFacts;
  };
  ending?: Ending | null;
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
export type ModeState = Schemas["ModeState"];

export type App = Told<Schemas["App"]>;

export type HunkLine = Told<Schemas["HunkLine"]>;

/** How two runs differ. */
export type Comparison = Omit<Schemas["Compared"], "before" | "after" | "hunks"> & {
  before: Run;
  after: Run;
  hunks: { lines: HunkLine[] }[];
};

/** What of a log is looked at. Without a pattern and streams it is all of it. */
export interface LogView {
  q?: string;
  regex?: boolean;
  case?: boolean;
  streams?: Stream[];
  /** Lines shown before and after each match. */
  context?: number;
}

export type LogViewed = Schemas["Viewed"];

/** A match; `line` is `null` where there is none in that direction. */
export type LogMatch = Told<Schemas["Hit"]>;

/** The output for people, byte for byte, or everything about a run as lines of JSON. */
export type ExportFormat = "text" | "raw" | "json";

export type FileKind = Schemas["KindWord"];
export type FileEntry = Schemas["FileEntry"];

/** What would leave this computer with the first copy of a workspace. */
export type Upload = Schemas["Upload"];

/** The same, or `null` where the workspace was copied before; and whether to ask. */
export type FirstUpload = Told<Schemas["FirstUpload"]>;

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

export type Setting = Omit<Schemas["Setting"], "origin"> & {
  origin: { from: string; which?: string; path?: string; line?: number };
};

/** What a check of this machine found. */
export type Check = Schemas["CheckForm"];

export type SandboxForm = Partial<Schemas["SandboxForm"]>;

export type Image = Schemas["Image"];
export type ImageDetail = Schemas["ImageDetail"];
export type Layer = Schemas["Layer"];
export type Tier = Schemas["Tier"];
export type Tool = Schemas["Tool"];
/** How an image was verified. */
export type Verified = Schemas["Verified"];
/** An image that is not needed. */
export type Prunable = Schemas["Prunable"];
export type NewImage = Partial<Schemas["NewImage"]>;
export type NewCopy = Schemas["NewCopy"];
export type CopyPreview = Schemas["CopyPreview"];
export type Removed = Schemas["Removed"];

/** A container. */
export type Sandbox = Schemas["Sandbox"];
export type SandboxDetail = Schemas["SandboxDetail"];

/** The key for Daytona, as much of it as may be seen. */
export type CloudKey = Schemas["Key"];
/** What Daytona says of a key. */
export type Access = Schemas["Access"];
/** What a sandbox in the cloud is made from. */
export type Snapshot = Schemas["Snapshot"];
/** A sandbox in the cloud. */
export type CloudSandbox = Schemas["CloudSandbox"];
/** What runs in the cloud cost: estimates in US dollars. */
export type CostReport = Told<Schemas["CostReport"]>;

export type CostEstimate = Schemas["CostEstimate"];

export type CloudSandboxDetail = Schemas["CloudSandboxDetail"];
/** What can be changed of one; what is left out stays. */
export type CloudSize = Partial<Schemas["SizeForm"]>;
export type CloudTimers = Partial<Schemas["TimersForm"]>;
/** An address of one of its ports. */
export type Preview = Schemas["Preview"];
export type NewSnapshot = Partial<Schemas["NewSnapshot"]>;
export type BuildLog = Schemas["BuildLog"];
