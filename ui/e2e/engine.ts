/** Tests that want a real Docker engine: where there is none they are skipped, by name and aloud. */

import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { test as base, type Server } from "./server";

const run = promisify(execFile);

/** The image that every engine of a test machine has. */
export const DEBIAN = "stigmer-test/debian";
export const BASIC = "stigmer-sandbox-basic:local";

export async function docker(...args: string[]): Promise<string> {
  return (await run("docker", args)).stdout.trim();
}

const has = (image: string) =>
  docker("image", "inspect", image).then(
    () => true,
    () => false,
  );

interface Engine {
  /** Skips where no engine has these images. */
  engine: (...images: string[]) => Promise<void>;
  /** A name of an image that is this test's own; whatever has it, or a label `journey` with it, goes at the end. */
  own: string;
}

/** A server whose sandboxes are made from a small image, and are gone at the end. */
export const test = base.extend<Engine>({
  server: async ({ server }, use) => {
    await settings(server, { image: DEBIAN });
    await use(server);
    const left = await server.api("GET", "/sandboxes").then((answer) => answer.json() as Promise<unknown>);
    for (const { name } of Array.isArray(left) ? (left as { name: string }[]) : []) {
      await server.api("DELETE", `/sandboxes/${name}`);
    }
  },
  engine: async ({}, use, info) => {
    await use(async (...images) => {
      const wanted = [DEBIAN, ...images];
      const here = await Promise.all(wanted.map(has));
      const missing = wanted.filter((_, index) => !here[index]);
      if (missing.length === 0) return;
      const why = `no Docker engine with ${missing.join(", ")} here`;
      if (process.env.STIGMER_TEST_REQUIRE_ALL === "1") throw new Error(why);
      // eslint-disable-next-line no-console -- what gathers these lines reads them here
      console.log(`SKIPPED: ${info.title}: ${why}; STIGMER_TEST_INSTALL=1 make test installs it`);
      base.skip(true, why);
    });
  },
  own: async ({}, use) => {
    const name = `stigmer-journey-${process.pid}-${Date.now().toString(36)}`;
    await use(name);
    const tags = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).catch(() => "");
    for (const tag of tags.split("\n").filter(Boolean)) await docker("image", "rm", tag).catch(() => "");
    await docker("image", "prune", "-f", "--filter", `label=journey=${name}`).catch(() => "");
  },
});

/** Settings of sandboxes in the user's file. */
export async function settings(server: Server, sandbox: Record<string, string>): Promise<void> {
  const home = join(server.home, ".stigmer");
  await mkdir(home, { recursive: true, mode: 0o700 });
  const lines = Object.entries({ warm: "0", ...sandbox }).map(([key, value]) => `  ${key}: ${value}\n`);
  await writeFile(join(home, "config.yaml"), `sandbox:\n${lines.join("")}`);
}
