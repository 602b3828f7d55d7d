/** What a person asks of a sandbox, from the words that they type. */

import type { SandboxForm } from "../ipc/types";

/** The fields as they are typed; an empty one is a matter of the settings. */
export interface SandboxFields {
  image: string;
  network: string;
  cpus: string;
  memory: string;
  /** One of its own, thrown away afterwards. */
  fresh: boolean;
  /** `SOURCE:TARGET`, a line each. */
  mounts: string;
  /** `HOST:SANDBOX`, with spaces or commas between. */
  ports: string;
}

export const noFields = (): SandboxFields => ({
  image: "",
  network: "",
  cpus: "",
  memory: "",
  fresh: false,
  mounts: "",
  ports: "",
});

const UNITS: Record<string, number> = {
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
};

/** `512 MiB`, `2g` or bytes, as a number of bytes; `null` where it is none. */
export function parseMemory(text: string): number | null {
  const [, number, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = unit === "" ? 1 : UNITS[unit.toLowerCase()];
  if (number === undefined || factor === undefined) return null;
  const bytes = Math.round(Number(number) * factor);
  return bytes > 0 ? bytes : null;
}

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** What is wrong with each field; nothing where all can be understood. */
export function problems(fields: SandboxFields): Partial<Record<keyof SandboxFields, string>> {
  const found: Partial<Record<keyof SandboxFields, string>> = {};
  const cpus = Number(fields.cpus);
  if (fields.cpus.trim() !== "" && !(cpus >= 0.01 && cpus <= 1024))
    found.cpus = "CPUs are a number, such as 1.5";
  if (fields.memory.trim() !== "" && parseMemory(fields.memory) === null)
    found.memory = "memory is a size, such as 512 MiB";
  const mount = lines(fields.mounts).find((line) => !/^(\/|~\/).*:\/.+/.test(line));
  if (mount !== undefined)
    found.mounts = `\`${mount}\` is no mount: write SOURCE:TARGET, with :ro to read only`;
  const port = words(fields.ports).find((word) => !/^\d{1,5}(:\d{1,5})?$/.test(word));
  if (port !== undefined) found.ports = `\`${port}\` is no port: write HOST:SANDBOX`;
  else if (fields.network === "none" && words(fields.ports).length > 0)
    found.ports = "a sandbox without network has no ports";
  return found;
}

/** What the request says; only what was filled in. */
export function formOf(fields: SandboxFields): SandboxForm {
  const form: SandboxForm = {};
  const memory = parseMemory(fields.memory);
  const mounts = lines(fields.mounts);
  const ports = words(fields.ports).map((word) => (word.includes(":") ? word : `${word}:${word}`));
  if (fields.image.trim() !== "") form.image = fields.image.trim();
  if (fields.cpus.trim() !== "") form.cpus = Number(fields.cpus);
  if (memory !== null) form.memory = memory;
  if (fields.fresh) form.fresh = true;
  if (mounts.length > 0) form.mounts = mounts;
  if (ports.length > 0) form.ports = ports;
  return form;
}

/** Whether anything differs from the settings. */
export const isFilled = (fields: SandboxFields) => JSON.stringify(fields) !== JSON.stringify(noFields());
