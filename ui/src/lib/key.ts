/** The key for Daytona in words. */

import type { Access, CloudKey } from "../ipc/types";

/** Where a key is made. */
export const KEYS_PAGE = "https://app.daytona.io/dashboard/keys";

/** Where the key comes from. */
export function origin(key: CloudKey): string {
  return key.has_key
    ? `The key that runs use comes from ${key.from ?? key.source ?? "somewhere"}.`
    : "There is no key yet.";
}

/** Whether, and why not, a key can be kept here; empty where it can. */
export function keychainWords({ keychain, has_key }: Pick<CloudKey, "keychain" | "has_key">): string {
  if (keychain.state === "locked") {
    const then = has_key ? "" : " A key that is in it is used once it is unlocked.";
    return `The keychain of this desktop is locked.${then}`;
  }
  if (keychain.state === "absent") {
    const why = keychain.why ? ` (${keychain.why})` : "";
    return `There is no keychain here${why}, so no key can be kept. Set the variable DAYTONA_API_KEY before Stigmer starts, or start a Secret Service such as gnome-keyring.`;
  }
  return "";
}

/** What a key may do here, or what it may not. */
export function rights({ lacks }: Pick<Access, "lacks">): string {
  if (lacks.length > 0) return `It lacks ${lacks.join(", ")}; what needs that will be refused.`;
  return "It may do all that is needed here.";
}
