/** What the command bar holds, and what becomes of it. */

import { files } from "../ipc/api";
import type { Input, Language, NewRun, Work } from "../ipc/types";
import { cloudFormOf, isCloudFilled, noCloudFields, type CloudFields } from "../lib/cloud";
import { formOf, isFilled, noFields, problems, type SandboxFields } from "../lib/sandbox";
import * as documents from "./documents.svelte";
import { modes } from "./modes.svelte";
import * as runs from "./runs.svelte";
import { say } from "./toasts.svelte";
import { workspace } from "./workspace.svelte";

/** Where the next run's standard input comes from. */
export type Typing = "closed" | "piped" | "terminal";

let text = $state("");
let typing = $state<Typing>("closed");
/** In seconds; 0 is no limit. */
let limit = $state(0);
/** Lines of `NAME=value`. */
let variables = $state("");
/** The session that Python scripts run in; empty for none. */
let session = $state("");
const sandbox = $state<SandboxFields>(noFields());
const cloud = $state<CloudFields>(noCloudFields());

export const command = {
  get text() {
    return text;
  },
  set text(value) {
    text = value;
  },
  get typing() {
    return typing;
  },
  set typing(value) {
    typing = value;
  },
  get limit() {
    return limit;
  },
  set limit(value) {
    limit = value;
  },
  get variables() {
    return variables;
  },
  set variables(value) {
    variables = value;
  },
  get session() {
    return session;
  },
  set session(value) {
    session = value;
  },
  /** What is asked of the sandbox of the next run, if it gets one. */
  sandbox,
  /** The same for a sandbox in the cloud. */
  cloud,
  /** What of that cannot be understood, by field. */
  get problems() {
    return { ...(modes.chosen === "sandbox" ? problems(sandbox) : {}), ...sessionProblem() };
  },
  /** Whether the next run differs from a plain one. */
  get isSpecial() {
    return (
      typing !== "closed" ||
      limit > 0 ||
      variables.trim() !== "" ||
      session.trim() !== "" ||
      (modes.chosen === "sandbox" && isFilled(sandbox)) ||
      (modes.chosen === "daytona" && isCloudFilled(cloud))
    );
  },
};

function sessionProblem(): { session?: string } {
  const isName = /^[\w-]{0,32}$/.test(session.trim());
  return isName ? {} : { session: "a session's name has up to 32 letters, digits, dashes and underscores" };
}

/** `NAME=value` lines as variables; what is no such line is left out. */
export function parseVariables(lines: string): Record<string, string> {
  const pairs = lines
    .split("\n")
    .map((line) => /^\s*([^=\s]+)\s*=(.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, name, value]) => [name, value] as const);
  return Object.fromEntries(pairs) as Record<string, string>;
}

const SIZE = { cols: 100, rows: 30 };

/** Where the next run goes, with what is asked of its sandbox. */
export function place(): Pick<NewRun, "mode" | "sandbox" | "network"> {
  if (modes.chosen === "daytona") {
    return { mode: "daytona", sandbox: cloudFormOf(cloud) as NonNullable<NewRun["sandbox"]> };
  }
  if (modes.chosen !== "sandbox") return { mode: modes.chosen };
  const form = formOf(sandbox) as NonNullable<NewRun["sandbox"]>;
  const network = sandbox.network.trim();
  return { mode: "sandbox", sandbox: form, ...(network === "" ? {} : { network }) };
}

function wanted(work: Work): NewRun {
  const input: Input = typing === "terminal" ? { terminal: SIZE } : typing;
  const run: NewRun = { work, workspace: workspace.path, input, ...place() };
  if (limit > 0) run.timeout_ms = limit * 1000;
  const env = parseVariables(variables);
  if (Object.keys(env).length > 0) run.env = env;
  const isPython = work.kind === "script" && work.language === "python";
  if (isPython && session.trim() !== "") run.session = session.trim();
  return run;
}

async function start(work: Work): Promise<void> {
  const [problem] = Object.values(command.problems);
  if (problem !== undefined) say(`This cannot be run yet: ${problem}.`);
  else await runs.start(wanted(work));
}

/** Runs the line in the command bar. What is not saved is saved first: it is what a person believes to run. */
export async function run(): Promise<void> {
  const line = text.trim();
  if (line === "" || !(await documents.saveAll())) return;
  await start({ kind: "line", line });
}

const LANGUAGES: Record<string, Language> = {
  py: "python",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  ts: "typescript",
  mts: "typescript",
  sh: "bash",
  bash: "bash",
};

const languageOf = (path: string) => LANGUAGES[path.split(".").at(-1) ?? ""];

/** A path as a word of a shell's line. */
export const quoted = (word: string) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** How a file of the workspace is run: by its language, else as a program. */
export function workOf(path: string): Work {
  const language = languageOf(path);
  if (!language) return { kind: "line", line: quoted(`./${path}`) };
  return { kind: "script", language, code: { file: { path: `${workspace.path}/${path}` } } };
}

/** Runs a file, the one in the editor if none is named. */
export async function runFile(path = documents.current()?.path): Promise<void> {
  if (path === undefined || !(await documents.saveAll())) return;
  await start(workOf(path));
}

/** Runs what is selected in the editor, in the language of its file. */
export async function runSelection(): Promise<void> {
  const current = documents.current();
  if (!current?.selection.trim()) return;
  const language = languageOf(current.path) ?? "bash";
  await start({ kind: "script", language, code: { inline: { text: current.selection } } });
}

/** Lines that were run before, newest first, each once. */
export async function history(): Promise<string[]> {
  const { runs: before } = await runs.list({ limit: 300 });
  const lines = before.filter((run) => run.origin !== "agent").map((run) => run.command);
  return [...new Set(lines)];
}

/** Paths that begin with this. */
export const complete = (prefix: string) => files.complete(workspace.path, prefix);
