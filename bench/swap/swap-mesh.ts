import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPluginStatus } from "weft/dist/demo/demo-context.js";
import { waitFor } from "weft/dist/demo/wait.js";
import { freePort } from "weft/dist/mesh/free-port.js";
import { type Mesh, type MeshEvent, type ProxyState, startMesh } from "weft/dist/mesh/standalone-mesh.js";
import { findTools } from "weft/dist/mesh/tools.js";
import { whenSynced } from "weft/dist/mesh/when-synced.js";
import { type Child, startChild } from "./child.js";
import { clockMs } from "./clock.js";
import type { FleetMethods } from "./fleet-process.js";
import type { LoadMethods } from "./load-process.js";
import { envoyAddress, envoyName, meshYaml, PLUGIN, pluginYaml, SERVICE_PORT } from "./mesh-yaml.js";

export interface SwapMeshOptions {
  readonly envoys: number;
  readonly clients: number;
  readonly connections: number;
  readonly rate: number;
  readonly tagPollMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
  /** Runs when the registry is up and nothing else: pushes the first version as this image. */
  readonly pushFirst: (reference: string) => Promise<void>;
}

/** The control plane says that every proxy of a change has answered. Time of `clockMs`. */
export interface Applied {
  readonly atMs: number;
  readonly proxies: number;
  readonly rejected: number;
  /** From when the control plane had the change. */
  readonly tookMs: number;
}

/** What is measured: a mesh with real and simulated sidecars, all in sync, under load. */
export interface SwapMesh {
  readonly mesh: Mesh;
  readonly fleet: Child<FleetMethods>;
  readonly load: Child<LoadMethods>;
  /** What the control plane said of plugins, newest last. */
  readonly applied: readonly Applied[];
  /** The image of a tag, without its scheme. */
  reference(tag: string): string;
  /** Writes the WasmPlugin so that it takes this tag. */
  point(tag: string): Promise<void>;
  /** Waits until the plugin's status says whether its image could be had. */
  resolved(status: "True" | "False", limitMs: number): Promise<unknown>;
  /** What the control plane has sent so far, and what each real proxy runs. */
  sent(): Promise<Sent>;
  stop(): Promise<void>;
}

export interface Sent {
  readonly envoyBytes: number;
  readonly clientBytes: number;
  /** Versions of slots that real Envoys have acknowledged, by proxy and slot. */
  readonly slots: Readonly<Record<string, string>>;
}

/** Simulated sidecars lost their streams before there was anything to measure. */
export class StreamsLostError extends Error {
  readonly code = "STREAMS_LOST";

  constructor(reasons: readonly string[]) {
    super(
      `simulated sidecars lost their streams while they connected: ${reasons.join("; ")}. The control plane may be too busy on this machine: give fewer --clients`,
    );
  }
}

const TRUST_DOMAIN = "cluster.local";
export const LIVE_TAG = "live";
const CONNECT_LIMIT_MS = 300_000;
const APPLY_LIMIT_MS = 60_000;
const STATE_LIMIT_MS = 120_000;
const PROGRESS_MS = 5_000;
const POLL_MS = 50;

