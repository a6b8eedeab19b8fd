import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { precompressed } from "./build/precompressed";
import { preloadedFonts } from "./build/preloaded-fonts";

const gateway = process.env.GATEWAY_URL ?? "http://127.0.0.1:8080";
const proxy = Object.fromEntries(["/api", "/health"].map((path) => [path, { target: gateway }]));

export default defineConfig({
  plugins: [react(), preloadedFonts(), precompressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  build: {
    // Pictures and fonts stay files: the content security policy allows no data: in them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // A twentieth smaller than what esbuild makes of it.
    minify: "terser",
    terserOptions: { ecma: 2020, module: true, compress: { passes: 3 } },
    // What every page needs and what seldom changes is one file, so that it stays cached.
    rollupOptions: {
      output: { manualChunks: { react: ["react", "react-dom", "react-dom/client"] } },
    },
  },
  server: { host: "127.0.0.1", port: 5173, proxy },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
