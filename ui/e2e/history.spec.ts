import { expect, run, test, type Server } from "./server";

/** Runs that the history can show. */
async function seed(server: Server, ...lines: string[]): Promise<void> {
  for (const line of lines) await server.stigmer("run", line);
}

test("every run stands in the history and is found by words and by state", async ({ app, server }) => {
  await seed(server, "echo apple", "echo pear", "exit 7");
  await app.keyboard.press("Control+2");
  await expect(app.getByRole("status").filter({ hasText: "3 runs" })).toBeVisible();
  await app.getByRole("searchbox", { name: "Words in the command" }).fill("PEAR");
  await expect(app.getByRole("row", { name: /echo pear/ })).toBeVisible();
  await expect(app.getByRole("row", { name: /echo apple/ })).toBeHidden();
  await app.getByRole("button", { name: "Show all" }).click();
  await app.getByRole("button", { name: /^State/ }).click();
  await app.getByRole("menuitemradio", { name: "failed" }).click();
  await expect(app.getByRole("row", { name: /exit 7/ })).toBeVisible();
  await expect(app.getByRole("status").filter({ hasText: "1 run" })).toBeVisible();
});

test("a run of the history is opened and run again", async ({ app, server }) => {
  await seed(server, "echo found again");
  await app.keyboard.press("Control+2");
  const row = app.getByRole("row", { name: /found again/ });
  await row.click();
  await app.keyboard.press("Enter");
  const output = app.getByRole("region", { name: "Output" });
  await expect(output.getByText("found again", { exact: true })).toBeVisible();
  await app.keyboard.press("Control+2");
  await row.first().click();
  await app.keyboard.press("r");
  await expect(output.getByText("found again", { exact: true })).toBeVisible();
  const list = await server.stigmer("runs", "--json");
  expect(list.stdout.trim().split("\n")).toHaveLength(2);
});

test("two runs are compared: what is gone, what is new", async ({ app, server }) => {
  await seed(server, "printf 'same\\nold\\n'", "printf 'same\\nnew\\n'");
  await app.keyboard.press("Control+2");
  await app.getByRole("row", { name: /old/ }).click();
  await app.keyboard.press("Space");
  await app.getByRole("row", { name: /new/ }).click();
  await app.keyboard.press("Space");
  await app.keyboard.press("c");
  const comparison = app.getByRole("region", { name: "Comparison" });
  await expect(comparison.getByText("1 line gone, 1 new")).toBeVisible();
  await expect(comparison.getByText("old", { exact: true })).toBeVisible();
  await expect(comparison.getByText("new", { exact: true })).toBeVisible();
  await app.keyboard.press("Escape");
  await expect(comparison).toBeHidden();
});

test("a failure is compared with the last good run of the same command", async ({ app, server }) => {
  await server.write({ state: "good" });
  await seed(server, 'cat state; test "$(cat state)" = good');
  await server.write({ state: "broken" });
  await seed(server, 'cat state; test "$(cat state)" = good');
  await app.keyboard.press("Control+2");
  await app.getByRole("row", { name: /exit 1/ }).click();
  await app.keyboard.press("c");
  await expect(
    app.getByRole("region", { name: "Comparison" }).getByText("broken", { exact: true }),
  ).toBeVisible();
});

test("a deleted run comes back with Undo, and is gone without", async ({ app, server }) => {
  await seed(server, "echo stays", "echo goes");
  await app.keyboard.press("Control+2");
  const goes = app.getByRole("row", { name: /echo goes/ });
  await goes.click();
  await app.keyboard.press("Delete");
  await expect(goes).toBeHidden();
  await app.getByRole("button", { name: "Undo" }).click();
  await expect(goes).toBeVisible();
  await goes.click();
  await app.keyboard.press("Delete");
  await expect(async () => {
    expect((await server.stigmer("runs", "--json")).stdout).not.toContain("echo goes");
  }).toPass();
  await expect(app.getByRole("row", { name: /echo stays/ })).toBeVisible();
});

test("a pinned run is kept from being deleted", async ({ app, server }) => {
  await seed(server, "echo precious");
  await app.keyboard.press("Control+2");
  const row = app.getByRole("row", { name: /echo precious/ });
  await row.click();
  await app.keyboard.press("p");
  await expect(row.getByLabel("pinned")).toBeVisible();
  await app.keyboard.press("Delete");
  await expect(app.getByText("Runs that go on or are pinned stay.")).toBeVisible();
  await expect(row).toBeVisible();
});

test("the output of a run is saved as it came", async ({ app, server }) => {
  await seed(server, "printf 'a\\0b\\377'");
  await app.keyboard.press("Control+2");
  await app.getByRole("row", { name: /printf/ }).click({ button: "right" });
  const saved = app.waitForEvent("download");
  await app.getByRole("menuitem", { name: "Save the output as it came" }).click();
  const path = await (await saved).path();
  const { readFile } = await import("node:fs/promises");
  expect([...(await readFile(path))]).toEqual([97, 0, 98, 255]);
});

test("nothing was run yet: the page says what would be here", async ({ app }) => {
  await app.keyboard.press("Control+2");
  await expect(app.getByText("Every run stands here")).toBeVisible();
  await app.getByRole("button", { name: "Run something" }).click();
  await run(app, "true");
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("succeeded");
});
