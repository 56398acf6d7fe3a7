import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Protocol } from "../control-plane/src/model/service.js";
import type { ProxyTypeStatus } from "../control-plane/src/proxy-status.js";
import { mkMeshConfig, mkService, mkWorkload } from "./builders.js";
import { createTranslatedMesh, POLL, type TranslatedMesh } from "./translated-mesh.js";
import type { XdsClient } from "./xds-client.js";

/** What operators are told of a proxy that is slow, refuses, and asks for more than its scope. */

let mesh: TranslatedMesh;
let client: XdsClient;

const status = () => mesh.statuses()[0];
const cluster = (): ProxyTypeStatus | undefined => status()?.types.find(({ type }) => type === "cluster");
const backend = (protocol: Protocol) =>
  mkService("backend", { ports: [{ name: "http", port: 8080, targetPort: 8080, protocol }] });
/** Waits until the control plane has taken the client's word. */
const becomes = (state: ProxyTypeStatus["state"]) => vi.waitFor(() => expect(cluster()?.state).toBe(state), POLL);

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  mesh.apply(
    { kind: "MeshConfig", value: mkMeshConfig({ scope: { maxServices: 1 } }) },
    { kind: "Service", value: backend("http") },
    { kind: "Service", value: mkService("far", { namespace: "other" }) },
    { kind: "WorkloadEntry", value: mkWorkload("frontend") },
  );
  client = await mesh.connect("frontend", { acknowledge: false, nodeId: "sidecar~1" });
});

afterAll(() => mesh?.stop());

test("a proxy is waited for until it answers", async () => {
  client.request("cluster");
  const response = await client.next("cluster");
  expect(status()).toMatchObject({
    proxy: "default/frontend",
    nodeId: "sidecar~1",
    protocol: "incremental",
    inSync: false,
  });
  const { lastSent, staleSince, ...rest } = cluster() ?? {};
  expect(rest).toEqual({ type: "cluster", resources: 1, state: "waiting" });
  expect(lastSent).toBe(staleSince);
  expect(Date.parse(lastSent ?? "")).toBeLessThanOrEqual(Date.now());
  client.ack(response);
  await becomes("synced");
  expect(cluster()).toEqual({
    type: "cluster",
    resources: 1,
    state: "synced",
    lastSent,
    lastAcked: expect.any(String),
  });
  expect(status()?.inSync).toBe(true);
});

test("a proxy that refuses is behind since what it refused was sent, and the reason is told", async () => {
  mesh.apply({ kind: "Service", value: backend("http2") });
  const response = await client.next("cluster");
  const since = cluster()?.staleSince;
  expect(since).toEqual(expect.any(String));
  client.nack(response, "no such thing");
  await becomes("refused");
  expect(cluster()).toMatchObject({
    staleSince: since,
    lastNack: {
      at: expect.any(String),
      message: "no such thing",
      names: ["outbound|8080||backend.default.svc.cluster.local"],
    },
  });
  expect(status()?.inSync).toBe(false);
});

test("what it accepts next makes it in sync again, and the refusal stays to be read", async () => {
  mesh.apply({ kind: "Service", value: backend("auto") });
  client.ack(await client.next("cluster"));
  await vi.waitFor(
    () => expect(cluster()).toMatchObject({ state: "synced", lastNack: { message: "no such thing" } }),
    POLL,
  );
  expect(cluster()?.staleSince).toBeUndefined();
});

test("what it has on demand is told beside its scope", async () => {
  expect(status()?.scope).toEqual({ services: 1, reachable: 2, onDemand: [] });
  const name = "outbound|8080||far.other.svc.cluster.local";
  client.request("cluster", { subscribe: [name] });
  client.ack(await client.next("cluster"));
  expect(status()?.scope).toEqual({ services: 1, reachable: 2, onDemand: [name] });
});
