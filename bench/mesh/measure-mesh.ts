import { httpListener, type RunningEnvoy, startEnvoy } from "../../test/envoy-static.js";
import { rotated } from "../measure/statistics.js";
import { type LoadOptions, runWrk } from "../measure/wrk.js";
import { measureMemory } from "./measure-memory.js";
import { startBenchMesh, TRUST_DOMAIN } from "./mesh-process.js";
import { CALLER, called, callerAddress, hostOf, OUTBOUND_PORT } from "./mesh-yaml.js";
import { inbound, outbound } from "./plain-envoy.js";
import {
  type MemorySample,
  PATHS,
  type Path,
  type PathResult,
  pathResults,
  pathSample,
  type Round,
} from "./results.js";

export interface MeasureMeshOptions {
  readonly wrk: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly services: readonly number[];
  readonly connections: number;
  readonly loadConnections: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

export interface MeshResult {
  readonly paths: readonly PathResult[];
  readonly memory: readonly MemorySample[];
}

type Target = Pick<LoadOptions, "host" | "port" | "headers">;

/** As many workers as `weft sidecar` gives Envoy. */
export const CONCURRENCY = 2;
const SMALL_MESH = 10;
const WARM_UP_SECONDS = 1;

export async function measureMesh(options: MeasureMeshOptions): Promise<MeshResult> {
  // The app: Envoy answers by itself, so that what is measured is not the app.
  const app = await startEnvoy({ resources: { listeners: [httpListener({ name: "app", filters: [] })] } });
  try {
    const appPort = app.ports.get("app") ?? 0;
    const paths = await measurePaths(options, appPort);
    const memory: MemorySample[] = [];
    const sizes = options.services.map((services) => ({ services, allInScope: false }));
    const largest = Math.max(...options.services);
    for (const size of [...sizes, { services: largest, allInScope: true }])
      memory.push(await measureMemory({ ...options, ...size, appPort }));
    return { paths, memory };
  } finally {
    await app.stop();
  }
}

async function measurePaths(options: MeasureMeshOptions, appPort: number): Promise<PathResult[]> {
  const { wrk, rounds, seconds, connections, loadConnections, signal, onProgress } = options;
  onProgress("starting a mesh of two sidecars, and two plain Envoys");
  const mesh = await startBenchMesh({ ...options, services: SMALL_MESH, appPort, allInScope: false });
  const started: RunningEnvoy[] = [];
  try {
    const [service] = called;
    if (service === undefined) throw new Error("nothing is called");
    const host = hostOf(service);
    const server = await startEnvoy({
      concurrency: CONCURRENCY,
      resources: inbound({
        appPort,
        identity: mesh.identity(service.namespace, "backend"),
        trustPrefix: `spiffe://${TRUST_DOMAIN}/`,
      }),
    });
    started.push(server);
    const client = await startEnvoy({
      concurrency: CONCURRENCY,
      resources: outbound({
        identity: mesh.identity(CALLER.namespace, CALLER.name),
        destinations: [
          {
            host,
            address: "127.0.0.1",
            port: server.ports.get("inbound") ?? 0,
            identity: `spiffe://${TRUST_DOMAIN}/ns/${service.namespace}/sa/backend`,
          },
        ],
      }),
    });
    started.push(client);
    const headers = { Host: host };
    const targets: Record<Path, Target> = {
      direct: { port: appPort, headers },
      plain: { port: client.ports.get("outbound") ?? 0, headers },
      weft: { host: callerAddress(mesh.block), port: OUTBOUND_PORT, headers },
    };
    const load = (path: Path, count: number, duration: number) =>
      runWrk(wrk, { ...targets[path], connections: count, seconds: duration, signal });
    for (const path of PATHS) await load(path, loadConnections, WARM_UP_SECONDS);
    const results: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      const round = new Map<Path, Round[Path]>();
      for (const path of rotated(PATHS, i))
        round.set(
          path,
          pathSample(path, await load(path, connections, seconds), await load(path, loadConnections, seconds)),
        );
      const { direct, plain, weft } = Object.fromEntries(round) as unknown as Round;
      results.push({ direct, plain, weft });
      onProgress(
        `round ${i + 1} of ${rounds}: p50 ${PATHS.map((path) => `${path} ${((round.get(path)?.p50 ?? 0) * 1e6).toFixed(0)} µs`).join(", ")}`,
      );
    }
    // The load went where it was meant to go.
    const stats = await mesh.callerAdmin("/stats?filter=ssl.handshake&usedonly");
    if (!/outbound\S*ssl\.handshake: [1-9]/.test(stats))
      throw new Error(`the caller's sidecar spoke no mTLS:
${stats}`);
    return pathResults(results);
  } finally {
    for (const envoy of started) await envoy.stop();
    await mesh.stop();
  }
}
