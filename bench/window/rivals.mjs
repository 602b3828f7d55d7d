// What one would take instead: a terminal emulator in the page, or the text appended to one element. Both get the
// bytes as fast as they take them, over one HTTP answer.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { startFrames, stopFrames } from "./page.mjs";
import { memory, watchMemory } from "./processes.mjs";

const XTERM = new URL("../../ui/node_modules/@xterm/xterm/", import.meta.url);
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/xterm.css">
<script src="/xterm.js"></script><body style="margin:0"><div id="place" style="height:100vh;overflow:auto"></div>`;

/** Gives every chunk to xterm.js, and the next one when it took that. */
const toTerminal = async () => {
    const terminal = new globalThis.Terminal({ cols: 120, rows: 40, scrollback: 10_000 });
    terminal.open(document.querySelector("#place"));
    const reader = (await fetch("/bytes")).body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        await new Promise((resolve) => terminal.write(part.value, resolve));
    }
};

/** Appends every chunk to a <pre> and scrolls to its end, once a frame. */
const toPre = async () => {
    const place = document.querySelector("#place");
    const pre = place.appendChild(document.createElement("pre"));
    const decoder = new TextDecoder();
    const reader = (await fetch("/bytes")).body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        pre.append(decoder.decode(part.value, { stream: true }));
        await new Promise(requestAnimationFrame);
        place.scrollTop = place.scrollHeight;
    }
};

/** Longest that a rival is watched: some do not come to an end. */
const PATIENCE = 120_000;

export async function feed({ page, roots }, rival, command, isOurs) {
    const server = createServer(async (request, answer) => {
        if (request.url === "/bytes") {
            const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
            answer.on("close", () => child.kill());
            child.stdout.pipe(answer);
        } else if (request.url === "/") {
            answer.setHeader("content-type", "text/html").end(PAGE);
        } else {
            const file = { "/xterm.js": "lib/xterm.js", "/xterm.css": "css/xterm.css" }[request.url];
            if (file) answer.end(await readFile(new URL(file, XTERM)));
            else answer.writeHead(404).end();
        }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const idle = memory(roots, isOurs);
    const peak = watchMemory(roots, isOurs);
    await page.evaluate(startFrames);
    const begin = Date.now();
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    await Promise.race([page.evaluate(rival === "<pre>" ? toPre : toTerminal), patience]).catch(() => {});
    const seconds = (Date.now() - begin) / 1000;
    const gone = { longest: Infinity, p99: Infinity, over50: NaN, count: 0 };
    const frames = await Promise.race([
        page.evaluate(stopFrames),
        new Promise((resolve) => setTimeout(resolve, 20_000, gone)),
    ]).catch(() => gone);
    const above = peak() - idle;
    server.closeAllConnections();
    server.close();
    return { frames, above, seconds };
}
