import { expect, run, test } from "./server";

test("a command is written, run and watched", async ({ app }) => {
  await run(app, "echo out; echo err >&2; exit 3");
  const output = app.getByRole("region", { name: "Output" });
  await expect(output.getByText("out", { exact: true })).toBeVisible();
  await expect(output.getByText("err", { exact: true })).toBeVisible();
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("exit 3");
});

test("a run that goes on is stopped, and its output is kept", async ({ app }) => {
  await run(app, "echo before; sleep 60");
  const output = app.getByRole("region", { name: "Output" });
  await expect(output.getByText("before", { exact: true })).toBeVisible();
  await app.keyboard.press("Control+.");
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("cancelled");
  await expect(output.getByText("before", { exact: true })).toBeVisible();
});

test("several runs go on at once, each in its tab", async ({ app }) => {
  await run(app, "echo first; sleep 60");
  await expect(app.getByText("first", { exact: true })).toBeVisible();
  await run(app, "echo second; sleep 60");
  await expect(app.getByText("second", { exact: true })).toBeVisible();
  const tabs = app.getByRole("tablist", { name: "Outputs" }).getByRole("tab");
  await expect(tabs).toHaveCount(2);
  await tabs.first().click();
  await expect(app.getByText("first", { exact: true })).toBeVisible();
  await expect(app.getByText("2 runs going on")).toBeVisible();
});

test("a run of the terminal appears in the list as it begins, and the other way round", async ({
  app,
  server,
}) => {
  await app.keyboard.press("Control+2");
  const line = "echo from the terminal; until [ -e go ]; do sleep 0.05; done";
  const ending = server.stigmer("run", line);
  const row = app.getByRole("row", { name: /from the terminal/ });
  await expect(row).toContainText("running");
  await expect(row).toContainText("terminal");
  await server.write({ go: "" });
  expect((await ending).stdout).toBe("from the terminal\n");
  await expect(row).toContainText("succeeded");

  await app.keyboard.press("Control+1");
  await run(app, "echo from the window");
  await expect(app.getByText("from the window", { exact: true })).toBeVisible();
  const { stdout } = await server.stigmer("runs", "logs", "last");
  expect(stdout).toBe("from the window\n");
});

test("earlier commands come back by arrow, and those that begin as typed", async ({ app }) => {
  const field = app.getByRole("combobox", { name: "Command to run" });
  for (const line of ["echo one", "true", "echo two"]) {
    await run(app, line);
    // That of the run before says the same.
    await expect(app.getByTitle(`${line} · `)).toBeVisible();
    await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("succeeded");
  }
  await field.fill("");
  await field.press("ArrowUp");
  await expect(field).toHaveValue("echo two");
  await field.press("ArrowUp");
  await expect(field).toHaveValue("true");
  await field.press("ArrowDown");
  await field.press("ArrowDown");
  await expect(field).toHaveValue("");
  await field.fill("echo");
  await field.press("ArrowUp");
  await field.press("ArrowUp");
  await expect(field).toHaveValue("echo one");
});

test("Tab completes paths of the workspace", async ({ app, server }) => {
  await server.write({ "data/one.csv": "1", "data/other.csv": "2", "scripts/x.sh": "" });
  const field = app.getByRole("combobox", { name: "Command to run" });
  await field.pressSequentially("cat da");
  await field.press("Tab");
  await expect(field).toHaveValue("cat data/");
  await field.press("Tab");
  await expect(field).toHaveValue("cat data/o");
  await app.getByRole("option", { name: "data/other.csv" }).click();
  await expect(field).toHaveValue("cat data/other.csv");
});

test("variables, a time limit and typed input reach the run", async ({ app }) => {
  await app.getByRole("button", { name: /How it runs/ }).click();
  await app.getByRole("textbox", { name: "Variables" }).fill("WHO=world");
  await app.getByRole("radio", { name: "typed lines" }).check();
  await run(app, 'read -r line; echo "hello $WHO, $line"');
  const input = app.getByRole("textbox", { name: /input/i });
  await input.fill("again");
  await input.press("Enter");
  await expect(app.getByText("hello world, again", { exact: true })).toBeVisible();

  await app.getByRole("radio", { name: "none" }).check();
  await app.getByRole("spinbutton", { name: /Time limit/ }).fill("1");
  await run(app, "sleep 60");
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("timed out");
});

test("what cannot be run says what, why, and what to do", async ({ app }) => {
  await app.evaluate(() => localStorage.setItem("stigmer.workspaces", JSON.stringify(["/nowhere/at/all"])));
  await app.reload();
  await expect(app.getByText("connected")).toBeVisible();
  await run(app, "true");
  const output = app.getByRole("region", { name: "Output" });
  await expect(output).toContainText("/nowhere/at/all");
  await expect(output).toContainText("folder-unusable");
});
