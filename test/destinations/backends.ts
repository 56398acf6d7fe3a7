/*
 * A caller's sidecar on loopback, and apps without one behind a service, for tests of what a DestinationRule does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { DestinationRule } from "../../control-plane/src/model/destination-rule.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import type { TrafficPolicy } from "../../control-plane/src/model/traffic-policy.js";
import type { Workload } from "../../control-plane/src/model/workload.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { type Answer, get } from "../../e2e/support/requests.js";
import { mkDestinationRule, mkService, mkWorkload } from "../builders.js";
import type { TranslatedMesh } from "../translated-mesh.js";

export const BLOCK = addressBlock();

/** A sidecar's outbound port without interception. */
const OUTBOUND_PORT = 15001;
const PORT = 8080;

export const caller = (over: Partial<Workload> = {}): MeshObject => ({
  kind: "WorkloadEntry",
  value: mkWorkload("caller", { address: `${BLOCK}.1`, ...over }),
});

export const service = (name: string): MeshObject => ({
  kind: "Service",
  value: mkService(name, { ports: [{ name: "http", port: PORT, targetPort: PORT, protocol: "http" }] }),
});

export const rule = (name: string, policy: TrafficPolicy, over: Partial<DestinationRule> = {}): MeshObject => ({
  kind: "DestinationRule",
  value: mkDestinationRule(name, [], { policy: { ports: [], ...policy }, ...over }),
});

export interface Backend {
  /** Answers, which are counted. */
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  readonly requests: number;
  readonly object: MeshObject;
  stop(): Promise<void>;
}

let lastAddress = 10;

/** An app of a service, without sidecar, that answers with its own name. */
export async function startBackend(app: string, name: string, over: Partial<Workload> = {}): Promise<Backend> {
  const address = `${BLOCK}.${lastAddress++}`;
  let requests = 0;
  const backend: Backend = {
    handle: (_request, response) => response.end(name),
    get requests() {
      return requests;
    },
    object: {
      kind: "WorkloadEntry",
      value: mkWorkload(name, { address, labels: { app }, ports: { http: PORT }, hasSidecar: false, ...over }),
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    requests++;
    backend.handle(request, response);
  });
  // Envoy's request would fail on a connection that the server is just closing because it was idle.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(PORT, address, resolve));
  return backend;
}

/** Calls a service of the mesh from the caller's machine. */
export function call(host: string, headers: Readonly<Record<string, string>> = {}, path = "/"): Promise<Answer> {
  return get({ host: `${BLOCK}.1`, port: OUTBOUND_PORT, headers: { host, ...headers }, path });
}

/** The value of a metric of the caller's sidecar, as Prometheus sees it; undefined where there is none such. */
export async function metric(
  proxy: { admin(path: string): Promise<string> },
  name: string,
  cluster: string,
): Promise<number | undefined> {
  const lines = (await proxy.admin("/stats/prometheus")).split("\n");
  const line = lines.find((text) => text.startsWith(`${name}{`) && text.includes(`envoy_cluster_name="${cluster}"`));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** Sends so many requests, one after the other, and counts the bodies, or the status of what failed. */
export async function answers(count: number, host: string): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { status, body } = await call(host);
    const name = status === 200 ? body : String(status);
    seen[name] = (seen[name] ?? 0) + 1;
  }
  return seen;
}

/** Until the caller's sidecar has all of it. */
export async function inForce(mesh: TranslatedMesh, ...objects: readonly MeshObject[]): Promise<void> {
  mesh.apply(...objects);
  await mesh.settled();
}
