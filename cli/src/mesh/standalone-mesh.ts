import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { controlPlaneSpiffeId } from "@weft/control-plane/identity/control-plane-id";
import { objectKey } from "@weft/control-plane/model/object-ref";
import type { Workload } from "@weft/control-plane/model/workload";
import { createFileSource } from "@weft/control-plane/source/files";
import { readInForce, readingsOf } from "@weft/control-plane/source/in-force-file";
import { createRegistryClient, type RegistryClient } from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { askControlPlane, type ControlPlaneEvent } from "./control-plane-process.js";
import { superviseControlPlane } from "./control-plane-supervisor.js";
import { freePort, requirePort } from "./free-port.js";
import { MeshError } from "./mesh-error.js";
import { createPluginCompiler } from "./plugin-compiler.js";
import { type Published, publishPlugin } from "./plugin-publisher.js";
import { takeRunLock } from "./run-lock.js";
import { type StateFolder, stateFolder } from "./state-folder.js";
import { whenDeparted } from "./when-departed.js";
import { createWorkloadRunner } from "./workload-runner.js";

/** What happens in a mesh, for whoever shows it. */
export type MeshEvent =
  | { readonly kind: "step"; readonly subject: string; readonly message: string }
  | { readonly kind: "problem"; readonly subject: string; readonly message: string }
  | { readonly kind: "control-plane"; readonly event: ControlPlaneEvent };

export interface MeshOptions {
  readonly folder: string;
  readonly trustDomain: string;
  /** Lifetime of the certificates. Default: 24 hours. */
  readonly certificateTtlMs?: number;
  readonly registryPort: number;
  readonly tagPollMs: number;
  /** Of the control plane's metrics, on 127.0.0.1. Default: none are served. */
  readonly metricsPort?: number;
  readonly envoyPath: string;
  readonly funcEPath: string;
  readonly onEvent: (event: MeshEvent) => void;
  /** Gives up the start; a mesh that runs is ended by `stop`. */
  readonly signal?: AbortSignal;
  /** Runs when the registry is up and nothing else yet: what is pushed now need not be waited for later. */
  readonly beforeStart?: (publisher: Pick<Mesh, "publish">) => Promise<void>;
}

/** One proxy as the control plane sees it. */
export interface ProxyState {
  readonly proxyKey: string;
  readonly bytesSent: number;
  readonly responsesSent: number;
  readonly types: readonly {
    readonly type: string;
    readonly inFlight: boolean;
    readonly pending: number;
    readonly ackedVersions: Readonly<Record<string, string>>;
  }[];
  readonly slots: readonly { readonly name: string; readonly plugins: readonly string[]; readonly version: string }[];
}

