/** Hands a file to the person at the screen. */
export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Read asynchronously; a minute is enough for whatever can lie in memory.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
