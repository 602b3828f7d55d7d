import { describe, expect, it } from "vitest";

import {
  cloudCannot,
  cloudFormOf,
  cloudState,
  idleness,
  isCloudFilled,
  minutes,
  noCloudFields,
  resources,
  snapshotCannot,
  snapshotName,
} from "./cloud";

describe("a cloud sandbox in words", () => {
  it("says what it may use, as far as that is known", () => {
    expect(resources({ cpu: 1, memory: 2, disk: 3 })).toBe("1 CPU, 2 GiB of memory, 3 GiB of disk");
    expect(resources({ cpu: 0, memory: 0, disk: 0 })).toBe("");
  });

  it("says when it stops", () => {
    expect([0, 1, 15, 60, 90, 2880].map(minutes)).toEqual([
      "0 minutes",
      "1 minute",
      "15 minutes",
      "1 hour",
      "90 minutes",
      "2 days",
    ]);
    expect(idleness(0)).toBe("never by itself");
    expect(idleness(15)).toBe("after 15 minutes without a run");
    expect(idleness(undefined)).toBe("");
  });

  it("says how it is, whatever that is", () => {
    expect(cloudState("started")).toEqual({ word: "running", tone: "on" });
    expect(cloudState("pulling_snapshot")).toEqual({ word: "pulling snapshot", tone: "live" });
    expect(cloudState("build_failed").tone).toBe("bad");
    expect(cloudState("hibernating")).toEqual({ word: "hibernating", tone: "off" });
  });

  it("says why something cannot be done now", () => {
    expect(cloudCannot("started")).toEqual({ start: "It is running.", archive: "Stop it first." });
    expect(cloudCannot("stopped")).toEqual({ stop: "It does not run." });
    expect(cloudCannot("archiving").start).toBe("It is archiving just now.");
    expect(Object.keys(cloudCannot("hibernating"))).toEqual(["start", "stop", "archive"]);
  });

  it("says the same of a snapshot", () => {
    const own = { is_general: false, is_settled: true };
    expect(snapshotCannot({ ...own, state: "active" })).toEqual({ activate: "It is active." });
    expect(Object.keys(snapshotCannot({ ...own, state: "inactive" }))).toEqual(["use", "deactivate"]);
    expect(snapshotCannot({ ...own, is_settled: false, state: "building" }).remove).toBe("It is building.");
    const general = snapshotCannot({ is_general: true, is_settled: true, state: "active" });
    expect(Object.keys(general)).toEqual(["activate", "deactivate", "remove"]);
  });

  it("has a name for no snapshot", () => {
    expect(snapshotName("tools:2")).toBe("tools:2");
    expect([snapshotName(undefined), snapshotName("")]).toEqual(Array(2).fill("Daytona's own snapshot"));
  });
});

describe("what is asked of a cloud sandbox", () => {
  it("says only what was filled in", () => {
    expect(cloudFormOf(noCloudFields())).toEqual({});
    expect(isCloudFilled({ ...noCloudFields(), snapshot: "  " })).toBe(false);
    const fields = { snapshot: " tools:2 ", bringBack: true, fresh: true };
    expect(cloudFormOf(fields)).toEqual({ snapshot: "tools:2", bring_back: true, fresh: true });
    expect(isCloudFilled(fields)).toBe(true);
  });
});
