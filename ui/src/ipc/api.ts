/** Every request that the pages make, one function each. */

import { isTauri } from "@tauri-apps/api/core";

import { Failure, asFailure, failureOf } from "./failure";
import { http } from "./http";
import { decodeRows } from "./rows";
import type { Row } from "./rows";
import { tauri } from "./tauri";
import type { Transport } from "./transport";
import type * as T from "./types";

export const transport: Transport = isTauri() ? tauri() : http();

async function send(path: string, init?: RequestInit): Promise<Response> {
  const response = await transport.fetch(`/api/v1${path}`, init).catch((thrown: unknown) => {
    throw asFailure(thrown);
  });
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function get<A>(path: string, signal?: AbortSignal): Promise<A> {
  return (await send(path, signal ? { signal } : {})).json() as Promise<A>;
}

async function change<A>(method: string, path: string, body?: unknown): Promise<A> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const response = await send(path, init);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as A;
}

const raw = { "content-type": "application/octet-stream" };

type Parameter = string | number | boolean | readonly string[] | null | undefined;

/** A query string of what is given; lists are joined by commas. */
function query(parameters: Record<string, Parameter>): string {
  const given = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : String(value)])
    .filter(([, value]) => value !== "");
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text === "" ? "" : `?${text}`;
}

export const app = () => get<T.App>("/app");
export const modes = (workspace: string) => get<T.ModeState[]>(`/modes${query({ workspace })}`);

export interface RunFilter {
  text?: string;
  state?: readonly T.State[];
  mode?: readonly T.Mode[];
  origin?: readonly T.Origin[];
  workspace?: string;
  /** The name of a container, or the id or name of a cloud sandbox. */
  sandbox?: string;
  since?: string;
  pinned?: boolean;
  limit?: number;
  before?: string;
}

export const runs = {
  list: (filter: RunFilter, signal?: AbortSignal) => get<T.RunList>(`/runs${query({ ...filter })}`, signal),
  get: (id: string) => get<T.RunDetail>(`/runs/${id}`),
  start: (run: T.NewRun) => change<{ run_id: string }>("POST", "/runs", run),
  cancel: (id: string, force: boolean) => change<void>("POST", `/runs/${id}/cancel`, { force }),
  rerun: (id: string, mode?: T.Mode, overLimit = false) =>
    change<{ run_id: string }>("POST", `/runs/${id}/rerun`, {
      origin: "window",
      over_limit: overLimit,
      ...(mode ? { mode } : {}),
    }),
  pin: (id: string, pinned: boolean) => change<void>("PUT", `/runs/${id}/pin`, { pinned }),
  remove: (id: string) => change<void>("DELETE", `/runs/${id}`),
  compare: (before: string, after: string) => get<T.Comparison>(`/runs/compare${query({ before, after })}`),
  input: (id: string, bytes: Uint8Array<ArrayBuffer>) =>
    send(`/runs/${id}/input`, { method: "POST", body: bytes, headers: raw }),
  endInput: (id: string) => change<void>("POST", `/runs/${id}/input/end`),
  resize: (id: string, cols: number, rows: number) =>
    change<void>("POST", `/runs/${id}/resize`, { cols, rows }),
  export: async (id: string, format: T.ExportFormat) =>
    (await send(`/runs/${id}/export${query({ format })}`)).blob(),
};

/** What a view adds to an address. */
const viewed = (view: T.LogView) => ({ ...view });

