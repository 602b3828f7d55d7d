import { request as plain } from "node:http";

import { expect, open, run, test } from "./server";

test("the server is killed under the page: it says so, and goes on without a gap when it is back", async ({
  app,
  server,
}) => {
  await run(app, "echo before");
  await expect(app.getByText("before", { exact: true })).toBeVisible();
  await server.kill();
  await expect(app.getByText("Stigmer does not answer; trying again")).toBeVisible();
  await expect(app.getByText("before", { exact: true })).toBeVisible();
  await server.up();
  await expect(app.getByText("connected")).toBeVisible();
  await run(app, "echo after");
  await expect(app.getByText("after", { exact: true })).toBeVisible();
});

test("a run that the server's death ended is shown as lost", async ({ app, server }) => {
  await run(app, "echo before; sleep 60");
  await expect(app.getByText("before", { exact: true })).toBeVisible();
  await server.kill();
  await server.up();
  await expect(app.getByRole("list", { name: "What happened to the run" })).toContainText("lost");
});

test("a wrong token leads to the page that asks for it, and the right one in", async ({ page, server }) => {
  await page.goto(`${server.address}/#token=wrong`);
  const field = page.getByRole("textbox", { name: "Token" }).or(page.getByLabel("Token"));
  await expect(field.first()).toBeVisible();
  await field.first().fill(server.token);
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByText("connected")).toBeVisible();
});

test("the token does not stay in the address", async ({ app, server }) => {
  expect(app.url()).not.toContain(server.token);
});

test("a page of another origin gets nothing", async ({ page, server }) => {
  const answer = await fetch(`${server.address}/api/v1/runs`, {
    headers: { authorization: `Bearer ${server.token}`, origin: "https://evil.example" },
  });
  expect(answer.status).toBe(403);
  await page.route("https://evil.example/", (route) =>
    route.fulfill({ body: "<p>evil</p>", contentType: "text/html" }),
  );
  await page.goto("https://evil.example/");
  const read = await page.evaluate(
    ([address, token]) =>
      fetch(`${address}/api/v1/runs`, { headers: { authorization: `Bearer ${token}` } }).then(
        (answer) => answer.status,
        () => "refused",
      ),
    [server.address, server.token],
  );
  expect(read).toBe("refused");
});

test("a renamed host gets nothing", async ({ server }) => {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { host: `evil.example:${server.port}`, authorization: `Bearer ${server.token}` };
    plain({ host: "127.0.0.1", port: server.port, path: "/api/v1/runs", headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(403);
});

test("the workspace is deleted while it is open: the page says so", async ({ page, server }) => {
  await server.write({ "a.txt": "a" });
  await open(page, server);
  await expect(page.getByRole("treeitem", { name: "a.txt" })).toBeVisible();
  const { rm } = await import("node:fs/promises");
  await rm(server.workspace, { recursive: true });
  await expect(page.getByRole("region", { name: "Files" })).toContainText("no longer there");
});
