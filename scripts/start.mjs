// npm start: sets up what is missing, then runs the demo mesh. With --once: the whole demonstration on a copy.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, setupOrExit } from "./setup.mjs";

const args = process.argv.slice(2);
const { envoy, funcE } = await setupOrExit();
process.env.ENVOY_PATH = envoy;
process.env.FUNC_E_PATH = funcE;
process.chdir(ROOT);

const demo = [join("examples", "demo"), "--plugins", "plugins"];
const command = args.includes("--once")
  ? ["demo", ...demo, ...args.filter((arg) => arg !== "--once")]
  : ["up", ...demo, "--tour", ...args];

// npm that is killed takes nobody with it, so we notice ourselves and end as after Ctrl-C.
if (process.env.npm_lifecycle_event === "start") {
  const npm = npmPid();
  setInterval(() => npmPid() === npm || process.kill(process.pid, "SIGTERM"), 500).unref();
}

/** The npm that runs us, in most cases with a shell in between. */
function npmPid() {
  try {
    const [, name, parent] = /\((.*)\) \S+ (\d+)/.exec(readFileSync(`/proc/${process.ppid}/stat`, "utf8")) ?? [];
    return name === undefined || name.startsWith("npm") ? process.ppid : Number(parent);
  } catch {
    // No /proc on this system, or the shell has just gone: then our own parent says enough.
    return process.ppid;
  }
}

process.argv = [process.execPath, "weft", ...command];
await import("../cli/dist/main.js");