export const log = {
  view: (id: string, view: T.LogView, signal?: AbortSignal) =>
    get<T.LogViewed>(`/runs/${id}/log/view${query(viewed(view))}`, signal),
  rows: async (
    id: string,
    view: T.LogView,
    from: number,
    count: number,
    options: { cut?: number; signal?: AbortSignal } = {},
  ): Promise<Row[]> => {
    const path = `/runs/${id}/log/rows${query({ ...viewed(view), from, count, cut: options.cut })}`;
    const response = await send(path, options.signal ? { signal: options.signal } : {});
    return decodeRows(await response.arrayBuffer());
  },
  find: (id: string, view: T.LogView, from: number, back: boolean, signal?: AbortSignal) =>
    get<T.LogMatch>(`/runs/${id}/log/find${query({ ...viewed(view), from, back })}`, signal),
  lineAt: (id: string, at: number) => get<{ line: number }>(`/runs/${id}/log/line${query({ at })}`),
  /** Bytes of the log as they came, at most 1 MiB; fewer than asked for is no sign of its end. */
  bytes: async (id: string, from: number, signal?: AbortSignal): Promise<LogBytes> => {
    const response = await send(`/runs/${id}/log${query({ from: String(from) })}`, signal ? { signal } : {});
    const number = (name: string) => Number(response.headers.get(name) ?? 0);
    return {
      offset: number("x-stigmer-offset"),
      length: number("x-stigmer-length"),
      ended: response.headers.get("x-stigmer-ended") === "true",
      bytes: new Uint8Array(await response.arrayBuffer()),
    };
  },
};

export interface LogBytes {
  /** Where the bytes really begin: later than asked for where some were left out. */
  offset: number;
  /** The log's length now. */
  length: number;
  ended: boolean;
  bytes: Uint8Array;
}

export const files = {
  list: (workspace: string, path: string) => get<T.FileEntry[]>(`/files${query({ workspace, path })}`),
  read: async (workspace: string, path: string) => {
    const response = await send(`/files/content${query({ workspace, path })}`);
    return {
      version: response.headers.get("x-stigmer-version") ?? "",
      isText: response.headers.get("x-stigmer-kind") !== "binary",
      bytes: new Uint8Array(await response.arrayBuffer()),
    };
  },
  /** `version` is the one that was read; `null` where there must be no such file; `*` overwrites whatever is there. */
  write: async (workspace: string, path: string, bytes: Uint8Array<ArrayBuffer>, version: string | null) => {
    const address = `/files/content${query({ workspace, path, version })}`;
    const response = await send(address, { method: "PUT", body: bytes, headers: raw });
    return (await response.json()) as { version: string };
  },
  create: (workspace: string, path: string, kind: "file" | "folder") =>
    change<void>("POST", "/files/create", { workspace, path, kind }),
  rename: (workspace: string, from: string, to: string) =>
    change<void>("POST", "/files/rename", { workspace, from, to }),
  remove: (workspace: string, path: string) =>
    change<{ undo: string }>("POST", "/files/delete", { workspace, path }),
  restore: (undo: string) => change<void>("POST", "/files/restore", { undo }),
  complete: (workspace: string, prefix: string) =>
    get<string[]>(`/files/complete${query({ workspace, prefix })}`),
  upload: (workspace: string, signal: AbortSignal) =>
    get<T.FirstUpload>(`/workspace/upload${query({ workspace })}`, signal),
};

export const config = {
  list: (workspace: string) => get<T.Setting[]>(`/config${query({ workspace })}`),
  set: (key: string, value: unknown) => change<void>("PUT", `/config/${key}`, { value }),
};

type Started = { run_id: string };

export const images = {
  list: () => get<T.Image[]>("/images"),
  tiers: () => get<T.Tier[]>("/images/tiers"),
  detail: (image: string, signal?: AbortSignal) =>
    get<T.ImageDetail>(`/images/detail${query({ image })}`, signal),
  prunable: (unused: boolean, signal?: AbortSignal) =>
    get<T.Prunable[]>(`/images/prunable${query({ unused })}`, signal),
  pull: (image: string) => change<Started>("POST", "/images/pull", { image }),
  push: (image: string) => change<Started>("POST", "/images/push", { image }),
  build: (image: T.NewImage) => change<Started>("POST", "/images/build", image),
  verify: (image: string, tier?: string) =>
    change<Started>("POST", "/images/verify", { image, ...(tier === undefined ? {} : { tier }) }),
  customize: (copy: T.NewCopy) => change<Started>("POST", "/images/customize", copy),
  preview: (copy: T.NewCopy) => change<T.CopyPreview>("POST", "/images/customize/preview", copy),
  tag: (image: string, name: string) => change<void>("POST", "/images/tag", { image, name }),
  note: (image: string, note: string) => change<void>("POST", "/images/note", { image, note }),
  remove: (image: string, force: boolean) => change<T.Removed>("POST", "/images/remove", { image, force }),
  prune: (ids: readonly string[]) => change<T.Removed>("POST", "/images/prune", { ids }),
};

