/** The rows of a log as they travel: see `log/rows` in the OpenAPI document. */

const MAGIC = 0x31475453; // "STG1"
const HEAD = 8;
const ROW_HEAD = 40;

export type RowKind = "stdout" | "stderr" | "system" | "left-out";

const KINDS: readonly RowKind[] = ["stdout", "stderr", "system", "left-out"];

export interface Row {
  /** Its number in the log, from 0. */
  line: number;
  /** Position of its first byte in the log. */
  offset: number;
  /** When it began to arrive, in microseconds since 1970; 0 where that is not known. */
  at: number;
  /** Bytes of the whole line, or bytes that are left out here. */
  length: number;
  kind: RowKind;
  matches: boolean;
  /** Lines before it are not part of the view. */
  gap: boolean;
  /** Its text goes on. */
  cut: boolean;
  /** Its text begins behind the line's beginning: what a terminal would show of a line that was redrawn. */
  beginsLater: boolean;
  /** It may still grow. */
  open: boolean;
  text: string;
}

const decoder = new TextDecoder();

/** Decodes an answer of `log/rows`; one that is damaged is an error, never a wrong row. */
export function decodeRows(buffer: ArrayBuffer): Row[] {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEAD || view.getUint32(0, true) !== MAGIC)
    throw new Error("these are no rows of a log");
  const rows: Row[] = [];
  let at = HEAD;
  for (let left = view.getUint32(4, true); left > 0; left--) {
    const length = view.getUint32(at + 36, true);
    const flags = view.getUint8(at + 33);
    rows.push({
      line: u64(view, at),
      offset: u64(view, at + 8),
      at: u64(view, at + 16),
      length: u64(view, at + 24),
      kind: KINDS[view.getUint8(at + 32)] ?? "system",
      matches: (flags & 1) !== 0,
      gap: (flags & 2) !== 0,
      cut: (flags & 4) !== 0,
      beginsLater: (flags & 8) !== 0,
      open: (flags & 16) !== 0,
      text: decoder.decode(new Uint8Array(buffer, at + ROW_HEAD, length)),
    });
    at += ROW_HEAD + length;
  }
  return rows;
}

/** Numbers here stay far below 2^53. */
function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
