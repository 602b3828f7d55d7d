/** Does something again and again while somebody looks, and at once when they look again. */
export function whileSeen(every: number, act: () => void): () => void {
  const look = () => {
    if (document.visibilityState === "visible") act();
  };
  const timer = setInterval(look, every);
  addEventListener("focus", look);
  return () => {
    clearInterval(timer);
    removeEventListener("focus", look);
  };
}
