/** What eyes and other senses need: names, contrast, keys, sizes. */

import { judge } from "./judge";
import { expect, run, test, type Page } from "./server";

const screens = {
  run: async (app: Page) => {
    await run(app, "printf '\\033[31mred\\033[0m plain\\n'; echo problem >&2; exit 1");
    await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("exit 1");
  },
  history: async (app: Page) => {
    await run(app, "echo one");
    await app.keyboard.press("Control+2");
    await expect(app.getByRole("row", { name: /echo one/ })).toBeVisible();
  },
  settings: async (app: Page) => {
    await app.keyboard.press("Control+,");
    await expect(app.getByText("logs.max_run_size")).toBeVisible();
  },
  palette: async (app: Page) => {
    await app.keyboard.press("Control+k");
    await expect(app.getByRole("dialog", { name: "Search or run" })).toBeVisible();
  },
  shortcuts: async (app: Page) => {
    await app.keyboard.press("?");
    await expect(app.getByRole("dialog", { name: "Shortcuts" })).toBeVisible();
  },
};

for (const theme of ["dark", "light"] as const) {
  for (const [name, show] of Object.entries(screens)) {
    test(`${name} in the ${theme} theme can be read, named and reached by everybody`, async ({ app }) => {
      await app.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await show(app);
      await judge(app);
    });
  }
}

test("the whole way by keyboard: command, stop, history, again, palette", async ({ app }) => {
  await app.keyboard.press("Control+l");
  await app.keyboard.type("echo by keys; sleep 60");
  await app.keyboard.press("Control+Enter");
  await expect(app.getByText("by keys", { exact: true })).toBeVisible();
  await app.keyboard.press("Control+.");
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("cancelled");
  await app.keyboard.press("Control+2");
  await expect(app.getByRole("row", { name: /by keys/ })).toBeVisible();
  await app.keyboard.press("Control+k");
  await app.keyboard.type("light and dark");
  await app.keyboard.press("Enter");
  await expect(app.locator("html")).toHaveAttribute("data-theme", "light");
});

test("the theme follows the system until a person chooses", async ({ app }) => {
  await expect(app.locator("html")).toHaveAttribute("data-theme", "dark");
  await app.emulateMedia({ colorScheme: "light" });
  await expect(app.locator("html")).toHaveAttribute("data-theme", "light");
  await app.getByRole("button", { name: "Show the dark theme" }).click();
  await app.reload();
  await expect(app.locator("html")).toHaveAttribute("data-theme", "dark");
});

for (const zoom of [0.8, 1.5, 2]) {
  test(`at ${zoom * 100} % nothing is cut off`, async ({ app }) => {
    await app.setViewportSize({ width: Math.round(1440 / zoom), height: Math.round(900 / zoom) });
    await run(app, "echo shown");
    await expect(app.getByRole("button", { name: "Run", exact: true }).last()).toBeInViewport({ ratio: 1 });
    const [wide, shown] = await app.evaluate(
      () => [document.documentElement.scrollWidth, innerWidth] as const,
    );
    expect(wide).toBeLessThanOrEqual(shown);
  });
}

test("on a narrow screen one pane is shown at a time", async ({ app }) => {
  await app.setViewportSize({ width: 640, height: 800 });
  const panes = app.getByRole("tablist", { name: "Panes" });
  await panes.getByRole("tab", { name: "Files" }).click();
  await expect(app.getByRole("region", { name: "Files" })).toBeVisible();
  await expect(app.getByRole("region", { name: "Output" })).toBeHidden();
});
