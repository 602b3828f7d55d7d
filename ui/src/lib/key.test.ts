import { expect, it } from "vitest";

import { keychainWords, origin, rights } from "./key";

const key = { api_url: "", keychain: { state: "ready" as const } };

it("says where a key comes from", () => {
  expect(origin({ ...key, has_key: false })).toBe("There is no key yet.");
  expect(origin({ ...key, has_key: true, source: "keychain", from: "the keychain" })).toBe(
    "The key that runs use comes from the keychain.",
  );
});

it("says why no key can be kept", () => {
  expect(keychainWords({ ...key, has_key: false })).toBe("");
  expect(keychainWords({ keychain: { state: "locked" }, has_key: false })).toMatch(
    /is locked\. A key that is in it/,
  );
  expect(keychainWords({ keychain: { state: "locked" }, has_key: true })).toMatch(/is locked\.$/);
  expect(keychainWords({ keychain: { state: "absent", why: "no bus" }, has_key: true })).toMatch(
    /no keychain here \(no bus\), .*DAYTONA_API_KEY/,
  );
});

it("says what a key may do, and what not", () => {
  expect(rights({ lacks: [] })).toBe("It may do all that is needed here.");
  expect(rights({ lacks: ["delete:snapshots"] })).toMatch(/^It lacks delete:snapshots;/);
});
