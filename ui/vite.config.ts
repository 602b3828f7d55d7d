import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** `npm run dev` serves the pages itself and passes the API on to a running `stigmer server`. */
const api = process.env.STIGMER_SERVER ?? "http://127.0.0.1:7517";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ["es2023", "safari17"],
    chunkSizeWarningLimit: 700,
    // The content security policy lets nothing inline through.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    port: 1420,
    strictPort: true,
    proxy: { "/api": { target: api, ws: true, changeOrigin: true, headers: { origin: api } } },
  },
  test: { include: ["src/**/*.test.ts"] },
});
