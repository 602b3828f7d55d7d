import { describe, expect, it } from "vitest";

import {
  cloudCannot,
  cloudFormOf,
  cloudState,
  idleness,
  labelChanges,
  isCloudFilled,
  minutes,
  noCloudFields,
  ownLabels,
  parseMinutes,
  resources,
  shownMinutes,
  snapshotCannot,
  snapshotName,
  snapshotProblems,
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
    expect(cloudCannot("error").resize).toBe("It failed.");
    expect(Object.keys(cloudCannot("hibernating"))).toEqual(["start", "stop", "archive", "resize"]);
  });

  it("says the same of a snapshot", () => {
    const own = { is_general: false };
    expect(snapshotCannot({ ...own, state: "active" })).toEqual({ activate: "It is active." });
    expect(Object.keys(snapshotCannot({ ...own, state: "inactive" }))).toEqual(["use", "deactivate"]);
    expect(snapshotCannot({ ...own, state: "building" }).remove).toBeUndefined();
    expect(snapshotCannot({ ...own, state: "removing" }).remove).toBe("It is removing.");
    const general = snapshotCannot({ is_general: true, state: "active" });
    expect(Object.keys(general)).toEqual(["activate", "deactivate", "remove"]);
  });

  it("has a name for no snapshot", () => {
    expect(snapshotName("tools:2")).toBe("tools:2");
    expect([snapshotName(undefined), snapshotName("")]).toEqual(Array(2).fill("Daytona's own snapshot"));
  });
});

describe("what is changed of a cloud sandbox", () => {
  it("reads times as people write them, and shows them so", () => {
    const read = ["30", "30m", " 2 h", "7d", "never", "soon", "-1", ""].map(parseMinutes);
    expect(read).toEqual([30, 30, 120, 10_080, "never", null, null, null]);
    expect([0, 30, 120, 10_080].map(shownMinutes)).toEqual(["0m", "30m", "2h", "7d"]);
  });

  it("says which labels are set and which are taken off", () => {
    const before = { team: "ml", old: "1" };
    expect(labelChanges("team=ml\n new = a=b \n", before)).toEqual({ changes: { new: "a=b", old: null } });
    expect(labelChanges("team", before)).toEqual({ wrong: "team" });
    expect(labelChanges("stigmer.home=x", before)).toEqual({ wrong: "stigmer.home=x" });
    expect(ownLabels({ "stigmer.home": "x", team: "ml" })).toEqual({ team: "ml" });
  });

  it("says what is wrong with a new snapshot before anybody is asked", () => {
    const of = (image: string) => snapshotProblems({ name: "mine:1", image, dockerfile: null }).image;
    expect([of("python:3.13-slim"), of("ghcr.io/a/b:1"), of(`a@sha256:${"0".repeat(64)}`)]).toEqual(
      Array(3).fill(undefined),
    );
    expect(of("python")).toContain("version");
    expect(of("python:latest")).toContain("latest");
    expect(of("my image:1")).toContain("NAME:TAG");
    const from = (dockerfile: string) =>
      snapshotProblems({ name: "mine:1", image: null, dockerfile }).dockerfile;
    expect(from("FROM debian:12\nCOPY --from=a /b /c\n")).toBeUndefined();
    expect(from("FROM debian:12\nCOPY . /app\n")).toContain("COPY");
    expect(from("RUN true")).toContain("FROM");
    expect(snapshotProblems({ name: "a b", image: null, dockerfile: null }).name).toContain("letters");
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
