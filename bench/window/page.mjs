// What is measured inside the page. Functions here are sent there as text, so they use nothing from outside.

/** Begins to measure the time between frames. */
export function startFrames() {
    const frames = (globalThis.stigmerFrames = { gaps: [], last: performance.now(), on: true });
    const tick = (now) => {
        frames.gaps.push(now - frames.last);
        frames.last = now;
        if (frames.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame((now) => {
        frames.last = now;
        requestAnimationFrame(tick);
    });
}

/** Ends it: how many frames there were, the longest, and how many took more than 50 ms. */
export function stopFrames() {
    const { gaps } = globalThis.stigmerFrames;
    globalThis.stigmerFrames.on = false;
    const sorted = [...gaps].sort((one, other) => one - other);
    return {
        count: gaps.length,
        longest: Math.round(sorted.at(-1) ?? 0),
        p99: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
        over50: gaps.filter((gap) => gap > 50).length,
    };
}
