import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "weft/dist/mesh/free-port.js";
import { findTools } from "weft/dist/mesh/tools.js";
import { ROOT } from "../measure/repository.js";

/** A control plane that is measured: it watches the API server, and serves plaintext xDS at the address. */
export interface RunningControlPlane {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly kubeconfig: string;
  /** Empty folder of its own. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** Where a profile of the CPU time goes. Default: none is made, as it costs some. */
  readonly profileDir?: string;
}

const START_LIMIT_MS = 120_000;
const END_LIMIT_MS = 30_000;
const POLL_MS = 50;
const LOG_LIMIT = 100_000;

/** istiod as the facts about it were measured: alone, without webhooks, and without its limit on new streams. */
export async function startIstiod(
  file: string,
  { kubeconfig, dir, signal }: StartOptions,
): Promise<RunningControlPlane> {
  const [grpc, http, https, monitoring] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const env = {
    POD_NAMESPACE: "istio-system",
    POD_NAME: "istiod-0",
    PILOT_CERT_PROVIDER: "istiod",
    INJECTION_WEBHOOK_CONFIG_NAME: "",
    VALIDATION_WEBHOOK_CONFIG_NAME: "",
    PILOT_MAX_REQUESTS_PER_SECOND: "10000",
  };
  const args = [
    "discovery",
    ...["--kubeconfig", kubeconfig, "--meshConfig", join(dir, "mesh.yaml"), "--ctrlz_port", "0"],
    ...["--grpcAddr", `127.0.0.1:${grpc}`, "--httpAddr", `127.0.0.1:${http}`, "--httpsAddr", `127.0.0.1:${https}`],
    ...["--secureGRPCAddr", "", "--monitoringAddr", `127.0.0.1:${monitoring}`],
  ];
  return start("istiod", file, args, { dir, signal, env, port: grpc });
}

/** `weft control-plane` for a cluster. Its threshold is where it is by default, so 500 services are all in scope. */
export async function startWeft({ kubeconfig, dir, signal, profileDir }: StartOptions): Promise<RunningControlPlane> {
  const port = await freePort();
  const args = [
    ...(profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir]),
    join(ROOT, "cli", "bin", "weft.mjs"),
    "control-plane",
    ...["--kubernetes", "--kubeconfig", kubeconfig, "--namespace", "weft-system", "--state-dir", dir],
    ...["--authority-dir", join(dir, "authority"), "--envoy", findTools().envoyPath],
    ...["--xds-port", "0", "--insecure-xds-port", String(port), "--admin-socket", join(dir, "admin.sock")],
  ];
  return start("weft control-plane", process.execPath, args, { dir, signal, env: { POD_NAME: "bench" }, port });
}

interface ProcessOptions {
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
}

/** It serves when its port answers: both listen only when they have read the cluster's objects. */
async function start(
  what: string,
  file: string,
  args: readonly string[],
  { dir, signal, env, port }: ProcessOptions,
): Promise<RunningControlPlane> {
  const child = spawn(file, args, { cwd: dir, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log = `${log}${chunk.toString()}`.slice(-LOG_LIMIT);
    });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  const stop = () => end(child);
  try {
    const limit = Date.now() + START_LIMIT_MS;
    while (!(await Promise.race([answers(port), failed]))) {
      signal.throwIfAborted();
      if (child.exitCode !== null || Date.now() > limit)
        throw Object.assign(new Error(`${what} did not start:\n${log.slice(-5000)}`), { code: "NOT_STARTED" });
      await sleep(POLL_MS);
    }
    return { address: `127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
  await exit;
  clearTimeout(limit);
}
