import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  Cluster_DiscoveryType,
  ClusterSchema,
} from "../control-plane/src/envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { ApiVersion } from "../control-plane/src/envoy-api/gen/envoy/config/core/v3/config_source_pb.js";
import { TypedExtensionConfigSchema } from "../control-plane/src/envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../control-plane/src/envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../control-plane/src/envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import { RBAC_Action } from "../control-plane/src/envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { RouteConfigurationSchema } from "../control-plane/src/envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { FilterChainConfigSchema } from "../control-plane/src/envoy-api/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.js";
import { RBACSchema } from "../control-plane/src/envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { RouterSchema } from "../control-plane/src/envoy-api/gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { WasmSchema } from "../control-plane/src/envoy-api/gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { HttpConnectionManagerSchema } from "../control-plane/src/envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { createXdsServer, type XdsServer } from "../control-plane/src/xds/server.js";
import { envoyPath } from "./envoy-static.js";
import { adsBootstrap } from "./xds-bootstrap.js";
import {
  authenticateTest,
  createRecordingLogger,
  createTestAuthority,
  createTestWorld,
  type IssuedCertificate,
  type TestAuthority,
} from "./xds-fixture.js";

const PROXY = "default/frontend";
const POLL = { timeout: 100_000, interval: 25 };
/** Longer than the test may take: whoever waits for what is never sent fails. */
const NEVER = { seconds: 600n };
const ADS = { configSourceSpecifier: { case: "ads" as const, value: {} }, resourceApiVersion: ApiVersion.V3 };

const world = createTestWorld([PROXY]);
const events: string[] = [];
const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
const backends: Server[] = [];
let authority: TestAuthority;
let serverPair: IssuedCertificate;
let server: XdsServer;
let xdsPort = 0;
let envoy: ChildProcess;
let envoyLog = "";
let dir = "";
let adminPort = 0;

let version = 0;
function encode<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) {
  version += 1;
  return { version: `v${version}`, bytes: toBinary(schema, create(schema, init)) };
}

function pack<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, init));
}

const portOf = (backend: Server): number => (backend.address() as AddressInfo).port;

const cluster = (name: string, connectSeconds: bigint) =>
  encode(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    connectTimeout: { seconds: connectSeconds },
    edsClusterConfig: { edsConfig: { ...ADS, initialFetchTimeout: NEVER } },
  });

const endpoints = (name: string, port: number) =>
  encode(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: [
          {
            hostIdentifier: {
              case: "endpoint",
              value: {
                address: {
                  address: {
                    case: "socketAddress",
                    value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } },
                  },
                },
              },
            },
          },
        ],
      },
    ],
  });

const routes = (target: string) =>
  encode(RouteConfigurationSchema, {
    name: "r",
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          {
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: {
              case: "route",
              value: { clusterSpecifier: { case: "cluster", value: target } },
            },
          },
        ],
      },
    ],
  });

const listener = (statPrefix: string) =>
  encode(ListenerSchema, {
    name: "l",
    address: {
      address: {
        case: "socketAddress",
        value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: 0 } },
      },
    },
    filterChains: [
      {
        filters: [
          {
            name: "http",
            configType: {
              case: "typedConfig",
              value: pack(HttpConnectionManagerSchema, {
                statPrefix,
                routeSpecifier: { case: "rds", value: { routeConfigName: "r", configSource: ADS } },
                httpFilters: [
                  {
                    name: "slot",
                    configType: {
                      case: "configDiscovery",
                      value: {
                        configSource: { ...ADS, initialFetchTimeout: NEVER },
                        typeUrls: [`type.googleapis.com/${FilterChainConfigSchema.typeName}`],
                      },
                    },
                  },
                  { name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } },
                ],
              }),
            },
          },
        ],
      },
    ],
  });

const slot = (filters: { name: string; config: Any }[]) =>
  encode(TypedExtensionConfigSchema, {
    name: "slot",
    typedConfig: pack(FilterChainConfigSchema, {
      ...(filters.length === 0
        ? {}
        : { defaultFilterChain: { filters: filters.map(({ name, config }) => ({ name, typedConfig: config })) } }),
    }),
  });

const denyPath = (path: string) => ({
  name: "deny",
  config: pack(RBACSchema, {
    rules: {
      action: RBAC_Action.DENY,
      policies: {
        path: {
          permissions: [
            {
              rule: {
                case: "urlPath",
                value: {
                  rule: { case: "path", value: { matchPattern: { case: "exact", value: path } } },
                },
              },
            },
          ],
          principals: [{ identifier: { case: "any", value: true } }],
        },
      },
    },
  }),
});

const garbage = {
  name: "garbage",
  config: pack(WasmSchema, {
    config: {
      name: "garbage",
      vm: {
        case: "vmConfig",
        value: {
          runtime: "envoy.wasm.runtime.v8",
          code: {
            specifier: {
              case: "local",
              value: { specifier: { case: "inlineBytes", value: Buffer.from("this is no module") } },
            },
          },
        },
      },
    },
  }),
};

