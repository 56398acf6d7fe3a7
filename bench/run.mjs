// npm run bench -- NAME: sets up what is missing, compiles the benchmarks, and runs one.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { kubernetesToolsOrExit } from "../scripts/kubernetes-tools.mjs";
import { ROOT, setupOrExit } from "../scripts/setup.mjs";

const BENCH = join(ROOT, "bench");
const args = process.argv.slice(2);
// Set-up's lines are no part of a result that is read by a program.
console.log = console.error;
const { envoy } = await setupOrExit();
const needsCluster =
  args.some((arg) => arg === "control-plane") && !args.some((arg) => arg === "--help" || arg === "-h");
const cluster = needsCluster ? await kubernetesToolsOrExit() : {};

function run(file, fileArgs, stdio) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [file, ...fileArgs], {
      stdio,
      env: { ...process.env, ...cluster, ENVOY_PATH: envoy },
    });
    const pass = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
    child.on("error", fail);
    child.on("close", (code) => done(code ?? 1));
  });
}

const compiled = await run(
  join(ROOT, "node_modules", "typescript", "bin", "tsc"),
  ["--build", BENCH],
  ["ignore", 2, "inherit"],
);
process.exit(compiled === 0 ? await run(join(BENCH, "dist", "bench", "main.js"), args, "inherit") : 1);
