import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{registry,sdk,control-plane,cli,test,e2e,bench}/**/*.test.ts", "plugins/*/test/**/*.test.ts"],
    // Those of vitest.cluster.config.ts need Kubernetes.
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.cluster.test.ts", "e2e/cluster/**"],
    // Machines are shared and slow; no test depends on speed.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
