import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { MeshObject } from "../control-plane/src/model/mesh-object.js";
import type { Sidecar } from "../control-plane/src/model/sidecar.js";
import type { VirtualService } from "../control-plane/src/model/virtual-service.js";
import { addressBlock } from "../e2e/support/ports.js";
import { buildSource } from "../sdk/test/build-source.js";
import { mkDestinationRule, mkManifest, mkPlugin, mkService, mkVirtualService, mkWorkload, ready } from "./builders.js";
import { callThrough, outboundClusters, textOf } from "./outbound-calls.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "./translated-mesh.js";

/** Adds to a header of the request, so that the app sees how often the plugin ran, and chooses the subset of another. */
const COUNT = `
import { Action, HttpContext, NoConfig, register } from "@weft/sdk";
class Count extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const before = this.request.headers.get("x-count");
    this.request.headers.set("x-count", (before === null ? "" : before) + "1");
    const subset = this.request.headers.get("x-subset");
    if (subset !== null) this.route.subset = subset;
    return Action.Continue;
  }
}
register<Count, NoConfig>("probe");
`;

const BLOCK = addressBlock();
const SERVICES = ["one", "two", "three", "four", "five", "six"];
const PORT = 8080;

let app: Server;
let mesh: TranslatedMesh;
let proxy: MeshProxy;

const host = (name: string) => `${name}.default.svc.cluster.local`;
const cluster = (name: string, subset = "") => `outbound|${PORT}|${subset}|${host(name)}`;
const sidecar = (over: Partial<Sidecar>): MeshObject => ({
  kind: "Sidecar",
  value: { namespace: "default", name: "frontend", selector: { app: "frontend" }, egress: [], ...over },
});

/** A request of the app beside the sidecar. */
const call = (authority: string, body = "", headers = {}) => callThrough(`${BLOCK}.1`, authority, body, headers);
const clusters = () => outboundClusters(proxy);