export async function startSwapMesh(options: SwapMeshOptions): Promise<SwapMesh> {
  const { envoys, clients, signal, onProgress } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    while (undo.length > 0) await undo.pop()?.();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "weft-swap-"));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const load = startChild<LoadMethods>(new URL("./load-process.js", import.meta.url), "the load");
    undo.push(load.stop);
    const fleet = startChild<FleetMethods>(new URL("./fleet-process.js", import.meta.url), "the simulated sidecars");
    undo.push(fleet.stop);
    const appPorts = await load.call("apps", envoys);
    const block = `127.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`;
    await writeFile(join(folder, "mesh.yaml"), meshYaml({ appPorts, clients, block }));
    await mkdir(join(folder, "plugins"));

    const registryPort = await freePort();
    const reference = (tag: string): string => `127.0.0.1:${registryPort}/plugins/${PLUGIN}:${tag}`;
    const pluginFile = join(folder, "plugins", `${PLUGIN}.yaml`);
    const point = (tag: string): Promise<void> => writeFile(pluginFile, pluginYaml(reference(tag)));
    await point(LIVE_TAG);

    const applied: Applied[] = [];
    let xds = "";
    const onEvent = (event: MeshEvent): void => {
      if (event.kind === "control-plane") {
        const { kind, message, level } = event.event;
        if (kind === "ready") xds = String(event.event.xds);
        if (kind === "applied" && message.includes(`plugin default/${PLUGIN} `)) applied.push(readApplied(event.event));
        if (level === "error") onProgress(`control plane: ${message.slice(0, 300)}`);
      }
      // A simulated workload has no loopback address, so that no sidecar is started; that is told, and meant.
      if (event.kind === "problem" && !event.subject.startsWith("sidecar default/client-"))
        onProgress(`${event.subject}: ${event.message}`);
    };
    onProgress(`starting a registry, a control plane and ${envoys} Envoys`);
    const mesh = await startMesh({
      folder,
      trustDomain: TRUST_DOMAIN,
      registryPort,
      tagPollMs: options.tagPollMs,
      ...findTools(),
      signal,
      onEvent,
      beforeStart: () => options.pushFirst(reference(LIVE_TAG)),
    });
    undo.push(mesh.stop);
    await whenSynced(mesh);

    const [host = "", port = ""] = xds.split(":");
    await fleet.call("start", {
      clients,
      authority: mesh.state.authority,
      trustDomain: TRUST_DOMAIN,
      host,
      port: Number(port),
    });
    let toldMs = clockMs();
    const wait = (what: string, isSo: () => Promise<boolean>, limitMs: number): Promise<true> =>
      waitFor(
        what,
        async () => {
          signal.throwIfAborted();
          return (await isSo()) || undefined;
        },
        { limitMs, pollMs: POLL_MS },
      );
    const allInSync = async (): Promise<boolean> => {
      const { complete, lost } = await fleet.call("progress", undefined);
      if (lost.length > 0) throw new StreamsLostError(lost);
      if (clockMs() - toldMs > PROGRESS_MS) {
        toldMs = clockMs();
        onProgress(`${complete} of ${clients} simulated sidecars in sync`);
      }
      return complete === clients;
    };
    await wait("all simulated sidecars to be in sync", allInSync, CONNECT_LIMIT_MS);
    onProgress(`${envoys} Envoys and ${clients} simulated sidecars in sync`);

    const swapMesh: SwapMesh = {
      mesh,
      reference,
      fleet,
      load,
      applied,
      point,
      resolved: (status, limitMs) =>
        wait(
          `the plugin's condition Resolved to be ${status}`,
          async () => {
            const conditions = (await readPluginStatus(mesh, PLUGIN))?.conditions ?? [];
            return conditions.some((condition) => condition.type === "Resolved" && condition.status === status);
          },
          limitMs,
        ),
      sent: async () => {
        // With many proxies it may be too busy for an answer in time; asked again, it does.
        const ask = () => mesh.proxies().catch(() => undefined);
        return sentOf(await waitFor("the control plane to list its proxies", ask, { limitMs: STATE_LIMIT_MS }));
      },
      stop,
    };
    await swapMesh.resolved("True", APPLY_LIMIT_MS);
    const targets = Array.from({ length: envoys }, (_, i) => ({
      name: envoyName(i),
      host: envoyAddress(block, i),
      port: SERVICE_PORT,
    }));
    await load.call("start", { targets, connections: options.connections, rate: options.rate });
    return swapMesh;
  } catch (error) {
    await stop();
    throw error;
  }
}

function readApplied({ tookMs, proxies, rejected }: Readonly<Record<string, unknown>>): Applied {
  return { atMs: clockMs(), tookMs: Number(tookMs), proxies: Number(proxies), rejected: Number(rejected) };
}

function sentOf(proxies: readonly ProxyState[]): Sent {
  const isEnvoy = ({ proxyKey }: ProxyState): boolean => proxyKey.startsWith("default/envoy-");
  const bytesOf = (list: readonly ProxyState[]): number => list.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  const slots = proxies.filter(isEnvoy).flatMap(({ proxyKey, types }) => {
    const versions = types.find(({ type }) => type === "extension")?.ackedVersions ?? {};
    return Object.entries(versions).map(([name, version]): [string, string] => [`${proxyKey} ${name}`, version]);
  });
  return {
    envoyBytes: bytesOf(proxies.filter(isEnvoy)),
    clientBytes: bytesOf(proxies.filter((proxy) => !isEnvoy(proxy))),
    slots: Object.fromEntries(slots.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
