/** Pictures of what is in the cloud. They land in target/screenshots, beside those of every other screen. */

import { join, resolve } from "node:path";

import { expect, open, type Page, type Server } from "../server";
import { test } from "../sky";

const folder = process.env.SCREENSHOTS ?? resolve(import.meta.dirname, "../../../target/screenshots");

const screens: Record<string, (page: Page, server: Server) => Promise<void>> = {
  "cloud-empty": async (page) => {
    await page.keyboard.press("Control+4");
    await expect(page.getByText("A run in Daytona mode gets a sandbox in the cloud.")).toBeVisible();
  },
  cloud: async (page, server) => {
    await server.stigmer("run", "--mode", "daytona", "echo one");
    await server.stigmer("run", "--mode", "daytona", "--keep", "echo two");
    await page.keyboard.press("Control+4");
    await page
      .getByRole("row", { name: /^stigmer-/ })
      .first()
      .click();
    await expect(page.getByText("Labels")).toBeVisible();
  },
  snapshots: async (page) => {
    await page.keyboard.press("Control+5");
    await page
      .getByRole("row", { name: /^daytonaio/ })
      .first()
      .click();
    await expect(page.getByRole("complementary")).toContainText("for everybody");
  },
};

for (const theme of ["dark", "light"] as const) {
  for (const [name, show] of Object.entries(screens)) {
    test(`${name} ${theme}`, async ({ page, server }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await open(page, server);
      await show(page, server);
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
      await page.setViewportSize({ width: 960, height: 600 });
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(folder, `${name}-${theme}-150.png`) });
    });
  }
}
