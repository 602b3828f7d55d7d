// Floods the window with output and looks at its frames, its memory, and whether anything is missing; then jumps
// about in a log of ten million lines. Beside it: xterm.js and a plain <pre> fed with the same bytes.
//
//   node bench/window/measure.mjs PROGRAMS [window]    the folder of the built programs; `window` adds the app's own window

import { execFileSync } from "node:child_process";

import { browser, served, until, windowed } from "./drivers.mjs";
import { startFrames, stopFrames } from "./page.mjs";
import { memory, watchMemory } from "./processes.mjs";
import { feed } from "./rivals.mjs";

const [programs, ...wanted] = process.argv.slice(2);
const LINES = Number(process.env.STIGMER_BENCH_LINES ?? 5_000_000);
const MANY = 2 * LINES;
const TEXT = "line %.0f of a flood that goes on for a while, and says nothing at all of any interest";
const FLOOD = `seq -f '${TEXT}' ${LINES}`;
const JUMPS = 40;
const MB = 1e6;

// Programs of the person at the screen are not the app's.
const isOurs = (name) => !["seq", "sh", "WebKitWebDriver"].includes(name);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Types a command and presses Run. */
const start = (line) => {
    const field = document.querySelector("#command");
    field.value = line;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => field.form.requestSubmit(), 50);
};

/** How the run that is shown stands. */
const state = () => document.querySelector("[data-testid=log-state]")?.dataset.state ?? "none";

/** Time until rows of another place are there, for each of so many jumps, in milliseconds. */
const jump = async (times) => {
    const scroller = document.querySelector("[data-testid=log-rows]");
    const took = [];
    for (let i = 0; i < times; i++) {
        const part = (i * 0.618034) % 1;
        const begin = performance.now();
        scroller.scrollTop = part * (scroller.scrollHeight - scroller.clientHeight);
        await new Promise((resolve) => {
            const look = () => {
                const rows = [...scroller.querySelectorAll("[data-testid=log-row]")];
                const lines = rows.map((row) => Number(row.dataset.line ?? NaN));
                const total = Number(rows[0]?.getAttribute("aria-setsize"));
                const isThere =
                    lines.length > 0 && lines.every(Number.isFinite) && Math.abs(lines[0] / total - part) < 0.01;
                if (isThere || performance.now() - begin > 5_000) resolve();
                else requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        });
        took.push(performance.now() - begin);
    }
    return took.sort((one, other) => one - other).map(Math.round);
};

async function finished(app) {
    for (;;) {
        const word = await app.evaluate(state);
        if (!["none", "queued", "preparing", "running"].includes(word)) return word;
        await pause(200);
    }
}

/** What the engine kept of the last run. */
function kept(app) {
    const text = execFileSync(`${programs}/stigmer`, ["runs", "show", "last", "--json"], { env: app.environment });
    return JSON.parse(text);
}

async function measure(name, open) {
    const app = await open(programs);
    try {
        await until(async () => {
            if (!(await app.evaluate(() => document.querySelector("#command") !== null)))
                throw new Error("no pages yet");
        });
        await app.evaluate(start, "true");
        await finished(app);
        await pause(3_000);
        const idle = memory(app.roots, isOurs);
        const peak = watchMemory(app.roots, isOurs);
        await app.evaluate(startFrames);
        const begin = Date.now();
        await app.evaluate(start, FLOOD);
        await until(async () => {
            if ((await app.evaluate(state)) !== "running") throw new Error("not running yet");
        });
        await finished(app);
        const seconds = (Date.now() - begin) / 1000;
        await pause(500);
        const frames = await app.evaluate(stopFrames);
        const above = peak() - idle;
        const run = kept(app);
        await app.evaluate(start, `seq ${MANY}`);
        await pause(500);
        await finished(app);
        await pause(1_000);
        const jumps = await app.evaluate(jump, JUMPS);
        return { name, idle, above, frames, seconds, lines: run.lines, bytes: run.bytes, jumps };
    } finally {
        await app.close();
    }
}

function expected() {
    let digits = 0;
    for (let from = 1, width = 1; from <= LINES; from *= 10, width++) {
        digits += (Math.min(LINES, from * 10 - 1) - from + 1) * width;
    }
    return digits + LINES * (TEXT.length - "%.0f".length + 1);
}

const rows = [];
const row = (...cells) => rows.push(cells);
let missed = false;
const judge = (isMet, text) => {
    missed ||= !isMet;
    return isMet ? text : `${text}: missed`;
};

const sides = [["Chromium", served], ...(wanted.includes("window") ? [["the app's window", windowed]] : [])];
for (const [name, open] of sides) {
    const result = await measure(name, open);
    const { frames, jumps } = result;
    row(
        `${name}: longest frame`,
        judge(
            frames.longest <= 50,
            `${frames.longest} ms (99 %: ${frames.p99} ms, over 50 ms: ${frames.over50} of ${frames.count})`,
        ),
        "≤ 50 ms",
    );
    row(
        `${name}: memory above idle (PSS)`,
        judge(result.above <= 80 * MB, `${Math.round(result.above / MB)} MB (idle ${Math.round(result.idle / MB)} MB)`),
        "≤ 80 MB",
    );
    row(
        `${name}: log`,
        judge(
            result.lines === LINES && result.bytes === expected(),
            `${result.lines} lines, ${result.bytes} bytes in ${result.seconds.toFixed(1)} s`,
        ),
        `${LINES} lines, ${expected()} bytes`,
    );
    row(
        `${name}: jump in ${MANY} lines`,
        judge(jumps.at(-1) <= 100, `${jumps.at(-1)} ms at most, ${jumps[Math.floor(jumps.length / 2)]} ms the median`),
        "≤ 100 ms",
    );
}
for (const rival of ["xterm.js", "<pre>"]) {
    const shown = await browser();
    try {
        const { frames, above, seconds } = await feed(shown, rival, FLOOD, isOurs);
        row(
            `${rival}, the same bytes`,
            `${frames.longest} ms longest frame, ${frames.over50} of ${frames.count} over 50 ms; ${Math.round(above / MB)} MB above idle; ${seconds.toFixed(1)} s`,
            "",
        );
    } finally {
        await shown.close();
    }
}
const widths = [0, 1, 2].map((at) => Math.max(...rows.map((cells) => cells[at].length)));
for (const cells of rows) process.stdout.write(`| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |\n`);
process.exitCode = missed ? 1 : 0;
