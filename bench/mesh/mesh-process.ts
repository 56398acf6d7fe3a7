import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "weft/dist/mesh/free-port.js";
import { startMesh } from "weft/dist/mesh/standalone-mesh.js";
import { findTools } from "weft/dist/mesh/tools.js";
import { whenSynced } from "weft/dist/mesh/when-synced.js";
import { askAdmin } from "weft/dist/sidecar/admin-api.js";
import { processGroup } from "weft/dist/sidecar/process-table.js";
import { CALLER, callerAddress, type MeshShape, meshFiles } from "./mesh-yaml.js";
import type { IdentityFiles } from "./plain-envoy.js";

export const TRUST_DOMAIN = "cluster.local";

export interface RunningMesh {
  readonly block: string;
  /** What a workload's sidecar proves itself with. */
  identity(namespace: string, name: string): IdentityFiles;
  /** Number of the Envoy process beside the caller. */
  callerPid(): Promise<number>;
  /** The admin API of that Envoy. */
  callerAdmin(path: string): Promise<string>;
  stop(): Promise<void>;
}

export interface MeshProcessOptions extends Omit<MeshShape, "block"> {
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** A few Envoys and thousands of services on a busy machine. */
const SYNC_LIMIT_MS = 300_000;
const ADMIN_PORT = 15000;
const NEVER_MS = 3_600_000;

/** Starts a mesh as `weft up` does, with a control plane in a process of its own, and waits until all is in sync. */
export async function startBenchMesh({ signal, onProgress, ...shape }: MeshProcessOptions): Promise<RunningMesh> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-mesh-"));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    while (undo.length > 0) await undo.pop()?.();
  };
  try {
    const number = (): number => 2 + Math.floor(Math.random() * 250);
    const block = `127.${number()}.${number()}`;
    for (const { name, text } of meshFiles({ ...shape, block })) await writeFile(join(folder, name), text);
    const mesh = await startMesh({
      folder,
      trustDomain: TRUST_DOMAIN,
      registryPort: await freePort(),
      tagPollMs: NEVER_MS,
      ...findTools(),
      signal,
      onEvent: (event) => {
        if (event.kind === "control-plane" && event.event.level === "error")
          onProgress(`control plane: ${event.event.message.slice(0, 300)}`);
        // Services that nobody calls have no loopback address, so that no sidecar is started; that is told, and meant.
        if (event.kind === "problem" && !event.subject.startsWith("sidecar team-"))
          onProgress(`${event.subject}: ${event.message}`);
      },
    });
    undo.push(mesh.stop);
    await whenSynced(mesh, SYNC_LIMIT_MS);
    const dirOf = (namespace: string, name: string): string => join(mesh.state.workloads, `${namespace}.${name}`);
    return {
      block,
      identity: (namespace, name) => {
        const dir = join(dirOf(namespace, name), "identity");
        return { certificate: join(dir, "cert.pem"), key: join(dir, "key.pem"), root: join(dir, "root.pem") };
      },
      callerPid: async () => {
        const text = await readFile(join(dirOf(CALLER.namespace, CALLER.name), "run.json"), "utf8");
        const { group } = JSON.parse(text) as { group: number };
        const envoy = (await processGroup(group)).find(({ name }) => name === "envoy");
        if (envoy === undefined) throw new Error("the caller's sidecar has no Envoy");
        return envoy.pid;
      },
      callerAdmin: async (path) => (await askAdmin({ host: callerAddress(block), port: ADMIN_PORT }, "GET", path)).body,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
