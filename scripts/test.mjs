// npm test: sets up what is missing, checks types and style, runs the tests, and counts.
// npm run golden: writes the golden files anew.
import { createTestRun } from "./run-tests.mjs";
import { setupOrExit, toolsForTests } from "./setup.mjs";

const args = process.argv.slice(2);
const golden = args.includes("--golden");
const only = args.filter((arg) => !arg.startsWith("--"));
const { envoy, funcE } = await setupOrExit();
const run = createTestRun({
  ENVOY_PATH: envoy,
  FUNC_E_PATH: funcE,
  ...(golden ? { UPDATE_GOLDEN: "1" } : {}),
  ...(await toolsForTests()),
});

if (!golden && only.length === 0) {
  await run.check("types of the tests", "typescript/bin/tsc", "--build", "test");
  await run.check("style (Biome)", "@biomejs/biome/bin/biome", "check", "--diagnostic-level=error", ".");
}
await run.vitest(...(golden ? ["-u", "golden", "injection/bootstrap"] : only));
run.finish();
