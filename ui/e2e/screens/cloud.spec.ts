/** Pictures of what is in the cloud, beside those of every other screen. */

import { expect, open, type Page, type Server } from "../server";
import { test, type Sky } from "../sky";
import { photograph } from "./camera";

const detail = (page: Page) => page.getByRole("complementary");

/** Two sandboxes, and the detail of one. */
async function two(page: Page, server: Server): Promise<string> {
  await server.stigmer("run", "--mode", "daytona", "--keep", "echo two");
  await server.stigmer("run", "--mode", "daytona", "echo one; exit 3");
  await server.stigmer("run", "--mode", "daytona", "echo one");
  await page.keyboard.press("Control+4");
  await page
    .getByRole("row", { name: /^stigmer-/ })
    .first()
    .click();
  await expect(detail(page).getByRole("heading", { name: "Labels" })).toBeVisible();
  return (await detail(page).getByRole("heading").first().textContent()) ?? "";
}

async function newSnapshot(page: Page): Promise<void> {
  await page.keyboard.press("Control+5");
  await page.getByRole("button", { name: "Make a snapshot" }).click();
  await page.getByLabel("Name", { exact: true }).fill("tools:1");
}

async function build(page: Page, dockerfile: string): Promise<void> {
  await newSnapshot(page);
  await page.getByLabel("a Dockerfile").check();
  await page.getByLabel("Dockerfile", { exact: true }).fill(dockerfile);
  await page.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("log")).toContainText("Step 1");
}

const screens: Record<string, (page: Page, server: Server, sky: Sky) => Promise<void>> = {
  "cloud-empty": async (page) => {
    await page.keyboard.press("Control+4");
    await expect(page.getByText("A run in Daytona mode gets a sandbox in the cloud.")).toBeVisible();
  },
  cloud: async (page, server) => {
    await two(page, server);
    await expect(detail(page)).toContainText("exit 3");
  },
  "cloud-editing": async (page, server) => {
    await two(page, server);
    for (const what of ["timers", "labels", "size"]) {
      await detail(page)
        .getByRole("button", { name: `Change ${what}` })
        .click();
    }
    await detail(page).getByLabel("CPUs").fill("500");
    await page.keyboard.press("Enter");
    await expect(detail(page).getByRole("alert")).toBeVisible();
  },
  "cloud-failed": async (page, server, sky) => {
    await sky.change(await two(page, server), "error", "no space left on device");
    await expect(detail(page)).toContainText("no space left on device", { timeout: 30_000 });
  },
  snapshots: async (page) => {
    await page.keyboard.press("Control+5");
    await page
      .getByRole("row", { name: /^daytonaio/ })
      .first()
      .click();
    await expect(detail(page)).toContainText("for everybody");
  },
  "snapshot-new": async (page) => {
    await newSnapshot(page);
    await page.getByLabel("Image", { exact: true }).fill("python:latest");
  },
  "snapshot-building": (page) => build(page, "FROM debian:12\nRUN echo one\nRUN echo two\n"),
  "snapshot-failed": async (page) => {
    await build(page, "FROM debian:12\nRUN exit 3\n");
    await expect(page.getByRole("log")).toContainText("non-zero code: 3", { timeout: 30_000 });
    await expect(detail(page)).toContainText("Correct the Dockerfile");
  },
};

test.use({ skyOptions: ["--build-ms", "4000"] });

for (const theme of ["dark", "light"] as const) {
  for (const [name, show] of Object.entries(screens)) {
    test(`${name} ${theme}`, async ({ page, server, sky }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await open(page, server);
      await show(page, server, sky);
      await photograph(page, `${name}-${theme}`);
    });
  }
}
