import { defineConfig } from "@playwright/test";

import journeys from "./playwright.config";

/** `make screenshots`: every screen in both themes, for eyes. */
export default defineConfig({ ...journeys, testDir: "e2e/screens", testIgnore: [], workers: 1 });