function fetchText(port: number, path: string, agent?: Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path, ...(agent === undefined ? {} : { agent }) }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}

const admin = async (path: string): Promise<string> => (await fetchText(adminPort, path)).body;

async function stat(name: string): Promise<number> {
  const line = (await admin(`/stats?filter=^${name}$`)).trim();
  return Number(line.slice(line.lastIndexOf(":") + 1));
}

async function listenerPort(): Promise<number> {
  const { listener_statuses = [] } = JSON.parse(await admin("/listeners?format=json")) as {
    listener_statuses?: { local_address: { socket_address: { port_value: number } } }[];
  };
  const port = listener_statuses[0]?.local_address.socket_address.port_value;
  if (port === undefined) throw new Error("Envoy has no listener yet");
  return port;
}

/** What the application behind Envoy answers. */
async function through(path: string): Promise<string> {
  const { status, body } = await fetchText(await listenerPort(), path, keepAlive);
  return status === 200 ? body : String(status);
}

async function startServer(): Promise<void> {
  server = createXdsServer({
    port: xdsPort,
    tls: { rootCert: authority.rootCert, keyCertPairs: [serverPair] },
    authenticate: authenticateTest,
    provider: world.provider,
    observer: {
      onConnect: () => events.push("connect"),
      onDisconnect: () => events.push("disconnect"),
      onAck: (_, type, versions) => events.push(`ack ${type} ${[...versions.keys()].join()}`),
      onNack: (_, type, versions, message) => events.push(`nack ${type} ${[...versions.keys()].join()} ${message}`),
    },
    logger: createRecordingLogger(),
  });
  xdsPort = (await server.start()).port;
}

async function startEnvoy(): Promise<void> {
  const pair = await authority.issue({ uris: ["spiffe://test/ns/default/sa/frontend", `weft://test/${PROXY}`] });
  dir = await mkdtemp(join(tmpdir(), "weft-xds-"));
  const config = join(dir, "bootstrap.json");
  const adminFile = join(dir, "admin");
  await writeFile(config, JSON.stringify(adsBootstrap({ xdsPort, rootCert: authority.rootCert, pair })), {
    mode: 0o600,
  });
  const args = ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", adminFile];
  envoy = spawn(envoyPath(), args, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [envoy.stdout, envoy.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      envoyLog = (envoyLog + chunk.toString()).slice(-100_000);
    });
  }
  await vi.waitFor(async () => {
    if (envoy.exitCode !== null) throw new Error(`Envoy ended:\n${envoyLog}`);
    adminPort = Number((await readFile(adminFile, "utf8")).split(":").at(-1));
  }, POLL);
}

beforeAll(async () => {
  authority = await createTestAuthority();
  serverPair = await authority.issue({ dns: "localhost" });
  for (const name of ["one", "two"]) {
    const backend = createServer((_, response) => response.end(name));
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    backends.push(backend);
  }
  world.update({
    "cluster/a": cluster("a", 1n),
    "endpoints/a": endpoints("a", portOf(backends[0]!)),
    "listener/l": listener("first"),
    "routes/r": routes("a"),
    "extension/slot": slot([]),
  });
  await startServer();
  await startEnvoy();
});

afterAll(async () => {
  keepAlive.destroy();
  if (envoy?.exitCode === null) {
    const ended = new Promise((resolve) => envoy.once("exit", resolve));
    envoy.kill("SIGKILL");
    await ended;
  }
  await server?.close(0);
  for (const backend of backends) backend.close();
  if (dir !== "") await rm(dir, { recursive: true, force: true });
});

test("Envoy gets clusters, endpoints, listeners, routes and the empty slot, and serves", async () => {
  await vi.waitFor(async () => expect(await through("/")).toBe("one"), POLL);
  await vi.waitFor(() => {
    const types = server.proxies()[0]?.types.filter((each) => !each.inFlight && each.ackedNonce !== "") ?? [];
    expect(types.map((each) => each.type)).toEqual(["cluster", "endpoints", "listener", "routes", "extension"]);
  }, POLL);
  expect(server.proxies()[0]?.nodeId).toContain("frontend.default");
});

test("a change of endpoints takes effect", async () => {
  world.update({ "endpoints/a": endpoints("a", portOf(backends[1]!)) });
  await vi.waitFor(async () => expect(await through("/")).toBe("two"), POLL);
});

/** Waits until the proxy owes no answer, so that none is taken for one to the next change. */
const quiet = () =>
  vi.waitFor(() => {
    const types = server.proxies().flatMap((proxy) => proxy.types);
    expect(types.filter(({ inFlight, pending }) => inFlight || pending > 0)).toEqual([]);
  }, POLL);