beforeAll(async () => {
  const built = await buildSource({ source: COUNT });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  app = createServer((got, response) => {
    void textOf(got).then((text) =>
      response.end(`${got.headers.host} ${got.headers["x-count"] ?? "0"} ${text.length}`),
    );
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  mesh = await createTranslatedMesh();
  const port = (app.address() as AddressInfo).port;
  mesh.apply(
    { kind: "WorkloadEntry", value: mkWorkload("frontend", { address: `${BLOCK}.1` }) },
    ...SERVICES.map((name): MeshObject => ({ kind: "Service", value: mkService(name) })),
    ...SERVICES.map((name): MeshObject => {
      const value = mkWorkload(name, { address: "127.0.0.1", ports: { http: port }, hasSidecar: false });
      return { kind: "WorkloadEntry", value: { ...value, labels: { ...value.labels, version: "v1" } } };
    }),
    {
      kind: "Service",
      value: mkService("db", { ports: [{ name: "tcp", port: 5432, targetPort: 5432, protocol: "tcp" }] }),
    },
    sidecar({}),
  );
  mesh.setModules({
    "default/count": ready("count", {
      wasm: built.wasm,
      rootId: "probe",
      manifest: mkManifest("count", { requires: ["subsetRoutes"] }),
    }),
  });
  mesh.apply({ kind: "WasmPlugin", value: mkPlugin("count", { match: [{ mode: "CLIENT", ports: [] }] }) });
  proxy = await mesh.startProxy("frontend");
  await vi.waitFor(async () => expect((await call(host("nobody"))).status).toBe(404), POLL);
});

afterAll(async () => {
  await mesh?.stop();
  app?.close();
  app?.closeAllConnections();
});

test("at first a proxy has what is in its scope, and what cannot be had on demand", async () => {
  expect(await clusters()).toEqual(["outbound|5432||db.default.svc.cluster.local"]);
  expect(mesh.scope("frontend")).toEqual({ services: 0, reachable: 7, onDemand: [] });
});

test("the first request to a service beyond the scope succeeds, and plugins run once for it", async () => {
  expect(await call(host("one"))).toEqual({ status: 200, body: `${host("one")} 1 0` });
  expect(await clusters()).toContain(cluster("one"));
  expect(mesh.scope("frontend")?.onDemand).toEqual([cluster("one")]);
});

test("many first requests at once succeed, and so do requests with a body, large or small", async () => {
  const sizes = [1, 60_000, 900_000];
  const replies = await Promise.all(
    sizes.flatMap((size) => ["two", "three"].map((name) => call(host(name), "x".repeat(size)))),
  );
  expect(replies.map(({ status, body }) => `${status} ${body.split(" ").slice(1).join(" ")}`)).toEqual(
    sizes.flatMap((size) => [`200 1 ${size}`, `200 1 ${size}`]),
  );
});

test("a subset that a rule sends to is had on demand", async () => {
  mesh.apply(
    { kind: "DestinationRule", value: mkDestinationRule("four", ["v1", "v2"]) },
    { kind: "VirtualService", value: mkVirtualService("four", { v1: 100 }) },
  );
  await vi.waitFor(async () => expect(await proxy.admin("/config_dump")).toContain(cluster("four", "v1")), POLL);
  expect((await call(host("four"))).status).toBe(200);
  expect(await clusters()).toContain(cluster("four", "v1"));
  expect(await clusters()).not.toContain(cluster("four", "v2"));
});

test("a subset that a plugin chooses is had on demand", async () => {
  mesh.apply({ kind: "DestinationRule", value: mkDestinationRule("six", ["v1", "v2"]) });
  await vi.waitFor(async () => expect(await proxy.admin("/config_dump")).toContain(cluster("six", "v1")), POLL);
  expect(await call(host("six"), "", { "x-subset": "v1" })).toEqual({ status: 200, body: `${host("six")} 1 0` });
  expect(await clusters()).toContain(cluster("six", "v1"));
  expect(await clusters()).not.toContain(cluster("six"));
});

test("what a rule mirrors to gets its copies, although nothing asks for its cluster", async () => {
  const forward = { kind: "forward", destinations: [{ host: host("one"), weight: 1 }] } as const;
  const name = "mirrored";
  mesh.apply({ kind: "Service", value: mkService(name) });
  const copies = createServer((got, response) => {
    hosts.push(got.headers.host ?? "");
    response.end();
  });
  const hosts: string[] = [];
  try {
    await new Promise<void>((resolve) => copies.listen(0, "127.0.0.1", resolve));
    const ports = { http: (copies.address() as AddressInfo).port };
    mesh.apply({ kind: "WorkloadEntry", value: mkWorkload(name, { address: "127.0.0.1", ports, hasSidecar: false }) });
    await mesh.settled();
    expect(await clusters()).not.toContain(cluster(name));
    const virtualService: VirtualService = {
      ...mkVirtualService("one", {}),
      http: [{ matches: [], mirrors: [{ host: host(name), percentage: 100 }], action: forward }],
    };
    mesh.apply({ kind: "VirtualService", value: virtualService });
    // Connections that were there before take the new routes with their next request.
    await vi.waitFor(async () => {
      expect((await call(host("one"))).status).toBe(200);
      expect(hosts).toContain(`${host("one")}-shadow`);
    }, POLL);
    expect(await clusters()).toContain(cluster(name));
    expect(mesh.scope("frontend")?.onDemand).not.toContain(cluster(name));
    mesh.remove("VirtualService", "one");
    await vi.waitFor(async () => expect(await clusters()).not.toContain(cluster(name)), POLL);
  } finally {
    mesh.remove("Service", name);
    mesh.remove("WorkloadEntry", name);
    copies.close();
    copies.closeAllConnections();
  }
});

test("what was fetched is kept, through a control plane that is replaced", async () => {
  const before = await clusters();
  await mesh.replaceControlPlane(async () => {
    expect((await call(host("one"))).status).toBe(200);
  });
  expect((await call(host("one"))).status).toBe(200);
  await mesh.settled();
  expect(await clusters()).toEqual(before);
  expect(mesh.scope("frontend")?.onDemand).toEqual(before.filter((name) => !name.includes("5432")));
});

test("it follows its endpoints, and goes and comes back with its service", async () => {
  const entry: MeshObject = {
    kind: "WorkloadEntry",
    value: mkWorkload("one", {
      address: "127.0.0.1",
      hasSidecar: false,
      ports: { http: (app.address() as AddressInfo).port },
    }),
  };
  mesh.remove("WorkloadEntry", "one");
  await vi.waitFor(async () => expect((await call(host("one"))).status).toBe(503), POLL);
  mesh.apply(entry);
  await vi.waitFor(async () => expect((await call(host("one"))).status).toBe(200), POLL);
  mesh.remove("Service", "one");
  await vi.waitFor(async () => expect(await clusters()).not.toContain(cluster("one")), POLL);
  mesh.apply({ kind: "Service", value: mkService("one") });
  await vi.waitFor(async () => expect(await clusters()).toContain(cluster("one")), POLL);
  // Routes come after clusters.
  await mesh.settled();
  expect((await call(host("one"))).status).toBe(200);
});

test("a Sidecar that grows sends what it names at once; one that shrinks leaves it on demand", async () => {
  mesh.apply(sidecar({ egress: [{ host: { kind: "exact", value: host("five") } }] }));
  await vi.waitFor(async () => expect(await clusters()).toContain(cluster("five")), POLL);
  mesh.apply(sidecar({}));
  await vi.waitFor(async () => expect(await clusters()).not.toContain(cluster("five")), POLL);
  expect((await call(host("five"))).status).toBe(200);
});

test("where only the registry may be called, nothing is had beyond what the Sidecar names", async () => {
  mesh.apply(sidecar({ outbound: "REGISTRY_ONLY", egress: [{ host: { kind: "exact", value: host("five") } }] }));
  await vi.waitFor(async () => expect(await clusters()).toEqual([cluster("five")]), POLL);
  await vi.waitFor(async () => expect((await call(host("six"))).status).toBe(404), POLL);
  expect((await call(host("five"))).status).toBe(200);
  expect(mesh.scope("frontend")).toMatchObject({ services: 1, reachable: 1, onDemand: [] });
});
