/*
 * Applies the recorded changes to a copy of the built host, one at a time, and runs the differential suite on each. Exits
 * 0 only where the suite passes on the host as it is and fails on every change. Envoy runs once.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILT = join(ROOT, "sdk", "dist");
const HOST = join(BUILT, "host");
const SUITE = "test/differential/differential.test.ts";

const mutants = JSON.parse(readFileSync(new URL("mutants/mutants.json", import.meta.url), "utf8"));
const dir = mkdtempSync(join(tmpdir(), "weft-mutants-"));

/** True where the suite passes; its output otherwise ends with the first difference. */
function passes(host) {
  const env = {
    ...process.env,
    WEFT_DIFFERENTIAL_HOST: pathToFileURL(join(host, "index.js")).href,
    WEFT_DIFFERENTIAL_RECORDS: join(dir, "records.json"),
  };
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const run = spawnSync(process.execPath, [vitest, "run", SUITE], { cwd: ROOT, env, encoding: "utf8" });
  return { passed: run.status === 0, output: `${run.stdout}${run.stderr}` };
}

async function mutated({ name, file, from, to }, number) {
  const host = join(dir, `host-${number}`);
  cpSync(HOST, host, { recursive: true });
  const path = join(host, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`"${name}": the text to change is not once in ${file}`);
  const changed = text.replace(from, () => to);
  writeFileSync(path, changed);
  // A change that does not even load would be noticed by anything.
  await import(pathToFileURL(join(host, "index.js")).href);
  return host;
}

try {
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  // What the host imports beside it.
  cpSync(join(BUILT, "wasm"), join(dir, "wasm"), { recursive: true });
  const plain = passes(HOST);
  if (!plain.passed) {
    console.error(plain.output);
    throw new Error("the suite fails without any change");
  }
  let survivors = 0;
  for (const [number, mutant] of mutants.entries()) {
    const { passed } = passes(await mutated(mutant, number));
    console.log(`${passed ? "SURVIVED" : "noticed"}  ${mutant.name}`);
    if (passed) survivors++;
  }
  console.log(`${mutants.length - survivors} of ${mutants.length} changes were noticed`);
  process.exitCode = survivors === 0 ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
