/** A real server with a home and a workspace of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { test as base, expect, type Page } from "@playwright/test";

const root = resolve(import.meta.dirname, "../..");
export const programs = process.env.STIGMER_PROGRAMS ?? join(root, "target/debug");

export class Server {
  /** Where the pages are, with the token. */
  link = "";
  address = "";
  token = "";
  port = 0;
  #process: ChildProcess | undefined;

  private constructor(
    readonly home: string,
    /** What its environment has besides; what is undefined is not in it. */
    readonly variables: NodeJS.ProcessEnv,
  ) {}

  static async start(variables: NodeJS.ProcessEnv = {}): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "stigmer-e2e-")), variables);
    await mkdir(server.workspace);
    await server.up();
    return server;
  }

  get workspace(): string {
    return join(this.home, "work");
  }

  /** Files of the workspace. */
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.workspace, path);
      await mkdir(join(file, ".."), { recursive: true });
      await writeFile(file, content);
    }
  }

  environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: this.home,
      STIGMER_HOME: join(this.home, ".stigmer"),
      SHELL: "/bin/bash",
      ...this.variables,
    };
  }

  /** Starts it, on the port that it had before. */
  async up(): Promise<void> {
    const args = ["server", "start", "--json", "--port", String(this.port)];
    const child = spawn(join(programs, "stigmer"), args, {
      env: this.environment(),
      cwd: this.workspace,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    const lines = createInterface({ input: child.stdout });
    const [line] = (await once(lines, "line")) as [string];
    const told = JSON.parse(line) as { address: string; link: string };
    this.address = told.address.replace(/\/$/, "");
    this.link = told.link;
    this.token = new URL(told.link).hash.replace("#token=", "");
    this.port = Number(new URL(told.address).port);
  }

  /** Kills it as a crash would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, "exit");
    child.kill(signal);
    await over;
  }

  async remove(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.home, { recursive: true, force: true });
  }

  /** The command line, beside the server. */
  async stigmer(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn(join(programs, "stigmer"), args, {
      env: this.environment(),
      cwd: this.workspace,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    const [code] = (await once(child, "close")) as [number];
    return { code, stdout, stderr };
  }

  async api(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    const init: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    return fetch(`${this.address}/api/v1${path}`, init);
  }
}

interface Fixtures {
  server: Server;
  /** The pages, open in the workspace of the server, past the first screen. */
  app: Page;
}

export const test = base.extend<Fixtures>({
  server: async ({}, use) => {
    const server = await Server.start();
    await use(server);
    await server.remove();
  },
  app: async ({ page, server }, use) => {
    await open(page, server);
    await use(page);
  },
});

const KINDS: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

/** Shows the pages of a folder, where the program has older ones in it: for who changes nothing but pages. */
async function takePagesFrom(folder: string, page: Page): Promise<void> {
  await page.route(
    (url) => !url.pathname.startsWith("/api"),
    (route) => {
      const named = join(folder, new URL(route.request().url()).pathname);
      const path = extname(named) !== "" && existsSync(named) ? named : join(folder, "index.html");
      return route.fulfill({
        path,
        contentType: KINDS[extname(path).slice(1)] ?? "application/octet-stream",
      });
    },
  );
}

/** Opens the pages as somebody who was here before. */
export async function open(page: Page, server: Server): Promise<void> {
  if (process.env.STIGMER_PAGES !== undefined) await takePagesFrom(resolve(process.env.STIGMER_PAGES), page);
  await page.addInitScript(
    ([workspace]) => {
      localStorage.setItem("stigmer.welcomed", "yes");
      if (!localStorage.getItem("stigmer.workspaces")) {
        localStorage.setItem("stigmer.workspaces", JSON.stringify([workspace]));
      }
    },
    [server.workspace],
  );
  await page.goto(server.link);
  await expect(page.getByText("connected")).toBeVisible();
}

/** Types a command and runs it. */
export async function run(page: Page, line: string): Promise<void> {
  const field = page.getByRole("combobox", { name: "Command to run" });
  await field.fill(line);
  await field.press("Enter");
}

export { expect, type Page };
