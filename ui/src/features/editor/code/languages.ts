/** Grammars, each read when a file needs it. */

import type { LanguageSupport, StreamParser } from "@codemirror/language";
import type { Extension } from "@codemirror/state";

import type { Grammar } from "../../../lib/languages";

async function legacy(mode: Promise<StreamParser<unknown>>, data?: object): Promise<Extension> {
  const [{ StreamLanguage }, parser] = await Promise.all([import("@codemirror/language"), mode]);
  const language = StreamLanguage.define(parser);
  return data ? [language, language.data.of(data)] : language;
}

const hash = { commentTokens: { line: "#" } };

async function markdown(): Promise<Extension> {
  const [{ markdown, markdownLanguage }, { LanguageDescription }] = await Promise.all([
    import("@codemirror/lang-markdown"),
    import("@codemirror/language"),
  ]);
  const fenced = (name: string, alias: string[], grammar: Grammar) =>
    LanguageDescription.of({ name, alias, load: async () => supportOf(await LOADERS[grammar]()) });
  return markdown({
    base: markdownLanguage,
    codeLanguages: [
      fenced("python", ["py"], "python"),
      fenced("javascript", ["js", "jsx"], "javascript"),
      fenced("typescript", ["ts", "tsx"], "typescript"),
      fenced("json", [], "json"),
      fenced("yaml", ["yml"], "yaml"),
    ],
  });
}

/** Those that are fenced in Markdown come with all that belongs to them. */
const supportOf = (extension: Extension) => extension as LanguageSupport;

const script = (config: { typescript?: boolean; jsx?: boolean }) =>
  import("@codemirror/lang-javascript").then(({ javascript }) => javascript(config));

const LOADERS: Record<Grammar, () => Promise<Extension>> = {
  python: () => import("@codemirror/lang-python").then(({ python }) => python()),
  javascript: () => script({}),
  typescript: () => script({ typescript: true }),
  jsx: () => script({ jsx: true }),
  tsx: () => script({ jsx: true, typescript: true }),
  shell: () => legacy(import("@codemirror/legacy-modes/mode/shell").then(({ shell }) => shell)),
  yaml: () => import("@codemirror/lang-yaml").then(({ yaml }) => yaml()),
  json: () => import("@codemirror/lang-json").then(({ json }) => json()),
  dockerfile: () =>
    legacy(
      import("@codemirror/legacy-modes/mode/dockerfile").then(({ dockerFile }) => dockerFile),
      hash,
    ),
  markdown,
  toml: () => legacy(import("@codemirror/legacy-modes/mode/toml").then(({ toml }) => toml)),
  properties: () =>
    legacy(
      import("@codemirror/legacy-modes/mode/properties").then(({ properties }) => properties),
      hash,
    ),
  css: () => legacy(import("@codemirror/legacy-modes/mode/css").then(({ css }) => css)),
  html: () => legacy(import("@codemirror/legacy-modes/mode/xml").then(({ html }) => html)),
  rust: () => legacy(import("@codemirror/legacy-modes/mode/rust").then(({ rust }) => rust)),
  go: () => legacy(import("@codemirror/legacy-modes/mode/go").then(({ go }) => go)),
  sql: () => legacy(import("@codemirror/legacy-modes/mode/sql").then(({ standardSQL }) => standardSQL)),
  diff: () => legacy(import("@codemirror/legacy-modes/mode/diff").then(({ diff }) => diff)),
  text: async () => [],
};

/** The extension for a grammar. A grammar that cannot be read leaves the text plain. */
export const grammar = (of: Grammar): Promise<Extension> => LOADERS[of]().catch(() => []);
