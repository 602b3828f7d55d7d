import { expect, it } from "vitest";

import type { RunDetail } from "../ipc/types";
import { title } from "./tasks";

const run = (state: RunDetail["state"], ended: string | null = "2026-11-28T06:00:00Z") => ({
  state,
  ended,
  command: "build the basic image",
});

it("says what goes on, and what came of it", () => {
  const build = { kind: "image", task: "build", tags: ["tools:v8", "tools:latest"] } as const;
  const work = { ...build, tags: [...build.tags] };
  expect(title(work, run("running", null))).toBe("Building tools:v8");
  expect(title(work, run("succeeded"))).toBe("tools:v8 was built");
  expect(title(work, run("error"))).toBe("tools:v8 was not built");
  expect(title({ kind: "image", task: "pull", image: "a" }, run("cancelled"))).toBe(
    "a is not here: it was stopped",
  );
  expect(title({ kind: "image", task: "build" }, run("running", null))).toBe("Building the basic image");
});
