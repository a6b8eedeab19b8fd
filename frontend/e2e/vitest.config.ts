import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.e2e.ts"],
    // One browser at a time: the machine has two cores, and the shop wants one of them.
    fileParallelism: false,
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 30_000,
  },
});
