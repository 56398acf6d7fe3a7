import { mkdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadOrCreateAuthority } from "@weft/control-plane/identity/authority-folder";
import type { CertificateAuthority } from "@weft/control-plane/identity/certificate-authority";
import { createCertificateRequest, createPrivateKeyPem } from "@weft/control-plane/identity/certificate-request";
import { controlPlaneSpiffeId } from "@weft/control-plane/identity/control-plane-id";
import { signServer } from "@weft/control-plane/identity/sign";
import type { Workload } from "@weft/control-plane/model/workload";
import { createFileSource } from "@weft/control-plane/source/files";
import { createRegistryClient, type RegistryClient } from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { writeAtomic } from "../sidecar/atomic-file.js";
import { runSidecar, type Sidecar } from "../sidecar/run-sidecar.js";
import { createFolderSigner } from "../sidecar/signer.js";
import { workloadFolder } from "../sidecar/workload-folder.js";
import { startApp } from "./app-process.js";
import { askControlPlane, type ControlPlaneEvent, startControlPlaneProcess } from "./control-plane-process.js";
import { freePort, requirePort } from "./free-port.js";
import type { GuardedProcess } from "./guarded-process.js";
import { MeshError } from "./mesh-error.js";
import { createPluginCompiler } from "./plugin-compiler.js";
import { type Published, publishPlugin } from "./plugin-publisher.js";
import { takeRunLock } from "./run-lock.js";
import { type StateFolder, stateFolder } from "./state-folder.js";

/** What happens in a mesh, for whoever shows it. */
export type MeshEvent =
  | { readonly kind: "step"; readonly subject: string; readonly message: string }
  | { readonly kind: "problem"; readonly subject: string; readonly message: string }
  | { readonly kind: "control-plane"; readonly event: ControlPlaneEvent };

export interface MeshOptions {
  readonly folder: string;
  readonly trustDomain: string;
  readonly registryPort: number;
  readonly tagPollMs: number;
  readonly envoyPath: string;
  readonly funcEPath: string;
  readonly onEvent: (event: MeshEvent) => void;
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

const RESTART_DELAY_MS = 1000;
const MAX_RESTART_DELAY_MS = 30_000;
const SERVER_TTL_MS = 90 * 24 * 3600 * 1000;

interface Running {
  readonly workload: Workload;
  readonly sidecar: Promise<Sidecar | undefined>;
  readonly cancel: AbortController;
  readonly app: Promise<GuardedProcess | undefined>;
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

    const authority = await loadOrCreateAuthority(state.authority, { trustDomain: options.trustDomain });
    await identifyControlPlane(authority, state);
    const xdsPort = await freePort();

    const running = new Map<string, Running>();
    let wanted = true;
    let controlPlane: GuardedProcess | undefined;
    let starting: Promise<void> | undefined;
    const startControlPlane = (): Promise<void> => {
      wanted = true;
      starting = launchControlPlane();
      return starting;
    };
    const launchControlPlane = async () => {
      const started = await startControlPlaneProcess({
        folder,
        state,
        xdsPort,
        trustDomain: options.trustDomain,
        envoyPath: options.envoyPath,
        plainHttpRegistries: [registryAddress],
        tagPollMs: options.tagPollMs,
        onEvent: (event) => options.onEvent({ kind: "control-plane", event }),
      });
      controlPlane = started;
      await lock.add(started.pid);
      void started.ended.then((how) => {
        if (wanted && controlPlane === started) void restartControlPlane(how);
      });
    };
    const restartControlPlane = async (how: string) => {
      problem("control-plane", `ended (${how}); starting it again`);
      for (let delayMs = RESTART_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_RESTART_DELAY_MS)) {
        await sleep(delayMs, undefined, { ref: false });
        if (!wanted) return;
        try {
          await startControlPlane();
          step("control-plane", "runs again");
          return;
        } catch (error) {
          problem("control-plane", `${error instanceof Error ? error.message : error}; starting it again`);
        }
      }
    };
    const killControlPlane = async () => {
      wanted = false;
      await controlPlane?.kill();
    };
    undo.push(async () => {
      wanted = false;
      // One that is being started would else be left.
      await starting?.catch(() => undefined);
      await controlPlane?.stop();
    });

    const stopWorkload = async (key: string) => {
      const current = running.get(key);
      if (current === undefined) return;
      running.delete(key);
      current.cancel.abort();
      const [sidecar, app] = await Promise.all([current.sidecar, current.app]);
      await Promise.all([sidecar?.stop(), app?.stop()]);
    };
    undo.push(() => Promise.all([...running.keys()].map(stopWorkload)));

