import { defineConfig } from "vitest/config";

/** What needs Kubernetes; `npm run e2e` builds it. */
const shared = {
  exclude: ["**/node_modules/**", "**/dist/**"],
  // Machines are shared and slow; no test depends on speed.
  testTimeout: 300_000,
  hookTimeout: 600_000,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: "api-server",
          include: ["{registry,sdk,control-plane,cli,test,charts}/**/*.cluster.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "cluster",
          include: ["e2e/cluster/**/*.test.ts"],
          globalSetup: ["e2e/cluster/support/global-setup.ts"],
          setupFiles: ["e2e/cluster/support/report-failure.ts"],
          // The stories have one cluster, and one mesh in it.
          fileParallelism: false,
        },
      },
    ],
  },
});