/** A standalone mesh that runs: registry, control plane, and a sidecar and perhaps an app for each workload. */
export interface Mesh {
  readonly folder: string;
  readonly state: StateFolder;
  readonly registryAddress: string;
  readonly client: RegistryClient;
  workloads(): readonly Workload[];
  /** Compiles and pushes the plugin in a folder. */
  publish(dir: string, name: string): Promise<Published>;
  proxies(): Promise<readonly ProxyState[]>;
  killControlPlane(): Promise<void>;
  startControlPlane(): Promise<void>;
  stopRegistry(): Promise<void>;
  startRegistry(): Promise<void>;
  stop(): Promise<void>;
}

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const folder = await existingFolder(options.folder);
  const state = stateFolder(folder);
  const step = (subject: string, message: string) => options.onEvent({ kind: "step", subject, message });
  const problem = (subject: string, message: string) => options.onEvent({ kind: "problem", subject, message });

  const lock = await takeRunLock(state.runRecord);
  if (lock.cleanedUp > 0) step("clean-up", `ended ${lock.cleanedUp} processes that an earlier run left behind`);
  const undo: (() => Promise<unknown>)[] = [() => lock.release()];
  const stop = async () => {
    while (undo.length > 0)
      await undo
        .pop()?.()
        .catch((error: unknown) => problem("stop", String(error)));
  };
  try {
    return await start();
  } catch (error) {
    await stop();
    throw error;
  }

  async function start(): Promise<Mesh> {
    const registryHost = "127.0.0.1";
    await requirePort(registryHost, options.registryPort, "the embedded registry");
    let registry: RegistryServer | undefined;
    const startRegistry = async () => {
      registry = await createRegistryServer({ dir: state.registry, host: registryHost, port: options.registryPort });
    };
    const stopRegistry = async () => {
      await registry?.close(0);
      registry = undefined;
    };
    await startRegistry();
    undo.push(stopRegistry);
    const registryAddress = `${registryHost}:${options.registryPort}`;
    step("registry", `${registryAddress}, plain HTTP on loopback (control plane flag --plain-http ${registryAddress})`);

    const compiler = createPluginCompiler();
    undo.push(() => compiler.close());
    const client = createRegistryClient({ plainHttp: [registryAddress] });
    const publish = (dir: string, name: string) =>
      publishPlugin(dir, name, { compiler, client, registry: registryAddress });
    await options.beforeStart?.({ publish });
    options.signal?.throwIfAborted();

    const xdsPort = await freePort();

    const controlPlane = superviseControlPlane({
      folder,
      state,
      xdsPort,
      trustDomain: options.trustDomain,
      ...(options.certificateTtlMs === undefined ? {} : { certificateTtlMs: options.certificateTtlMs }),
      envoyPath: options.envoyPath,
      plainHttpRegistries: [registryAddress],
      tagPollMs: options.tagPollMs,
      ...(options.metricsPort === undefined ? {} : { metricsPort: options.metricsPort }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onEvent: (event) => options.onEvent({ kind: "control-plane", event }),
      onStarted: (pid) => lock.add(pid),
      onEnded: (message) => problem("control-plane", message),
      onBack: () => step("control-plane", "runs again"),
    });
    undo.push(controlPlane.stop);

    const runner = createWorkloadRunner({
      ...options,
      folder,
      workloadsDir: state.workloads,
      appLogDir: state.apps,
      xdsAddress: { host: "127.0.0.1", port: xdsPort },
      controlPlaneId: controlPlaneSpiffeId(options.trustDomain),
      onAppStarted: (pid) => lock.add(pid),
      departed: (key, signal) => whenDeparted(state.adminSocket, key, signal),
      problem,
    });
    undo.push(runner.stop);

    const inForce = await readInForce(state.inForce);
    await controlPlane.start();
    if (options.metricsPort !== undefined) step("metrics", `http://127.0.0.1:${options.metricsPort}/metrics`);
    step("control-plane", `xDS on 127.0.0.1:${xdsPort}, mTLS; status in ${join(state.status)}`);

    const stopReading = new AbortController();
    undo.push(async () => stopReading.abort());
    const lastGood = inForce === undefined ? new Map() : readingsOf(inForce);
    const batches = createFileSource({ folder, lastGood }).watch(stopReading.signal)[Symbol.asyncIterator]();
    const takeBatch = async (): Promise<"ready" | "more" | "end"> => {
      const next = await batches.next();
      if (next.done) return "end";
      for (const event of next.value) {
        if (event.kind === "delete" && event.ref.kind === "WorkloadEntry") {
          step("workload", `${objectKey(event.ref)} is gone; its sidecar ends when its callers know`);
          void runner.remove(objectKey(event.ref));
        }
        if (event.kind === "apply" && event.object.kind === "WorkloadEntry")
          await runner.apply(objectKey(event.ref), event.object.value);
      }
      return next.value.some((event) => event.kind === "ready") ? "ready" : "more";
    };
    while ((await takeBatch()) === "more");

    void (async () => {
      while ((await takeBatch()) !== "end");
    })().catch((error: unknown) => problem("folder", error instanceof Error ? error.message : String(error)));

    return {
      folder,
      state,
      registryAddress,
      client,
      workloads: () => runner.workloads,
      publish,
      proxies: () => askControlPlane(state.adminSocket, "/proxies"),
      killControlPlane: controlPlane.kill,
      startControlPlane: controlPlane.start,
      startRegistry,
      stopRegistry,
      stop,
    };
  }
}

async function existingFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory())
    throw new MeshError("folder-missing", `${path} is not a folder; give the folder with the YAML of the mesh`);
  return realpath(path);
}
