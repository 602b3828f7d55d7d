import { expect, test } from "vitest";

import { languageOf } from "./languages";

test.each([
  ["src/load.py", "", "python", "python"],
  ["a.MJS", "", "javascript", "javascript"],
  ["App.tsx", "", "tsx", "typescript"],
  ["run", "#!/usr/bin/env python3", "python", "python"],
  ["run", "#!/bin/sh -eu", "shell", "bash"],
  ["run", "#!/usr/bin/env -S node --test", "javascript", "javascript"],
  ["Dockerfile", "", "dockerfile", null],
  ["Dockerfile.dev", "", "dockerfile", null],
  [".stigmer.yaml", "", "yaml", null],
  ["notes", "# only a comment", "text", null],
  ["constructor", "", "text", null],
])("%s that begins with %j", (path, firstLine, grammar, runs) => {
  expect(languageOf(path, firstLine)).toMatchObject({ grammar, runs });
});
