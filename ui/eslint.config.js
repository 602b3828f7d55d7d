// Beside the recommended rules, the two walls of ARCHITECTURE.md: only `ipc` knows a transport, and features do not
// know each other.
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

const transports = {
  group: ["@tauri-apps/*"],
  message: "only src/ipc knows how requests travel",
};

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/ipc/generated.ts", "test-results/", "playwright-report/"] },
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "no-console": "error",
      "no-undef": "off", // TypeScript knows better
      eqeqeq: "error",
      // Registers that nothing is drawn from need no reactivity.
      "svelte/prefer-svelte-reactivity": "off",
      "svelte/no-unused-svelte-ignore": "off", // svelte-check knows better
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    files: ["src/**/*.{ts,svelte}"],
    ignores: ["src/ipc/**"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [transports] }],
      "no-restricted-globals": [
        "error",
        { name: "fetch", message: "requests go through src/ipc" },
        { name: "WebSocket", message: "notices come through src/ipc" },
      ],
    },
  },
  {
    files: ["src/features/*/**/*.{ts,svelte}"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            transports,
            { regex: "^(\\.\\./)+(views|features)/", message: "features do not know views or each other" },
            // From one feature straight into another.
            {
              regex: "^\\.\\./(?!\\.\\./|[^/]+$)",
              message: "features do not import each other; views compose them",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["src/{stores,ipc,lib,controls}/**/*.{ts,svelte}"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [{ regex: "/(views|features)/", message: "dependencies point the other way" }],
        },
      ],
    },
  },
);
