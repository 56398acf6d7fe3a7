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
    ],
  },
});
