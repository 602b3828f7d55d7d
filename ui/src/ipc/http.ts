import type { Listener, Status, Subscription, Transport } from "./transport";
import type { Notice, Watch } from "./types";

const KEPT = "stigmer.token";
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;

/** The token: from the address that `stigmer server start` prints, else the one that was given before. */
export function token(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    keepToken(given);
    // It has no business in the history, in bookmarks or on a screen that is shared.
    history.replaceState(null, "", location.pathname.replace(/^\/+/, "/") + location.search);
  }
  return localStorage.getItem(KEPT) ?? "";
}

export function keepToken(token: string): void {
  localStorage.setItem(KEPT, token);
}

/** Over HTTP and a WebSocket, to the server that the pages came from. */
export function http(): Transport {
  const authorization = { authorization: `Bearer ${token()}` };
  return {
    shell: null,
    fetch: (path, init = {}) => fetch(path, { ...init, headers: { ...init.headers, ...authorization } }),
    subscribe: (watch, listener) => new Socket(watch, listener),
  };
}

class Socket implements Subscription {
  #socket: WebSocket | null = null;
  #wait = FIRST_WAIT;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #retry = () => {
    this.#wait = FIRST_WAIT;
    this.#connect();
  };

  constructor(
    private wanted: Watch,
    private readonly listener: Listener,
  ) {
    // Whoever comes back to a laptop does not wait for the next try.
    addEventListener("online", this.#retry);
    this.#connect();
  }

  watch(watch: Watch): void {
    this.wanted = watch;
    this.#send();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.#retry);
    this.#socket?.close();
  }

  #send(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ watch: this.wanted }));
    }
  }

  #connect(): void {
    clearTimeout(this.#timer);
    if (this.#socket !== null && this.#socket.readyState <= WebSocket.OPEN) return;
    const address = new URL("/api/v1/changes", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, [`stigmer.token.${token()}`]);
    this.#socket = socket;
    socket.onopen = () => {
      this.#wait = FIRST_WAIT;
      this.#send();
      this.listener.status("online");
    };
    socket.onmessage = ({ data }) => this.listener.notice(JSON.parse(data as string) as Notice);
    socket.onclose = () => void this.#lost();
  }

  async #lost(): Promise<void> {
    if (this.#closed) return;
    this.listener.status(await reason());
    this.#timer = setTimeout(() => this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }
}

/** A browser does not say why a socket failed to open; a plain request does. */
async function reason(): Promise<Status> {
  try {
    const headers = { authorization: `Bearer ${token()}` };
    const { status } = await fetch("/api/v1/app", { headers });
    return status === 401 ? "unauthorized" : "offline";
  } catch {
    return "offline";
  }
}
