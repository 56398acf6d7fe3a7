import { realpath, stat } from "node:fs/promises";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { type GuardedProcess, startGuarded } from "./guarded-process.js";
import { orInterrupted } from "./interrupt.js";
import { MeshError } from "./mesh-error.js";
import { type StateFolder, stateFolder } from "./state-folder.js";

/** A line of the control plane's log. */
export interface ControlPlaneEvent {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  /** What kind of event; absent: of no interest to most people. */
  readonly kind?: string;
  readonly [field: string]: unknown;
}

export interface ControlPlaneOptions {
  readonly folder: string;
  readonly state: StateFolder;
  readonly xdsPort: number;
  readonly trustDomain: string;
  /** Lifetime of certificates, if not the usual one. */
  readonly certificateTtlMs?: number;
  readonly envoyPath: string;
  readonly plainHttpRegistries: readonly string[];
  readonly tagPollMs: number;
  readonly metricsPort?: number;
  /** Gives up waiting for it to be ready, and ends it. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: ControlPlaneEvent) => void;
}

const WEFT = fileURLToPath(new URL("../../bin/weft.mjs", import.meta.url));
const START_LIMIT_MS = 60_000;

/** Starts a control plane as a process of its own. Resolves when proxies may connect to it. */
export async function startControlPlaneProcess(options: ControlPlaneOptions): Promise<GuardedProcess> {
  const { state, certificateTtlMs, metricsPort } = options;
  let markReady: () => void = () => {};
  const ready = new Promise<"ready">((done) => {
    markReady = () => done("ready");
  });
  const lastLines: string[] = [];
  const args = [
    process.execPath,
    WEFT,
    "control-plane",
    ...["--folder", options.folder],
    ...["--state-dir", state.root],
    ...["--authority-dir", state.authority],
    ...["--workloads-dir", state.workloads],
    ...(certificateTtlMs === undefined ? [] : ["--certificate-ttl", `${Math.round(certificateTtlMs / 60_000)}m`]),
    ...["--xds-port", String(options.xdsPort)],
    ...["--trust-domain", options.trustDomain],
    ...["--envoy", options.envoyPath],
    ...["--tag-poll-ms", String(options.tagPollMs)],
    ...["--admin-socket", state.adminSocket],
    ...(metricsPort === undefined ? [] : ["--metrics-port", String(metricsPort)]),
    ...["--log-format", "json"],
    ...options.plainHttpRegistries.flatMap((registry) => ["--plain-http", registry]),
  ];
  const running = await startGuarded(args, {
    cwd: options.folder,
    onLine: (line) => {
      lastLines.push(line);
      if (lastLines.length > 20) lastLines.shift();
      const event = parseEvent(line);
      options.onEvent(event);
      if (event.kind === "ready") markReady();
    },
  });
  const timeout = new Promise<string>((done) => {
    setTimeout(done, START_LIMIT_MS, `not ready after ${START_LIMIT_MS / 1000} s`).unref();
  });
  const { signal } = options;
  const started = Promise.race([ready, running.ended, timeout]);
  const outcome = await (signal === undefined ? started : orInterrupted(started, signal)).catch(async (error) => {
    await running.kill();
    throw error;
  });
  if (outcome === "ready") return running;
  await running.kill();
  throw new MeshError(
    "control-plane-failed",
    `the control plane did not start (${outcome}):\n${lastLines.map((line) => `  ${parseEvent(line).message}`).join("\n")}`,
  );
}

function parseEvent(line: string): ControlPlaneEvent {
  try {
    const value = JSON.parse(line) as ControlPlaneEvent;
    if (typeof value.message === "string") return value;
  } catch {
    // Not from the logger: a crash, or Node itself.
  }
  return { level: "error", message: line, kind: "output" };
}

/** Asks a running control plane for its state, or with a body to do something. */
export function askControlPlane<T>(socketPath: string, path: string, body?: unknown): Promise<T> {
  const method = body === undefined ? "GET" : "POST";
  return new Promise((done, fail) => {
    const call = request({ socketPath, path, method, timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        try {
          done(JSON.parse(text) as T);
        } catch (error) {
          fail(error);
        }
      });
    });
    call.on("error", fail);
    call.on("timeout", () => call.destroy(new Error("the control plane does not answer")));
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Codes of a socket that nobody listens on. */
const ABSENT: readonly unknown[] = ["ENOENT", "ECONNREFUSED"];

/**
 * Asks the control plane of a folder, or the one that listens on this admin socket, as in its pod; says so when none runs.
 */
export async function askControlPlaneOf<T>(folder: string, path: string, body?: unknown): Promise<T> {
  const real = await realpath(folder).catch(() => {
    throw new MeshError("folder-missing", `${folder} is not a folder; give the folder with the YAML of the mesh`);
  });
  try {
    const isSocket = (await stat(real)).isSocket();
    return await askControlPlane<T>(isSocket ? real : stateFolder(real).adminSocket, path, body);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && ABSENT.includes(error.code))) throw error;
    throw new MeshError(
      "control-plane-failed",
      `no control plane runs for ${folder}; start one with weft up ${folder}`,
      {
        cause: error,
      },
    );
  }
}
