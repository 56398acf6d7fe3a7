import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{registry,sdk,control-plane,cli,test,e2e,bench}/**/*.test.ts", "plugins/*/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // Machines are shared and slow; no test depends on speed.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
