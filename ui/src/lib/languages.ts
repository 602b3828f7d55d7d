/** What language a file is in, by its name or its first line. */

import type { Language as Runnable } from "../ipc/types";
import { nameOf } from "./paths";

export type Grammar =
  | "python"
  | "javascript"
  | "typescript"
  | "jsx"
  | "tsx"
  | "shell"
  | "yaml"
  | "json"
  | "dockerfile"
  | "markdown"
  | "toml"
  | "properties"
  | "css"
  | "html"
  | "rust"
  | "go"
  | "sql"
  | "diff"
  | "text";

export interface FileLanguage {
  grammar: Grammar;
  /** As people call it. */
  name: string;
  /** How a run would call it. */
  runs: Runnable | null;
}

const language = (grammar: Grammar, name: string, runs: Runnable | null = null): FileLanguage => ({
  grammar,
  name,
  runs,
});

const PYTHON = language("python", "Python", "python");
const JAVASCRIPT = language("javascript", "JavaScript", "javascript");
const TYPESCRIPT = language("typescript", "TypeScript", "typescript");
const BASH = language("shell", "Shell", "bash");
const YAML = language("yaml", "YAML");
const JSON = language("json", "JSON");
const MARKDOWN = language("markdown", "Markdown");
const DOCKERFILE = language("dockerfile", "Dockerfile");
const PROPERTIES = language("properties", "Settings");
const TEXT = language("text", "Plain text");

const BY_ENDING: Record<string, FileLanguage> = {
  py: PYTHON,
  pyi: PYTHON,
  pyw: PYTHON,
  js: JAVASCRIPT,
  mjs: JAVASCRIPT,
  cjs: JAVASCRIPT,
  jsx: language("jsx", "JavaScript JSX", "javascript"),
  ts: TYPESCRIPT,
  mts: TYPESCRIPT,
  cts: TYPESCRIPT,
  tsx: language("tsx", "TypeScript JSX", "typescript"),
  sh: BASH,
  bash: BASH,
  zsh: BASH,
  ksh: BASH,
  yaml: YAML,
  yml: YAML,
  json: JSON,
  jsonc: JSON,
  json5: JSON,
  ipynb: JSON,
  dockerfile: DOCKERFILE,
  md: MARKDOWN,
  markdown: MARKDOWN,
  toml: language("toml", "TOML"),
  ini: PROPERTIES,
  cfg: PROPERTIES,
  conf: PROPERTIES,
  properties: PROPERTIES,
  env: PROPERTIES,
  css: language("css", "CSS"),
  html: language("html", "HTML"),
  svelte: language("html", "Svelte"),
  vue: language("html", "Vue"),
  rs: language("rust", "Rust"),
  go: language("go", "Go"),
  sql: language("sql", "SQL"),
  diff: language("diff", "Diff"),
  patch: language("diff", "Diff"),
};

const BY_NAME: Record<string, FileLanguage> = {
  dockerfile: DOCKERFILE,
  containerfile: DOCKERFILE,
  ".bashrc": BASH,
  ".profile": BASH,
  ".zshrc": BASH,
  ".env": PROPERTIES,
  ".editorconfig": PROPERTIES,
  ".gitconfig": PROPERTIES,
  "cargo.lock": language("toml", "TOML"),
};

const BY_PROGRAM: [RegExp, FileLanguage][] = [
  [/python|pypy/, PYTHON],
  [/\bnode|bun\b/, JAVASCRIPT],
  [/\bdeno|ts-node|tsx\b/, TYPESCRIPT],
  [/\b(ba|z|k|da)?sh\b/, BASH],
];

/** A file may well be called `constructor`. */
const own = (known: Record<string, FileLanguage>, name: string) =>
  Object.hasOwn(known, name) ? known[name] : undefined;

export function languageOf(path: string, firstLine = ""): FileLanguage {
  const name = nameOf(path).toLowerCase();
  const ending = name.includes(".") ? (name.split(".").at(-1) ?? "") : "";
  const known = own(BY_NAME, name) ?? own(BY_ENDING, ending);
  if (known) return known;
  if (/^(docker|container)file\b/.test(name)) return DOCKERFILE;
  if (name.startsWith(".env.")) return PROPERTIES;
  if (!firstLine.startsWith("#!")) return TEXT;
  return BY_PROGRAM.find(([program]) => program.test(firstLine))?.[1] ?? TEXT;
}
