import { Channel, convertFileSrc, invoke } from "@tauri-apps/api/core";

import type { Shell, Transport } from "./transport";
import type { Notice } from "./types";

/** Through the window: requests over its own scheme, notices over a channel. Nothing of it leaves the process. */
export function tauri(): Transport {
  // The scheme's form differs between systems; this gives the address of its root.
  const root = convertFileSrc("", "stigmer").replace(/\/$/, "");
  return {
    shell,
    fetch: (path, init) => fetch(root + path, init),
    subscribe(watch, listener) {
      const channel = new Channel<Notice>();
      let open = true;
      channel.onmessage = (notice) => {
        if (open) listener.notice(notice);
      };
      void invoke("subscribe", { channel, watch }).then(
        () => listener.status("online"),
        () => listener.status("offline"),
      );
      return {
        watch: (watch) => void invoke("watch", { watch }),
        close: () => (open = false),
      };
    },
  };
}

const shell: Shell = {
  painted: () => invoke("painted"),
  chooseFolder: (start) => invoke("choose_folder", { start }),
  reveal: (path) => invoke("reveal", { path }),
  saveOutput: (id, format, name) => invoke("save_output", { id, format, name }),
  zoom: (factor) => invoke("zoom", { factor }),
  openUrl: (url) => invoke("open_url", { url }),
};
