import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DRAIN_ARGUMENTS } from "@weft/control-plane/injection/drain-arguments";
import { ADMIN_PORT } from "@weft/control-plane/injection/ports";
import { askAdmin } from "./admin-api.js";
import { killProcess, processGroup } from "./process-table.js";
import { writeRunRecord } from "./run-record.js";

export interface EnvoyOptions {
  /** Envoy runs in it; `bootstrap.json` is there. */
  readonly workloadDir: string;
  /** Of the admin API. */
  readonly address: string;
  readonly funcEPath: string;
  readonly envoyPath: string;
  readonly logLevel: string;
}

/** One run of Envoy under func-e. */
export interface EnvoyProcess {
  /** The guard, func-e and Envoy. */
  readonly pids: readonly number[];
  /** Resolves when the last of them has ended, with the exit code of func-e. */
  readonly exited: Promise<number>;
  /** Lets requests in flight end for up to `drainMs`, then ends Envoy. */
  stop(drainMs: number): Promise<void>;
}

export const LOG_FILE = "envoy.log";

/**
 * func-e does not notice that its parent is gone. This guard does: it reads a pipe that only we hold open, and at its
 * end, however we ended, it kills the process group, which is itself, func-e and Envoy.
 */
const GUARD = `
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
(while read -r _ <&3; do :; done; kill -KILL 0) &
guard=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$guard"
exit "$code"
`;

const UP_LIMIT_MS = 60_000;
const QUIT_LIMIT_MS = 5_000;
const POLL_MS = 25;

/** Starts Envoy and waits until its admin API answers. Rejects when it ends before that. */
export async function startEnvoy(options: EnvoyOptions, signal: AbortSignal): Promise<EnvoyProcess> {
  const { workloadDir, address } = options;
  const { group, exited } = await spawnGuarded(options);
  try {
    await writeRunRecord(workloadDir, group);
    await waitUntilUp({ address, exited, signal });
    const pids = (await writeRunRecord(workloadDir, group)).map(({ pid }) => pid);
    return { pids, exited, stop: (drainMs) => stopEnvoy({ address, group, exited, drainMs }) };
  } catch (error) {
    killGroup(group);
    await exited;
    throw error;
  }
}

/** The process group of what was started, and when all of it has ended. */
interface Spawned {
  readonly group: number;
  readonly exited: Promise<number>;
}

async function spawnGuarded(options: EnvoyOptions): Promise<Spawned> {
  const { workloadDir, funcEPath, envoyPath, logLevel } = options;
  const own = join(workloadDir, "func-e");
  await mkdir(own, { recursive: true });
  const log = await open(join(workloadDir, LOG_FILE), "a", 0o600);
  const envoyArguments = ["-c", "bootstrap.json", "--concurrency", "2", "--disable-hot-restart", ...DRAIN_ARGUMENTS];
  // Envoy writes its log itself: else func-e would keep a second copy of it, without bound.
  const logArguments = ["--log-level", logLevel, "--log-path", LOG_FILE];
  try {
    const child = spawn("/bin/sh", ["-c", GUARD, "weft-guard", funcEPath, "run", ...envoyArguments, ...logArguments], {
      cwd: workloadDir,
      // A group of its own, so that all of it can be ended at once, and Ctrl-C is ours to handle.
      detached: true,
      stdio: ["pipe", log.fd, log.fd],
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        HOME: own,
        ENVOY_PATH: envoyPath,
        FUNC_E_CONFIG_HOME: join(own, "config"),
        FUNC_E_DATA_HOME: join(own, "data"),
        FUNC_E_STATE_HOME: join(own, "state"),
        FUNC_E_RUNTIME_DIR: join(own, "runtime"),
        FUNC_E_RUN_ID: "sidecar",
      },
    });
    // Without a listener an error would end our process.
    child.stdin?.on("error", () => {});
    // Both at once: it may end before anything else runs here.
    const exit = once(child, "exit");
    await once(child, "spawn");
    const { pid: group } = child;
    assert(group !== undefined);
    return { group, exited: waitForExit(child, group, exit) };
  } finally {
    await log.close();
  }
}

async function waitForExit(child: ChildProcess, group: number, exit: Promise<unknown[]>): Promise<number> {
  const [code] = (await exit) as [number | null];
  child.stdin?.destroy();
  for (let left = await processGroup(group); left.length > 0; left = await processGroup(group)) {
    for (const { pid } of left) killProcess(pid);
    await sleep(POLL_MS);
  }
  return code ?? -1;
}

async function waitUntilUp(up: {
  readonly address: string;
  readonly exited: Promise<number>;
  readonly signal: AbortSignal;
}): Promise<void> {
  let exitCode: number | undefined;
  up.exited.then((code) => {
    exitCode = code;
  });
  const limit = Date.now() + UP_LIMIT_MS;
  for (;;) {
    up.signal.throwIfAborted();
    if (exitCode !== undefined) throw new Error(`Envoy ended with code ${exitCode} while it started`);
    if ((await adminStatus(up.address)) !== undefined) return;
    if (Date.now() > limit) throw new Error(`Envoy's admin API does not answer after ${UP_LIMIT_MS} ms`);
    await sleep(POLL_MS);
  }
}

/** What `/ready` answers: 200 when Envoy is live; undefined when nobody answers. */
export async function adminStatus(address: string): Promise<number | undefined> {
  try {
    return (await askAdmin({ host: address, port: ADMIN_PORT }, "GET", "/ready")).status;
  } catch {
    return undefined; // Not up yet, or gone: which of them, the process says.
  }
}

async function stopEnvoy(envoy: {
  readonly address: string;
  readonly group: number;
  readonly exited: Promise<number>;
  readonly drainMs: number;
}): Promise<void> {
  const admin = { host: envoy.address, port: ADMIN_PORT };
  const hasExited = envoy.exited.then(() => true);
  try {
    if (envoy.drainMs > 0) {
      await askAdmin(admin, "POST", "/drain_listeners?graceful&skip_exit");
      await Promise.race([sleep(envoy.drainMs), hasExited]);
    }
    await askAdmin(admin, "POST", "/quitquitquit");
  } catch {
    // It ended by itself or hangs; what follows takes care of both.
  }
  const limit = sleep(QUIT_LIMIT_MS, false, { ref: false });
  if (await Promise.race([hasExited, limit])) return;
  // SIGTERM would be no kinder: func-e answers it with SIGKILL to Envoy.
  killGroup(envoy.group);
  await envoy.exited;
}

function killGroup(group: number): void {
  killProcess(-group);
}