    const startWorkload = (key: string, workload: Workload) => {
      if (!workload.address.startsWith("127.")) {
        // Its admin API and its identity would be open to the network.
        problem(
          `sidecar ${key}`,
          `${workload.address} is not a loopback address; without interception use one such as 127.0.1.9`,
        );
        return;
      }
      const cancel = new AbortController();
      running.set(key, {
        workload,
        cancel,
        sidecar: workload.hasSidecar ? startSidecar(key, workload, cancel.signal) : Promise.resolve(undefined),
        app: workload.run === undefined ? Promise.resolve(undefined) : runApp(key, workload, workload.run),
      });
    };
    const startSidecar = async (key: string, workload: Workload, signal: AbortSignal) => {
      try {
        return await runSidecar({
          workloadDir: workloadFolder(state.workloads, workload),
          namespace: workload.namespace,
          name: workload.name,
          address: workload.address,
          serviceAccount: workload.serviceAccount,
          xdsAddress: { host: "127.0.0.1", port: xdsPort },
          envoyPath: options.envoyPath,
          funcEPath: options.funcEPath,
          trustDomain: options.trustDomain,
          controlPlaneId: controlPlaneSpiffeId(options.trustDomain),
          signal,
          logger: {
            info: () => {},
            warn: (m) => problem(`sidecar ${key}`, m),
            error: (m) => problem(`sidecar ${key}`, m),
          },
        });
      } catch (error) {
        if (!signal.aborted) problem(`sidecar ${key}`, error instanceof Error ? error.message : String(error));
        return undefined;
      }
    };
    const runApp = async (key: string, workload: Workload, command: string) => {
      try {
        for (const [name, port] of Object.entries(workload.ports))
          await requirePort("127.0.0.1", port, `the app of WorkloadEntry ${key} (port ${name})`);
        const app = await startApp(workload, command, {
          folder,
          logDir: state.apps,
          onExit: (how) => {
            if (running.get(key)?.workload === workload) problem(`app ${key}`, `${command}: ended (${how})`);
          },
        });
        await lock.add(app.pid);
        return app;
      } catch (error) {
        problem(`app ${key}`, error instanceof Error ? error.message : String(error));
        return undefined;
      }
    };

    await startControlPlane();
    step("control-plane", `xDS on 127.0.0.1:${xdsPort}, mTLS; status in ${join(state.status)}`);

    const stopReading = new AbortController();
    undo.push(async () => stopReading.abort());
    const batches = createFileSource({ folder }).watch(stopReading.signal)[Symbol.asyncIterator]();
    const takeBatch = async (): Promise<"ready" | "more" | "end"> => {
      const next = await batches.next();
      if (next.done) return "end";
      for (const event of next.value) {
        if (event.kind === "delete" && event.ref.kind === "WorkloadEntry") {
          const key = `${event.ref.namespace}/${event.ref.name}`;
          step("workload", `${key} is gone; ending its sidecar`);
          await stopWorkload(key);
        }
        if (event.kind !== "apply" || event.object.kind !== "WorkloadEntry") continue;
        const workload = event.object.value;
        const key = `${workload.namespace}/${workload.name}`;
        const current = running.get(key)?.workload;
        if (current !== undefined && !needsRestart(current, workload)) continue;
        await stopWorkload(key);
        startWorkload(key, workload);
      }
      return next.value.some((event) => event.kind === "ready") ? "ready" : "more";
    };
    while ((await takeBatch()) === "more");
    // Only now, when the workloads are known, can their requests be signed.
    const signer = await createFolderSigner({
      ca: authority,
      workloadsDir: state.workloads,
      lookup: (namespace, name) => running.get(`${namespace}/${name}`)?.workload,
      logger: { info: () => {}, warn: (m) => problem("identity", m), error: (m) => problem("identity", m) },
    });
    undo.push(() => signer.close());

    void (async () => {
      while ((await takeBatch()) !== "end");
    })().catch((error: unknown) => problem("folder", error instanceof Error ? error.message : String(error)));

    return {
      folder,
      state,
      registryAddress,
      client,
      workloads: () => [...running.values()].map(({ workload }) => workload),
      publish,
      proxies: () => askControlPlane(state.adminSocket, "/proxies"),
      killControlPlane,
      startControlPlane,
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

/** A fresh key and certificate at each start; only the authority is kept. */
async function identifyControlPlane(authority: CertificateAuthority, state: StateFolder): Promise<void> {
  const keyPem = await createPrivateKeyPem();
  const signed = await signServer(authority, await createCertificateRequest(keyPem), {
    ttlMs: SERVER_TTL_MS,
    nowMs: Date.now(),
  });
  if (!signed.ok) throw new MeshError("control-plane-failed", `cannot sign the control plane: ${signed.message}`);
  await mkdir(state.controlPlane, { recursive: true, mode: 0o700 });
  await writeAtomic(join(state.controlPlane, "key.pem"), keyPem, 0o600);
  await writeAtomic(join(state.controlPlane, "cert.pem"), signed.chainPem);
  await writeAtomic(join(state.controlPlane, "root.pem"), authority.rootPem);
}

/** Labels and weights are the control plane's matter; these are the processes'. */
function needsRestart(a: Workload, b: Workload): boolean {
  return (
    a.address !== b.address ||
    a.serviceAccount !== b.serviceAccount ||
    a.hasSidecar !== b.hasSidecar ||
    a.run !== b.run ||
    JSON.stringify(a.ports) !== JSON.stringify(b.ports)
  );
}
