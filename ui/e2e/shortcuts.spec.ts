/** The list of shortcuts. */

import { expect, open, run, test } from "./server";

test("no two things have one key, but for searching what has the focus", async ({ page: app, server }) => {
  await server.write({ "a.txt": "text\n" });
  await open(app, server);
  await app.getByRole("treeitem", { name: "a.txt" }).click();
  await expect(app.getByRole("textbox", { name: "Text of a.txt" })).toBeVisible();
  await run(app, "echo shown");
  await expect(app.getByText("shown", { exact: true })).toBeVisible();
  await app.getByTestId("log-rows").focus();
  await app.keyboard.press("?");
  const list = app.getByRole("dialog", { name: "Shortcuts" });
  await expect(list.getByRole("term").getByText("Search the output")).toBeVisible();
  await expect(list.getByRole("term").getByText("Search in the file")).toBeVisible();
  const keys = await list.getByRole("definition").allTextContents();
  expect(keys.length).toBeGreaterThan(40);
  const twice = keys.map((key) => key.trim()).filter((key, index, all) => all.indexOf(key) !== index);
  expect(twice).toEqual(["Ctrl F"]);
});
