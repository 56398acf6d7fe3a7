import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  Cluster_DiscoveryType,
  ClusterSchema,
} from "@weft/control-plane/envoy-api/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "@weft/control-plane/envoy-api/gen/envoy/config/listener/v3/listener_pb";
import { HttpConnectionManagerSchema } from "@weft/control-plane/envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { createXdsServer } from "@weft/control-plane/xds/server";
import { afterEach, expect, test, vi } from "vitest";
import {
  authenticateTest,
  createRecordingLogger,
  createTestAuthority,
  createTestWorld,
} from "../../test/xds-fixture.js";
import { type ClientResponse, createDeltaClient } from "./delta-client.js";
import { namesInCluster, namesInListener } from "./names-in-resources.js";

const PROXY = "default/client-0";
const POLL = { timeout: 60_000, interval: 10 };

const cluster = toBinary(
  ClusterSchema,
  create(ClusterSchema, {
    name: "web",
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { serviceName: "web-endpoints" },
  }),
);
const fixed = toBinary(
  ClusterSchema,
  create(ClusterSchema, { name: "app", clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC } }),
);
const manager = create(HttpConnectionManagerSchema, {
  routeSpecifier: { case: "rds", value: { routeConfigName: "routes" } },
  httpFilters: [
    { name: "slot", configType: { case: "configDiscovery", value: {} } },
    { name: "router", configType: { case: "typedConfig", value: anyPack(ClusterSchema, create(ClusterSchema)) } },
  ],
});
const listener = toBinary(
  ListenerSchema,
  create(ListenerSchema, {
    name: "in",
    filterChains: [
      {
        filters: [
          { name: "http", configType: { case: "typedConfig", value: anyPack(HttpConnectionManagerSchema, manager) } },
        ],
      },
    ],
    defaultFilterChain: { filters: [{ name: "network-slot", configType: { case: "configDiscovery", value: {} } }] },
  }),
);

test("a cluster names its endpoints, if it takes them from the control plane", () => {
  expect(namesInCluster(cluster)).toEqual({ endpoints: ["web-endpoints"] });
  expect(namesInCluster(fixed)).toEqual({});
});

test("a listener names its routes and slots", () => {
  expect(namesInListener(listener)).toEqual({ routes: ["routes"], extension: ["network-slot", "slot"] });
});

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

const content = (version: string, bytes: Uint8Array = new Uint8Array(2000)) => ({ version, bytes });

async function start(uri = `weft://test/${PROXY}`) {
  const authority = await createTestAuthority();
  const world = createTestWorld([PROXY]);
  const acks: string[] = [];
  const server = createXdsServer({
    tls: { rootCert: authority.rootCert, keyCertPairs: [await authority.issue({ dns: "localhost" })] },
    authenticate: authenticateTest,
    provider: world.provider,
    observer: { onAck: (_, type, versions) => acks.push(...[...versions].map((each) => `${type} ${each.join("@")}`)) },
    logger: createRecordingLogger(),
  });
  const { port } = await server.start();
  cleanUp.push(() => server.close(0));
  world.update({
    "cluster/web": content("1", cluster),
    "endpoints/web-endpoints": content("1"),
    "listener/in": content("1", listener),
    "routes/routes": content("1"),
    "extension/slot": content("1"),
    "extension/network-slot": content("1"),
    "secret/default": content("1"),
    "secret/ROOTCA": content("1"),
  });
  const responses: ClientResponse[] = [];
  const ends: string[] = [];
  const pair = await authority.issue({ uris: ["spiffe://test/ns/default/sa/fleet-0", uri] });
  const client = createDeltaClient({
    host: "localhost",
    port,
    nodeId: "client-0",
    identity: { root: authority.rootCert, ...pair },
    onResponse: (response) => responses.push(response),
    onEnd: (reason) => ends.push(reason),
  });
  // After the server: one whose client goes while it closes waits for it without end.
  cleanUp.unshift(() => client.close());
  return { world, acks, server, client, responses, ends };
}

test("it asks for what Envoy asks for, acknowledges it, and sees slots change", async () => {
  const { world, acks, client, responses, ends } = await start();
  await vi.waitUntil(() => client.isComplete, POLL);
  const all = ["cluster web@1", "endpoints web-endpoints@1", "listener in@1", "routes routes@1", "extension slot@1"];
  await vi.waitUntil(
    () => [...all, "extension network-slot@1", "secret default@1"].every((a) => acks.includes(a)),
    POLL,
  );
  const before = client.receivedBytes;

  responses.length = 0;
  world.update({ "extension/slot": content("2") });
  await vi.waitUntil(() => acks.includes("extension slot@2"), POLL);
  expect(responses.map(({ type, changedSlots }) => ({ type, changedSlots }))).toEqual([
    { type: "extension", changedSlots: [{ name: "slot", version: "2" }] },
  ]);
  expect(responses[0]?.bytes).toBeGreaterThan(2000);
  expect(client.receivedBytes - before).toBeGreaterThan(responses[0]?.bytes ?? 0);

  world.update({ "endpoints/web-endpoints": content("2") });
  await vi.waitUntil(() => acks.includes("endpoints web-endpoints@2"), POLL);
  expect(responses.slice(1).map(({ type, changedSlots }) => ({ type, changedSlots }))).toEqual([
    { type: "endpoints", changedSlots: [] },
  ]);
  expect(ends).toEqual([]);
});

test("it says why a stream ended", async () => {
  const { ends } = await start("weft://test/default/nobody");
  await vi.waitUntil(() => ends.length > 0, POLL);
  expect(ends.length).toBe(1);
  expect(ends[0]).toMatch(/^grpc-status \d+: /);
});

test("a server that goes ends it once", async () => {
  const { client, server, ends } = await start();
  await vi.waitUntil(() => client.isComplete, POLL);
  await server.close(0);
  await vi.waitUntil(() => ends.length > 0, POLL);
  expect(ends.length).toBe(1);
});
