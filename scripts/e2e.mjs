// npm run e2e [-- names]: sets up what is missing, the programs of Kubernetes too, runs the tests that need it, and counts.
// With --kubeconfig FILE the stories are told in the cluster of that file, which has this repository's images.
import { resolve } from "node:path";
import { kubernetesToolsOrExit } from "./kubernetes-tools.mjs";
import { createTestRun } from "./run-tests.mjs";
import { setupOrExit } from "./setup.mjs";

const names = process.argv.slice(2);
const flag = names.indexOf("--kubeconfig");
const [, kubeconfig] = flag === -1 ? [] : names.splice(flag, 2);
const unknown = names.find((name) => name.startsWith("-"));
if (unknown !== undefined) console.error(`npm run e2e: there is no option ${unknown}`);
if (unknown !== undefined || (flag !== -1 && kubeconfig === undefined)) {
  console.error("usage: npm run e2e -- [--kubeconfig FILE] [part of a path]…");
  process.exit(2);
}
const { envoy, funcE } = await setupOrExit();
const run = createTestRun({
  ENVOY_PATH: envoy,
  FUNC_E_PATH: funcE,
  ...(kubeconfig === undefined ? {} : { WEFT_E2E_KUBECONFIG: resolve(kubeconfig) }),
  ...(await kubernetesToolsOrExit()),
});
await run.vitest("--config", "vitest.cluster.config.ts", ...names);
run.finish();
