// npm test: sets up what is missing, checks types and style, runs the tests, and counts.
// npm run golden: writes the golden files anew.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, setupOrExit, toolsForTests } from "./setup.mjs";

const args = process.argv.slice(2);
const golden = args.includes("--golden");
const { envoy, funcE } = await setupOrExit();
const tools = await toolsForTests();
const env = {
  ...process.env,
  ENVOY_PATH: envoy,
  FUNC_E_PATH: funcE,
  ...(golden ? { UPDATE_GOLDEN: "1" } : {}),
  ...tools,
};

function run(tool, ...toolArgs) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules", tool), ...toolArgs], {
      cwd: ROOT,
      stdio: "inherit",
      env,
    });
    child.on("exit", (code) => done(code ?? 1));
  });
}

let passed = 0;
let failed = 0;
let skipped = 0;

/** A check that is one test. */
async function check(name, tool, ...toolArgs) {
  const code = await run(tool, ...toolArgs);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${name}`);
  if (code === 0) passed++;
  else failed++;
}

const only = args.filter((arg) => !arg.startsWith("--"));
if (!golden && only.length === 0) {
  await check("types of the tests", "typescript/bin/tsc", "--build", "test");
  await check("style (Biome)", "@biomejs/biome/bin/biome", "check", "--diagnostic-level=error", ".");
}

const scratch = mkdtempSync(join(tmpdir(), "weft-test-"));
const report = join(scratch, "report.json");
const filter = golden ? ["-u", "golden", "injection/bootstrap"] : only;
const exitCode = await run(
  "vitest/vitest.mjs",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...filter,
);
try {
  const results = JSON.parse(readFileSync(report, "utf8"));
  passed += results.numPassedTests;
  // A file that does not load has no tests of its own to fail.
  failed +=
    results.numFailedTests +
    results.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length;
  skipped += results.numPendingTests + results.numTodoTests;
  if (exitCode !== 0 && failed === 0) {
    console.error("Vitest failed although no test did: an error outside of the tests, printed above");
    failed++;
  }
  for (const file of results.testResults)
    for (const test of file.assertionResults)
      if (test.status !== "passed" && test.status !== "failed") console.log(`skipped: ${test.fullName}`);
} catch (error) {
  console.error(`no report of the tests: ${error.message}`);
  failed++;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

console.log(
  skipped > 0 ? `${passed} passed, ${failed} failed, ${skipped} skipped` : `${passed} passed, ${failed} failed`,
);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