export const sandboxes = {
  list: (all: boolean) => get<T.Sandbox[]>(`/sandboxes${query({ all })}`),
  detail: (name: string, signal?: AbortSignal) =>
    get<T.SandboxDetail>(`/sandboxes/${encodeURIComponent(name)}`, signal),
  start: (name: string) => change<void>("POST", `/sandboxes/${encodeURIComponent(name)}/start`),
  stop: (name: string) => change<void>("POST", `/sandboxes/${encodeURIComponent(name)}/stop`),
  remove: (name: string) => change<void>("DELETE", `/sandboxes/${encodeURIComponent(name)}`),
};

const cloud = (name: string) => `/daytona/sandboxes/${encodeURIComponent(name)}`;

export const daytona = {
  key: (test: boolean) => get<T.CloudKey>(`/daytona/key${query({ test })}`),
  keep: (key: string) => change<T.Access>("PUT", "/daytona/key", { key }),
  forget: () => change<void>("DELETE", "/daytona/key"),
  /** Of the month of a day; of this one without. */
  costs: (month?: string) => get<T.CostReport>(`/daytona/costs${query({ month })}`),
  estimate: (run: { workspace: string; snapshot: string; cpu?: number; memory?: number; disk?: number }) =>
    get<T.CostEstimate>(`/daytona/estimate${query(run)}`),
  unused: () => get<T.CloudSandbox[]>("/daytona/unused"),
  sandboxes: () => get<T.CloudSandbox[]>("/daytona/sandboxes"),
  sandbox: (name: string, signal?: AbortSignal) => get<T.CloudSandboxDetail>(cloud(name), signal),
  start: (name: string) => change<void>("POST", `${cloud(name)}/start`),
  stop: (name: string) => change<void>("POST", `${cloud(name)}/stop`),
  archive: (name: string) => change<void>("POST", `${cloud(name)}/archive`),
  remove: (name: string) => change<void>("DELETE", cloud(name)),
  recover: (name: string) => change<T.CloudSandboxDetail>("POST", `${cloud(name)}/recover`),
  resize: (name: string, size: T.CloudSize) =>
    change<T.CloudSandboxDetail>("POST", `${cloud(name)}/resize`, size),
  setTimers: (name: string, timers: T.CloudTimers) =>
    change<T.CloudSandboxDetail>("POST", `${cloud(name)}/timers`, timers),
  /** `null` takes a label off. */
  label: (name: string, labels: Record<string, string | null>) =>
    change<T.CloudSandboxDetail>("POST", `${cloud(name)}/labels`, { labels }),
  preview: (name: string, port: number) => change<T.Preview>("POST", `${cloud(name)}/ports/${port}`),
};

const snapshot = (name: string) => `/daytona/snapshots/${encodeURIComponent(name)}`;

export const snapshots = {
  list: () => get<T.Snapshot[]>("/daytona/snapshots"),
  create: (snapshot: T.NewSnapshot) => change<T.Snapshot>("POST", "/daytona/snapshots", snapshot),
  /** The answer waits for something new while it is built. */
  log: (name: string, from: number, signal?: AbortSignal) =>
    get<T.BuildLog>(`${snapshot(name)}/log${query({ from: String(from) })}`, signal),
  activate: (name: string) => change<T.Snapshot>("POST", `${snapshot(name)}/activate`),
  deactivate: (name: string) => change<void>("POST", `${snapshot(name)}/deactivate`),
  remove: (name: string) => change<void>("DELETE", snapshot(name)),
};

export const doctor = () => get<T.Check[]>("/doctor");

export { Failure, asFailure };
