// Memory of process trees, as the kernel counts it.

import { readFileSync, readdirSync } from "node:fs";

/** Ids of a process and of all that descend from it. */
export function tree(root) {
    const children = new Map();
    for (const entry of readdirSync("/proc")) {
        if (!/^\d+$/.test(entry)) continue;
        try {
            // The name in the second field may contain anything, so the rest is what follows its last parenthesis.
            const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
            const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
            children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
        } catch {
            // It ended meanwhile.
        }
    }
    const found = [root];
    for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at]) ?? []));
    return found;
}

/** Proportional size in bytes: what the process has alone, and its part of what it shares. */
export function pss(pid) {
    try {
        const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
        return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
    } catch {
        return 0;
    }
}

function name(pid) {
    try {
        return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    } catch {
        return "";
    }
}

/** Proportional size of trees without the processes that are the user's own. */
export function memory(roots, isOurs = () => true) {
    return roots
        .flatMap(tree)
        .filter((pid) => isOurs(name(pid)))
        .reduce((sum, pid) => sum + pss(pid), 0);
}

/** Looks at the memory again and again until it is told to stop; then the most that it saw. */
export function watchMemory(roots, isOurs) {
    let peak = 0;
    const look = () => (peak = Math.max(peak, memory(roots, isOurs)));
    const timer = setInterval(look, 250);
    return () => {
        clearInterval(timer);
        look();
        return peak;
    };
}
