/** A stand-in for Daytona, with real processes behind it, and a real keychain for those tests that want one. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

import { Server, programs, test as base } from "./server";

/** A key as long as real ones are. */
export const KEY = "dtn_0123456789abcdef0123456789abcdefsky7";

/** A command that ends with its standard input, the first line that it says, and its complaints before that. */
async function started(
  program: string,
  args: string[],
  env = process.env,
): Promise<[ChildProcess, string, () => string]> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
  let complaints = "";
  child.stderr.on("data", (data: Buffer) => (complaints += data.toString()));
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${program} ended at once`)));
  });
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), failed])) as [
    string,
  ];
  return [child, line, () => complaints.trim()];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, "exit");
  child.stdin?.end();
  await over;
}

export class Sky {
  private constructor(
    readonly url: string,
    readonly process: ChildProcess,
    /** Why no sandbox will start; empty where they do. */
    readonly complaint: () => string,
  ) {}

  static async open(...options: string[]): Promise<Sky> {
    const quick = ["--key", KEY, "--delay-ms", "50", "--build-ms", "200"];
    const [child, url, complaint] = await started(join(programs, "daytona-double"), [...quick, ...options]);
    return new Sky(url, child, complaint);
  }

  /** What was asked of it so far, as `METHOD /path`. */
  async asked(): Promise<string[]> {
    const answer = await fetch(new URL("/__double/requests", this.url));
    const requests = (await answer.json()) as { method: string; path: string }[];
    return requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** Takes a sandbox into a state as if it happened by itself. */
  async change(name: string, state: string, reason: string): Promise<void> {
    const answer = await fetch(new URL(`/__double/sandboxes/${name}`, this.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ state, reason }),
    });
    if (!answer.ok) throw new Error(`${state}: ${await answer.text()}`);
  }

  close = () => ended(this.process);
}

interface Fixtures {
  /** What the stand-in is told beside its key. */
  skyOptions: string[];
  sky: Sky;
  /** Whether the key is in the user's file from the start. */
  hasKey: boolean;
}

/** Nothing of the account and the keychain of whoever runs the tests. */
const stranger = {
  DAYTONA_API_KEY: undefined,
  DAYTONA_API_URL: undefined,
  DAYTONA_ORGANIZATION_ID: undefined,
  DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent",
};

/** Settings that name the stand-in. */
export async function point(server: Server, sky: Sky, key?: string): Promise<void> {
  const home = join(server.home, ".stigmer");
  await mkdir(home, { recursive: true, mode: 0o700 });
  const lines = [`  api_url: ${sky.url}`, ...(key === undefined ? [] : [`  api_key: ${key}`])];
  await writeFile(join(home, "config.yaml"), `daytona:\n${lines.join("\n")}\n`, { mode: 0o600 });
}

export const test = base.extend<Fixtures>({
  skyOptions: [[], { option: true }],
  hasKey: [true, { option: true }],
  sky: async ({ skyOptions }, use) => {
    const sky = await Sky.open(...skyOptions);
    await use(sky);
    await sky.close();
  },
  server: async ({ sky, hasKey }, use) => {
    const server = await Server.start(stranger);
    await point(server, sky, hasKey ? KEY : undefined);
    await use(server);
    await server.remove();
  },
});

const PROGRAMS = ["dbus-run-session", "gnome-keyring-daemon"];

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, program)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Skips, by name and aloud. */
function skip(title: string, why: string): void {
  if (why === "") return;
  if (process.env.STIGMER_TEST_REQUIRE_ALL === "1") throw new Error(why);
  // eslint-disable-next-line no-console -- what gathers these lines reads them here
  console.log(`SKIPPED: ${title}: ${why}`);
  base.skip(true, why);
}

/** Skips where the stand-in can make no sandboxes. */
export const needSandboxes = (sky: Sky, title: string) => skip(title, sky.complaint());

/** Skips where there can be no keychain. */
export async function needKeychain(title: string): Promise<void> {
  const here = await Promise.all(PROGRAMS.map(isInstalled));
  const missing = PROGRAMS.filter((_, index) => !here[index]);
  skip(title, missing.length === 0 ? "" : `no ${missing.join(" and no ")} here`);
}

/** A folder for a keychain, gone at the end. */
export async function keychainHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "stigmer-keyring-"));
  try {
    await use(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** A server with the keychain in this folder; one that is locked, nobody is there to unlock. */
export async function withKeychain(
  home: string,
  state: "unlocked" | "locked",
  sky: Sky,
  use: (server: Server) => Promise<void>,
): Promise<void> {
  const begin =
    state === "unlocked"
      ? "printf %s password | gnome-keyring-daemon --unlock --components=secrets >/dev/null; "
      : "gnome-keyring-daemon --start --components=secrets >/dev/null; ";
  const script = begin + 'printf "%s\\n" "$DBUS_SESSION_BUS_ADDRESS"; cat >/dev/null';
  const [session, bus] = await started("dbus-run-session", ["--", "sh", "-ec", script], {
    ...process.env,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    XDG_DATA_HOME: join(home, "data"),
  });
  try {
    const server = await Server.start({ ...stranger, DBUS_SESSION_BUS_ADDRESS: bus });
    try {
      await point(server, sky);
      await use(server);
    } finally {
      await server.remove();
    }
  } finally {
    await ended(session);
  }
}
