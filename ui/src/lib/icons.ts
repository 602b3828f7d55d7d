/** The picture of a file, by the ending of its name. */

import File from "@lucide/svelte/icons/file";
import FileArchive from "@lucide/svelte/icons/file-archive";
import FileBraces from "@lucide/svelte/icons/file-braces";
import FileChart from "@lucide/svelte/icons/file-spreadsheet";
import FileCode from "@lucide/svelte/icons/file-code";
import FileCog from "@lucide/svelte/icons/file-cog";
import FileImage from "@lucide/svelte/icons/file-image";
import FileTerminal from "@lucide/svelte/icons/file-terminal";
import FileText from "@lucide/svelte/icons/file-text";

import { nameOf } from "./paths";

const ENDINGS = new Map(
  [
    {
      icon: FileCode,
      of: "py pyi js mjs cjs jsx ts mts cts tsx svelte vue html css rs go c h cpp java rb php sql",
    },
    { icon: FileTerminal, of: "sh bash zsh fish ps1 bat" },
    { icon: FileBraces, of: "json jsonc ipynb" },
    { icon: FileCog, of: "yaml yml toml ini cfg conf env lock properties" },
    { icon: FileChart, of: "csv tsv parquet xlsx xls" },
    { icon: FileText, of: "md markdown txt rst log" },
    { icon: FileImage, of: "png jpg jpeg gif svg webp ico bmp tiff" },
    { icon: FileArchive, of: "zip tar gz tgz xz bz2 zst 7z" },
  ].flatMap(({ icon, of }) => of.split(" ").map((ending) => [ending, icon] as const)),
);

export function fileIcon(path: string): typeof File {
  const name = nameOf(path).toLowerCase();
  if (/^(docker|container|make)file/.test(name)) return FileCog;
  const ending = name.split(".").at(-1) ?? "";
  // Settings begin with a dot more often than they end with something.
  return ENDINGS.get(ending) ?? (name.startsWith(".") ? FileCog : File);
}