test("a changed cluster is warm as soon as its endpoints have come again", async () => {
  await quiet();
  events.length = 0;
  world.update({ "cluster/a": cluster("a", 2n) });
  // The answer to the endpoints of the test before may still come, too.
  await vi.waitFor(() => expect(new Set(events)).toEqual(new Set(["ack cluster a", "ack endpoints a"])), POLL);
  await vi.waitFor(async () => {
    expect(await stat("cluster_manager.warming_clusters")).toBe(0);
    const dump = await admin("/config_dump?resource=dynamic_active_clusters");
    expect(dump).toContain('"connect_timeout": "2s"');
  }, POLL);
  expect(await through("/")).toBe("two");
});

/** Sends requests until it is told to stop; the answers are counted. */
async function startLoad() {
  const answers = new Map<string, number>();
  const port = await listenerPort();
  let stopped = false;
  const load = (async () => {
    while (!stopped) {
      const { status, body } = await fetchText(port, "/", keepAlive);
      const answer = `${status} ${body}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  })();
  const stop = async (): Promise<string[]> => {
    stopped = true;
    await load;
    return [...answers.keys()].sort();
  };
  return { answers, stop };
}

test("a new cluster, its routes and the end of the old one come in an order that fails no request", async () => {
  await quiet();
  events.length = 0;
  const { answers, stop } = await startLoad();
  await vi.waitFor(() => expect(answers.get("200 two")).toBeGreaterThan(20), POLL);
  world.update({
    "cluster/a": undefined,
    "endpoints/a": undefined,
    "cluster/b": cluster("b", 1n),
    "endpoints/b": endpoints("b", portOf(backends[0]!)),
    "routes/r": routes("b"),
  });
  await vi.waitFor(() => expect(answers.get("200 one")).toBeGreaterThan(20), POLL);
  await vi.waitFor(async () => expect(await admin("/clusters")).not.toContain("a::"), POLL);
  expect(await stop()).toEqual(["200 one", "200 two"]);
  expect(events.indexOf("ack cluster b")).toBeLessThan(events.indexOf("ack routes r"));
  expect(events.indexOf("ack routes r")).toBeLessThan(events.lastIndexOf("ack cluster "));
});

test("a refused slot is healed: the good one serves on, and listeners that use it can change", async () => {
  world.update({ "extension/slot": slot([denyPath("/deny")]) });
  await vi.waitFor(async () => expect(await through("/deny")).toBe("403"), POLL);
  expect(await through("/")).toBe("one");

  await quiet();
  events.length = 0;
  world.update({ "extension/slot": slot([denyPath("/deny"), garbage]) });
  await vi.waitFor(() => {
    expect(events).toEqual([expect.stringMatching(/^nack extension slot .*garbage/), "ack extension slot"]);
  }, POLL);
  expect(await through("/deny")).toBe("403");
  expect(await through("/")).toBe("one");

  world.update({ "listener/l": listener("second") });
  await vi.waitFor(() => expect(events).toContain("ack listener l"), POLL);
  expect(events.filter((event) => event.startsWith("nack"))).toHaveLength(1);
  await vi.waitFor(async () => expect(await through("/deny")).toBe("403"), POLL);

  world.update({ "extension/slot": slot([]) });
  await vi.waitFor(async () => expect(await through("/deny")).toBe("one"), POLL);
});

test("after a restart of the server nothing is sent again", async () => {
  await quiet();
  await server.close(0);
  events.length = 0;
  await startServer();
  await vi.waitFor(() => {
    const expected = ["cluster b", "endpoints b", "listener l", "routes r", "extension slot"];
    expect([...events].sort()).toEqual(["connect", ...expected.map((each) => `ack ${each}`)].sort());
  }, POLL);
  expect(await through("/")).toBe("one");
  expect(server.proxies()[0]).toMatchObject({ responsesSent: 0, bytesSent: 0 });
});

test("what changed while the server was away comes alone, a cluster with its endpoints", async () => {
  await quiet();
  await server.close(0);
  world.update({ "cluster/b": cluster("b", 3n) });
  events.length = 0;
  await startServer();
  await vi.waitFor(async () => {
    const dump = await admin("/config_dump?resource=dynamic_active_clusters");
    expect(dump).toContain('"connect_timeout": "3s"');
  }, POLL);
  expect(await stat("cluster_manager.warming_clusters")).toBe(0);
  expect(server.proxies()[0]?.responsesSent).toBe(2);
  expect(await through("/")).toBe("one");
});

test("a cluster that was replaced while the server was away is replaced without a failed request", async () => {
  await quiet();
  await server.close(0);
  const { answers, stop } = await startLoad();
  world.update({
    "cluster/b": undefined,
    "endpoints/b": undefined,
    "cluster/c": cluster("c", 1n),
    "endpoints/c": endpoints("c", portOf(backends[1]!)),
    "routes/r": routes("c"),
  });
  await startServer();
  await vi.waitFor(() => expect(answers.get("200 two")).toBeGreaterThan(20), POLL);
  await vi.waitFor(async () => expect(await admin("/clusters")).not.toContain("b::"), POLL);
  expect(await stop()).toEqual(["200 one", "200 two"]);
});
