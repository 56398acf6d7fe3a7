// npm run e2e [-- names]: sets up what is missing, the programs of Kubernetes too, runs the tests that need it, and counts.
import { kubernetesToolsOrExit } from "./kubernetes-tools.mjs";
import { createTestRun } from "./run-tests.mjs";
import { setupOrExit } from "./setup.mjs";

const names = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const { envoy, funcE } = await setupOrExit();
const run = createTestRun({ ENVOY_PATH: envoy, FUNC_E_PATH: funcE, ...(await kubernetesToolsOrExit()) });
await run.vitest("--config", "vitest.cluster.config.ts", ...names);
run.finish();
