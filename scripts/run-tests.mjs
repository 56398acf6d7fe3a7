// Runs Vitest and single checks, and counts: the last line of every test command is "N passed, N failed[, N skipped]".
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./setup.mjs";

/** @param {Record<string, string | undefined>} env what tests are told beside our own environment */
export function createTestRun(env) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;

  const run = (tool, ...args) =>
    new Promise((done) => {
      const child = spawn(process.execPath, [join(ROOT, "node_modules", tool), ...args], {
        cwd: ROOT,
        stdio: "inherit",
        env: { ...process.env, ...env },
      });
      child.on("exit", (code) => done(code ?? 1));
    });

  return {
    /** A check that is one test. */
    async check(name, tool, ...args) {
      const code = await run(tool, ...args);
      console.log(`${code === 0 ? "ok  " : "FAIL"} ${name}`);
      if (code === 0) passed++;
      else failed++;
    },

    async vitest(...args) {
      const scratch = mkdtempSync(join(tmpdir(), "weft-test-"));
      const report = join(scratch, "report.json");
      const exitCode = await run(
        "vitest/vitest.mjs",
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...args,
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
    },

    /** Prints the counts and ends the process. */
    finish() {
      const counts = `${passed} passed, ${failed} failed`;
      console.log(skipped > 0 ? `${counts}, ${skipped} skipped` : counts);
      process.exit(failed > 0 || passed === 0 ? 1 : 0);
    },
  };
}
