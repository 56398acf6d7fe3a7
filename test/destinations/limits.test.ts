import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { answers, type Backend, call, caller, inForce, metric, rule, service, startBackend } from "./backends.js";

const CLUSTER = "outbound|8080||backend_default_svc_cluster_local";

let mesh: TranslatedMesh;
let proxy: MeshProxy;
let backends: Backend[];

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  backends = await Promise.all(["one", "two", "three"].map((name) => startBackend("backend", name)));
  mesh.apply(caller(), service("backend"), ...backends.map(({ object }) => object));
  proxy = await mesh.startProxy("caller");
  await mesh.settled();
});

afterEach(async () => {
  mesh.remove("DestinationRule", "backend");
  await mesh.settled();
});

afterAll(async () => {
  expect(mesh?.events.filter((event) => event.startsWith("nack"))).toEqual([]);
  await mesh?.stop();
  for (const backend of backends ?? []) await backend.stop();
});

const ok = (index: number, name: string) => {
  backends[index]!.handle = (_request, response) => response.end(name);
};
const broken = (index: number) => {
  backends[index]!.handle = (_request, response) => response.writeHead(500).end();
};

test("round robin is exact", async () => {
  await inForce(mesh, rule("backend", { loadBalancer: { algorithm: { kind: "ROUND_ROBIN" } } }));
  expect(await answers(30, "backend")).toEqual({ one: 10, two: 10, three: 10 });
});

test("endpoints that warm up are called", async () => {
  const warmup = { durationMs: 60_000, minimumPercent: 10, aggression: 2 };
  await inForce(mesh, rule("backend", { loadBalancer: { algorithm: { kind: "ROUND_ROBIN" }, warmup } }));
  expect(Object.keys(await answers(30, "backend")).sort()).toEqual(["one", "three", "two"]);
});

test("what does not fit into the connection pool is refused at once, and counted", async () => {
  const single = await startBackend("single", "four");
  const held: (() => void)[] = [];
  single.handle = (_request, response) => held.push(() => response.end("held"));
  const connectionPool = { maxConnections: 1, maxPendingRequests: 1 };
  await inForce(mesh, service("single"), single.object, rule("single", { connectionPool }));
  const cluster = CLUSTER.replace("backend", "single");
  const value = (name: string) => metric(proxy, `envoy_cluster_${name}`, cluster);

  const first = call("single");
  await vi.waitFor(() => expect(held).toHaveLength(1), POLL);
  const second = call("single");
  await vi.waitFor(async () => expect(await value("upstream_rq_pending_active")).toBe(1), POLL);
  expect(await value("circuit_breakers_default_cx_open")).toBe(1);
  expect(await value("circuit_breakers_default_rq_pending_open")).toBe(1);
  expect(await value("circuit_breakers_default_remaining_pending")).toBe(0);
  expect(await answers(4, "single")).toEqual({ 503: 4 });
  expect(await value("upstream_rq_pending_overflow")).toBe(4);

  single.handle = (_request, response) => response.end("held");
  for (const end of held) end();
  expect([(await first).body, (await second).body]).toEqual(["held", "held"]);
  await vi.waitFor(async () => expect(await value("circuit_breakers_default_remaining_pending")).toBe(1), POLL);
  expect(await answers(2, "single")).toEqual({ held: 2 });
  mesh.remove("DestinationRule", "single");
  await single.stop();
});

test("an endpoint that fails is ejected, and comes back", async () => {
  broken(0);
  const outlierDetection = {
    consecutive5xxErrors: 2,
    intervalMs: 100,
    baseEjectionTimeMs: 500,
    maxEjectionPercent: 50,
  };
  await inForce(
    mesh,
    rule("backend", {
      loadBalancer: { algorithm: { kind: "ROUND_ROBIN" } },
      outlierDetection: { ...outlierDetection },
    }),
  );
  await vi.waitFor(async () => {
    expect(await answers(4, "backend")).toEqual({ two: 2, three: 2 });
    expect(await metric(proxy, "envoy_cluster_outlier_detection_ejections_active", CLUSTER)).toBe(1);
  }, POLL);
  ok(0, "one");
  await vi.waitFor(async () => {
    expect(await answers(6, "backend")).toEqual({ one: 2, two: 2, three: 2 });
  }, POLL);
  expect(await metric(proxy, "envoy_cluster_outlier_detection_ejections_active", CLUSTER)).toBe(0);
  expect(
    await metric(proxy, "envoy_cluster_outlier_detection_ejections_enforced_consecutive_5xx", CLUSTER),
  ).toBeGreaterThanOrEqual(1);
});

test("without maxEjectionPercent nothing is ejected from so few endpoints, and that is counted", async () => {
  broken(0);
  await inForce(mesh, rule("backend", { outlierDetection: { consecutive5xxErrors: 1, intervalMs: 100 } }));
  await vi.waitFor(async () => {
    await answers(10, "backend");
    expect(await metric(proxy, "envoy_cluster_outlier_detection_ejections_overflow", CLUSTER)).toBeGreaterThan(0);
  }, POLL);
  expect(await metric(proxy, "envoy_cluster_outlier_detection_ejections_active", CLUSTER)).toBe(0);
  ok(0, "one");
});
