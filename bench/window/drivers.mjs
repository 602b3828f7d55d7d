// Two ways to drive the pages: a browser that a server serves, and the window of the app itself. Both are started with
// a home of their own and give the same few functions, so that every measurement is written once.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "../../ui/node_modules/@playwright/test/index.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
const SIZE = { width: 1280, height: 820 };

async function makeHome() {
    const home = await mkdtemp(join(tmpdir(), "stigmer-bench-"));
    await mkdir(join(home, "work"));
    const environment = {
        ...process.env,
        HOME: home,
        STIGMER_HOME: join(home, ".stigmer"),
        XDG_CONFIG_HOME: join(home, ".config"),
        XDG_DATA_HOME: join(home, ".local/share"),
        XDG_CACHE_HOME: join(home, ".cache"),
        SHELL: "/bin/sh",
    };
    return { home, environment, workspace: join(home, "work") };
}

async function end(child, signal = "SIGTERM") {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, "exit");
    child.kill(signal);
    await over;
}

/** A browser without pages of ours, for what they are compared with. */
export async function browser() {
    const server = await chromium.launchServer({ executablePath: CHROMIUM, args: FLAGS });
    const connected = await chromium.connect(server.wsEndpoint());
    const page = await connected.newPage({ viewport: SIZE });
    return {
        page,
        roots: [server.process().pid],
        evaluate: (call, argument) => page.evaluate(call, argument),
        close: () => server.close(),
    };
}

/** The pages in Chromium, from `stigmer server`. */
export async function served(programs) {
    const { home, environment, workspace } = await makeHome();
    const arguments_ = ["server", "start", "--json", "--port", "0"];
    const child = spawn(join(programs, "stigmer"), arguments_, {
        env: environment,
        stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const { link } = JSON.parse(line);
    const shown = await browser();
    await shown.page.addInitScript((workspace) => {
        localStorage.setItem("stigmer.welcomed", "yes");
        localStorage.setItem("stigmer.workspaces", JSON.stringify([workspace]));
    }, workspace);
    await shown.page.goto(link);
    return {
        ...shown,
        environment,
        workspace,
        roots: [child.pid, ...shown.roots],
        close: async () => {
            await shown.close();
            await end(child);
            await rm(home, { recursive: true, force: true });
        },
    };
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

/** The window of the app, through WebDriver. Needs a display. */
export async function windowed(programs) {
    const { home, environment, workspace } = await makeHome();
    const port = await freePort();
  // The app lets itself be steered only when told so, and the driver starts the app.
  const driver = spawn("WebKitWebDriver", [`--port=${port}`], {
    env: { ...environment, TAURI_WEBVIEW_AUTOMATION: "true" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ask = async (method, path, body) => {
        const init = { method, headers: { "content-type": "application/json" } };
        if (body !== undefined) init.body = JSON.stringify(body);
        const answer = await (await fetch(`http://127.0.0.1:${port}${path}`, init)).json();
        if (answer.value?.error) throw new Error(`${answer.value.error}: ${answer.value.message}`);
        return answer.value;
    };
    await until(() => ask("GET", "/status"));
    const application = join(programs, "stigmer-desktop");
    const options = { "webkitgtk:browserOptions": { binary: application, args: [] } };
  const capabilities = { alwaysMatch: options };
    const { sessionId } = await ask("POST", "/session", { capabilities });
    const session = `/session/${sessionId}`;
    const evaluate = (call, argument) =>
        ask("POST", `${session}/execute/async`, {
            script: `const done = arguments[1]; Promise.resolve((${call})(arguments[0])).then(done, (e) => done(String(e)));`,
            args: [argument ?? null],
        });
    await ask("POST", `${session}/timeouts`, { script: 300_000 });
    await evaluate((workspace) => {
        localStorage.setItem("stigmer.welcomed", "yes");
        localStorage.setItem("stigmer.workspaces", JSON.stringify([workspace]));
        location.reload();
    }, workspace).catch(() => {});
    return {
        environment,
        workspace,
        roots: [driver.pid],
        evaluate,
        close: async () => {
            await ask("DELETE", session).catch(() => {});
            await end(driver);
            await rm(home, { recursive: true, force: true });
        },
    };
}

/** Tries until it works; what still fails after 20 s fails. */
export async function until(what) {
    const limit = Date.now() + 20_000;
    for (;;) {
        try {
            return await what();
        } catch (error) {
            if (Date.now() > limit) throw error;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }
}
