import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { MeshObject } from "../control-plane/src/model/mesh-object.js";
import { addressBlock } from "../e2e/support/ports.js";
import { buildSource } from "../sdk/test/build-source.js";
import { MARK } from "./attachments/plugins.js";
import {
  mkDestinationRule,
  mkMeshConfig,
  mkPlugin,
  mkService,
  mkVirtualService,
  mkWorkload,
  ready,
} from "./builders.js";
import { callThrough, outboundClusters } from "./outbound-calls.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "./translated-mesh.js";

/** An Envoy whose bootstrap asks for the state of the world, in a mesh that is too large for its scope. */

const ADDRESS = `${addressBlock()}.1`;
const PORT = 8080;

let app: Server;
let mesh: TranslatedMesh;
let proxy: MeshProxy;
let wasm: Uint8Array;

const host = (name: string) => `${name}.default.svc.cluster.local`;
const cluster = (name: string, subset = "") => `outbound|${PORT}|${subset}|${host(name)}`;
const call = (name: string) => callThrough(ADDRESS, host(name));
const workload = (name: string): MeshObject => ({
  kind: "WorkloadEntry",
  value: mkWorkload(name, {
    address: "127.0.0.1",
    labels: { app: name, version: "v1" },
    ports: { http: (app.address() as AddressInfo).port },
    hasSidecar: false,
  }),
});
const module = (mark: string) =>
  ready("mark", { wasm, rootId: "probe", config: JSON.stringify({ name: mark }), version: mark });

beforeAll(async () => {
  const built = await buildSource({ source: MARK });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
  app = createServer((request, response) => response.end(`app ${request.headers["x-marks"] ?? ""}`));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  mesh = await createTranslatedMesh();
  mesh.setModules({ "default/mark": module("one") });
  mesh.apply(
    { kind: "WorkloadEntry", value: mkWorkload("frontend", { address: ADDRESS }) },
    ...["a", "b"].flatMap((name): MeshObject[] => [{ kind: "Service", value: mkService(name) }, workload(name)]),
    { kind: "MeshConfig", value: mkMeshConfig({ scope: { maxServices: 0 } }) },
    { kind: "WasmPlugin", value: mkPlugin("mark", { match: [{ mode: "CLIENT", ports: [] }] }) },
  );
  proxy = await mesh.startProxy("frontend", "GRPC");
});

afterAll(async () => {
  await mesh?.stop();
  app?.close();
  app?.closeAllConnections();
});

test("has all that it may reach, because it cannot ask for more", async () => {
  await vi.waitFor(async () => expect((await call("a")).status).toBe(200), POLL);
  expect(await outboundClusters(proxy)).toEqual([cluster("a"), cluster("b")]);
  expect(mesh.scope("frontend")).toEqual({ services: 2, reachable: 2, onDemand: [] });
  await mesh.settled();
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});

test("follows services, endpoints, routes and plugins as they come, change and go", async () => {
  mesh.apply({ kind: "Service", value: mkService("c") }, workload("c"));
  await vi.waitFor(async () => expect((await call("c")).status).toBe(200), POLL);
  mesh.remove("WorkloadEntry", "c");
  await vi.waitFor(async () => expect((await call("c")).status).toBe(503), POLL);
  mesh.apply(workload("c"));
  await vi.waitFor(async () => expect((await call("c")).status).toBe(200), POLL);
  mesh.apply({ kind: "DestinationRule", value: mkDestinationRule("c", ["v1", "v2"]) });
  mesh.apply({ kind: "VirtualService", value: mkVirtualService("c", { v2: 100 }) });
  await vi.waitFor(async () => expect((await call("c")).status).toBe(503), POLL);
  mesh.apply({ kind: "VirtualService", value: mkVirtualService("c", { v1: 100 }) });
  await vi.waitFor(async () => expect((await call("c")).status).toBe(200), POLL);
  mesh.setModules({ "default/mark": module("two") });
  await vi.waitFor(async () => expect((await call("a")).body).toContain("two"), POLL);
  mesh.remove("VirtualService", "c");
  mesh.remove("Service", "c");
  await vi.waitFor(async () => expect((await call("c")).status).toBe(404), POLL);
  await vi.waitFor(async () => expect(await outboundClusters(proxy)).toEqual([cluster("a"), cluster("b")]), POLL);
  await mesh.settled();
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});

test("comes back to another control plane without losing a request, and gets only what changed meanwhile", async () => {
  let failed = 0;
  let done = false;
  const load = (async () => {
    while (!done) if ((await call("a").catch(() => ({ status: 0 }))).status !== 200) failed += 1;
  })();
  const from = mesh.events.length;
  await mesh.replaceControlPlane(async () => {
    mesh.apply({ kind: "Service", value: mkService("d") }, workload("d"));
  });
  await vi.waitFor(async () => expect((await call("d")).status).toBe(200), POLL);
  await mesh.settled();
  done = true;
  await load;
  expect(failed).toBe(0);
  expect(mesh.events.slice(from).filter((event) => event.startsWith("nack"))).toEqual([]);
});
