import { describe, expect, it } from "vitest";

import { formOf, isFilled, noFields, parseMemory, problems } from "./sandbox";

describe("what is asked of a sandbox", () => {
  it("reads sizes as people write them", () => {
    expect(["512 MiB", "512m", "1.5g", "2 GB", "4096"].map(parseMemory)).toEqual([
      536_870_912, 536_870_912, 1_610_612_736, 2_000_000_000, 4096,
    ]);
    expect(["", "much", "0", "-1", "1 XB"].map(parseMemory)).toEqual([null, null, null, null, null]);
  });

  it("says only what was filled in", () => {
    expect(formOf(noFields())).toEqual({});
    expect(isFilled(noFields())).toBe(false);
    const fields = {
      ...noFields(),
      image: " mine:v1 ",
      cpus: "1.5",
      memory: "64 MiB",
      fresh: true,
      mounts: "~/.aws:/root/.aws:ro\n\n/data:/data",
      ports: "8080:80, 3000",
    };
    expect(isFilled(fields)).toBe(true);
    expect(formOf(fields)).toEqual({
      image: "mine:v1",
      cpus: 1.5,
      memory: 67_108_864,
      fresh: true,
      mounts: ["~/.aws:/root/.aws:ro", "/data:/data"],
      ports: ["8080:80", "3000:3000"],
    });
  });

  it("says what of it cannot be understood", () => {
    expect(problems(noFields())).toEqual({});
    const wrong = { ...noFields(), cpus: "many", memory: "lots", mounts: "data", ports: "http" };
    expect(Object.keys(problems(wrong))).toEqual(["cpus", "memory", "mounts", "ports"]);
    expect(problems({ ...noFields(), network: "none", ports: "80" }).ports).toContain("without network");
  });
});
