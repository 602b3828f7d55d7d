/** Where pictures of screens land, and how each is taken: at 100 % and at 150 %. */

import { join, resolve } from "node:path";

import type { Page } from "../server";

const folder = process.env.SCREENSHOTS ?? resolve(import.meta.dirname, "../../../target/screenshots");

export async function photograph(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.setViewportSize({ width: 960, height: 600 });
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(folder, `${name}-150.png`) });
}
