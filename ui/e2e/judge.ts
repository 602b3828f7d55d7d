/** What everybody must be able to read, name and reach. */

import AxeBuilder from "@axe-core/playwright";

import { expect, type Page } from "./server";

/** Fails where axe finds something on the page as it is. */
export async function judge(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  expect(told).toEqual([]);
}
