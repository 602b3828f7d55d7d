import { defineConfig } from "@playwright/test";

/** Journeys through the pages in a real browser, against a real server that runs real programs. */
export default defineConfig({
  testDir: "e2e",
  testIgnore: "screens/**",
  outputDir: "test-results",
  forbidOnly: !!process.env.CI,
  // A test that fails once is a defect, here or there.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    colorScheme: "dark",
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        // Pages that come from a folder may ask the server, too.
        ...(process.env.STIGMER_PAGES === undefined ? [] : ["--disable-features=LocalNetworkAccessChecks"]),
      ],
    },
  },
});
