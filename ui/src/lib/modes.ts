/** The picture and the colour of each mode. */

import Box from "@lucide/svelte/icons/box";
import Cloud from "@lucide/svelte/icons/cloud";
import Laptop from "@lucide/svelte/icons/laptop";
import Sparkles from "@lucide/svelte/icons/sparkles";

import type { Mode } from "../ipc/types";

export const MODE_ICONS = { local: Laptop, sandbox: Box, daytona: Cloud, auto: Sparkles } satisfies Record<
  Mode,
  unknown
>;

export const MODE_COLORS: Record<Mode, string> = {
  local: "var(--local)",
  sandbox: "var(--sandbox)",
  daytona: "var(--daytona)",
  auto: "var(--dim)",
};
