import { request } from "node:http";
import { performance } from "node:perf_hooks";
import { RETURNED_MEMORY } from "@weft/control-plane/injection/bootstrap";
import { startEnvoy } from "../../test/envoy-static.js";
import { residentBytes } from "../measure/process.js";
import { runWrk } from "../measure/wrk.js";
import { startBenchMesh, TRUST_DOMAIN } from "./mesh-process.js";
import {
  backendAddress,
  CALLER,
  called,
  callerAddress,
  hostOf,
  OUTBOUND_PORT,
  SERVICE_PORT,
  type Service,
  uncalled,
} from "./mesh-yaml.js";
import { inbound, outbound } from "./plain-envoy.js";
import type { Memory, MemorySample } from "./results.js";

export interface MeasureMemoryOptions {
  readonly wrk: string;
  readonly services: number;
  readonly allInScope: boolean;
  readonly appPort: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const CONCURRENCY = 2;
const WARM_UP_SECONDS = 2;
const WARM_UP_CONNECTIONS = 16;
const REQUEST_LIMIT_MS = 30_000;

/** Memory of a sidecar after load on what its app calls, beside a plain Envoy after the same load. */
export async function measureMemory(options: MeasureMemoryOptions): Promise<MemorySample> {
  const { wrk, services, allInScope, appPort, signal, onProgress } = options;
  onProgress(`starting a mesh of ${services} services${allInScope ? ", all in scope" : ""}`);
  const mesh = await startBenchMesh(options);
  try {
    const identity = mesh.identity(CALLER.namespace, CALLER.name);
    const [out, into] = [
      outbound({
        identity,
        destinations: called.map((service) => ({
          host: hostOf(service),
          address: backendAddress(mesh.block, service.namespace),
          port: SERVICE_PORT,
          identity: `spiffe://${TRUST_DOMAIN}/ns/${service.namespace}/sa/backend`,
        })),
      }),
      inbound({ appPort, identity, trustPrefix: `spiffe://${TRUST_DOMAIN}/` }),
    ];
    const resources = {
      listeners: [...out.listeners, ...into.listeners],
      clusters: [...out.clusters, ...into.clusters],
    };
    const plain = await startEnvoy({ concurrency: CONCURRENCY, resources, memoryAllocator: RETURNED_MEMORY });
    try {
      const weftTarget = { host: callerAddress(mesh.block), port: OUTBOUND_PORT };
      for (const target of [weftTarget, { host: "127.0.0.1", port: plain.ports.get("outbound") ?? 0 }])
        for (const service of called) {
          const load = await runWrk(wrk, {
            ...target,
            headers: { Host: hostOf(service) },
            connections: WARM_UP_CONNECTIONS,
            seconds: WARM_UP_SECONDS,
            signal,
          });
          if (load.requests === 0 || load.refused + load.socketErrors > 0)
            throw new Error(`${hostOf(service)}: ${load.refused} of ${load.requests} requests were refused`);
        }
      const sample = {
        services,
        allInScope,
        weft: await memoryOf(await mesh.callerPid(), mesh.callerAdmin),
        plain: await memoryOf(plain.pid, plain.admin),
        clusters: Number(/cluster_manager\.active_clusters: (\d+)/.exec(await mesh.callerAdmin(CLUSTERS))?.[1]),
      };
      const first: number[] = [];
      const second: number[] = [];
      const isOnDemand = !allInScope && sample.clusters < services;
      for (const service of isOnDemand ? uncalled(services) : []) {
        first.push(await secondsOf(weftTarget, service));
        second.push(await secondsOf(weftTarget, service));
      }
      onProgress(`${services} services: ${(sample.weft.resident / 1e6).toFixed(1)} MB, ${sample.clusters} clusters`);
      return { ...sample, first, second };
    } finally {
      await plain.stop();
    }
  } finally {
    await mesh.stop();
  }
}

const CLUSTERS = "/stats?filter=^cluster_manager.active_clusters$";

async function memoryOf(pid: number, admin: (path: string) => Promise<string>): Promise<Memory> {
  const { allocated } = JSON.parse(await admin("/memory")) as { allocated: string };
  return { resident: await residentBytes(pid), allocated: Number(allocated) };
}

/** How long a request took that must be answered with 200, on a connection of its own. */
function secondsOf(target: { host: string; port: number }, service: Service): Promise<number> {
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { host: hostOf(service) };
    const call = request({ ...target, headers, agent: false, timeout: REQUEST_LIMIT_MS }, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve((performance.now() - beganMs) / 1000);
        else reject(new Error(`${hostOf(service)} answered ${response.statusCode}`));
      });
    });
    call.on("timeout", () => call.destroy(new Error(`${hostOf(service)}: no answer in ${REQUEST_LIMIT_MS} ms`)));
    call.on("error", reject);
    call.end();
  });
}
