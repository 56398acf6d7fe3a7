// npm start: sets up what is missing, then runs the demo mesh. With --once: the whole demonstration on a copy.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT, setupOrExit } from "./setup.mjs";

const args = process.argv.slice(2);
const { envoy, funcE } = await setupOrExit();
const once = args.includes("--once");
const command = once
  ? ["demo", join("examples", "demo"), "--plugins", "plugins", ...args.filter((arg) => arg !== "--once")]
  : ["up", join("examples", "demo"), "--plugins", "plugins", "--tour", ...args];
const child = spawn(process.execPath, [join(ROOT, "cli", "bin", "weft.mjs"), ...command], {
  cwd: ROOT,
  stdio: "inherit",
  env: { ...process.env, ENVOY_PATH: envoy, FUNC_E_PATH: funcE },
});
// A terminal's Ctrl-C reaches the child by itself; it decides when all is ended.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => signal === "SIGINT" || child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));
