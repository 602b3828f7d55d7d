import { describe, expect, it } from "vitest";

import type { Image, Tier, Tool } from "../ipc/types";
import {
  argsOf,
  compareTools,
  isName,
  isNamed,
  madeBy,
  missingTiers,
  nameOf,
  namesOf,
  nextName,
  shortId,
  splitName,
  tierOf,
  verdict,
} from "./images";

const image = (changed: Partial<Image>): Image => ({
  id: "sha256:b02a78ab7d7153ac5f8f74f7",
  tags: [],
  digests: [],
  size: 1,
  created: "2026-11-28T06:00:00Z",
  containers: 0,
  ...changed,
});
const tier = (name: string): Tier => ({
  name,
  about: "",
  tag: `stigmer-sandbox-${name}:local`,
  download: 1,
  size: 2,
  dockerfile: "",
});
const tool = (name: string, version: string | null): Tool => ({ name, version });

describe("names of images", () => {
  it("has a tag behind the last slash alone", () => {
    expect(splitName("python:3.11")).toEqual({ name: "python", tag: "3.11" });
    expect(splitName("localhost:5000/tools")).toEqual({ name: "localhost:5000/tools", tag: "" });
    expect(splitName("localhost:5000/tools:v1")).toEqual({ name: "localhost:5000/tools", tag: "v1" });
    expect(splitName("ghcr.io/a/b@sha256:ab")).toEqual({ name: "ghcr.io/a/b", tag: "" });
  });

  it("groups tags of one name, and shows what has no name by its id", () => {
    expect(namesOf({ tags: ["a:1", "a:2", "b:1"] })).toEqual([
      { name: "a", tags: ["1", "2"] },
      { name: "b", tags: ["1"] },
    ]);
    expect(nameOf(image({}))).toBe("b02a78ab7d71");
    expect(shortId("sha256:b02a78ab7d7153ac")).toBe("b02a78ab7d71");
  });

  it("takes `latest` for what has no tag", () => {
    expect(isNamed(image({ tags: ["debian:latest"] }), "debian")).toBe(true);
    expect(isNamed(image({ tags: ["debian:12"] }), "debian")).toBe(false);
    expect(isNamed(image({ digests: ["a@sha256:ff"] }), "a@sha256:ff")).toBe(true);
  });

  it("knows what no engine would take", () => {
    expect(["tools", "a/b:v1", "localhost:5000/x-y_z:1.2"].map(isName)).toEqual([true, true, true]);
    expect(["", "Tools", "-x", "a b", "a:", "a//"].map(isName)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("proposes the next version", () => {
    expect(nextName("my-tools:v7")).toBe("my-tools:v8");
    expect(nextName("python:3.11")).toBe("my-python:v1");
    expect(nextName("stigmer-sandbox-basic:local")).toBe("my-sandbox-basic:v1");
  });
});

describe("tiers", () => {
  it("are what an image says, or the name that it has", () => {
    const tiers = [tier("basic"), tier("full")];
    const built = image({ tags: ["stigmer-sandbox-basic:local"] });
    const copy = image({ tags: ["mine:v1"], tier: "basic" });
    const other = image({ tags: ["python:3"] });
    expect([built, copy, other].map((one) => tierOf(one, tiers))).toEqual(["basic", "basic", ""]);
    expect(missingTiers(tiers, [built, other]).map(({ name }) => name)).toEqual(["full"]);
    expect(missingTiers(tiers, [])).toHaveLength(2);
  });
});

describe("tools", () => {
  it("are counted, and what is missing is named", () => {
    expect(verdict(null).word).toBe("not verified");
    const at = "2026-11-28T06:00:00Z";
    const all = [tool("git", "2.39"), tool("jq", "1.6")];
    expect(verdict({ at, tier: "basic", tools: all })).toMatchObject({ tone: "ok", word: "2 of 2" });
    expect(verdict({ at, tier: "basic", tools: [...all, tool("k9s", null)] })).toEqual({
      tone: "warn",
      word: "2 of 3",
      detail: "Missing: k9s.",
    });
  });

  it("of two images stand beside each other", () => {
    const compared = compareTools(
      [tool("git", "2"), tool("jq", "1.6")],
      [tool("jq", "1.7"), tool("yq", "4")],
    );
    expect(compared.map(({ name, here, there, differs }) => [name, here, there, differs])).toEqual([
      ["git", "2", null, true],
      ["jq", "1.6", "1.7", true],
      ["yq", null, "4", true],
    ]);
  });
});

describe("layers and builds", () => {
  it("are told by their instruction", () => {
    expect(madeBy('/bin/sh -c #(nop)  CMD ["bash"]')).toBe('CMD ["bash"]');
    expect(madeBy("/bin/sh -c apt-get  update")).toBe("RUN apt-get update");
    expect(madeBy("|1 A=b /bin/sh -c make")).toBe("RUN make");
    expect(madeBy("RUN /bin/sh -c make # buildkit")).toBe("RUN make");
    expect(madeBy("")).toBe("what it begins with");
  });

  it("take arguments as lines", () => {
    expect(argsOf("A=1\n  B=x=y \nnothing")).toEqual({ A: "1", B: "x=y " });
  });
});
