import { once } from "node:events";
import { connect as http2Connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createXdsServer, type XdsServer, type XdsServerOptions } from "../control-plane/src/xds/server.js";
import { createXdsClient, type XdsClient, type XdsClientOptions } from "./xds-client.js";
import {
  authenticateTest,
  createRecordingLogger,
  createTestAuthority,
  createTestWorld,
  type IssuedCertificate,
  type TestAuthority,
} from "./xds-fixture.js";

const PROXY = "default/frontend";
const IDENTITY = { uris: ["spiffe://test/ns/default/sa/frontend", `weft://test/${PROXY}`] };
const POLL = { timeout: 60_000, interval: 20 };

let authority: TestAuthority;
let serverPair: IssuedCertificate;
let clientPair: IssuedCertificate;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  authority = await createTestAuthority();
  serverPair = await authority.issue({ dns: "localhost" });
  clientPair = await authority.issue(IDENTITY);
});

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

const content = (version: string, sizeBytes = 8) => ({ version, bytes: new Uint8Array(sizeBytes).fill(1) });

async function start(options: Partial<XdsServerOptions> = {}) {
  const world = createTestWorld([PROXY]);
  const logger = createRecordingLogger();
  const events: string[] = [];
  const describeVersions = (versions: ReadonlyMap<string, string>) => [...versions].map((each) => each.join("@"));
  const server: XdsServer = createXdsServer({
    tls: { rootCert: authority.rootCert, keyCertPairs: [serverPair] },
    authenticate: authenticateTest,
    provider: world.provider,
    observer: {
      onConnect: (key) => events.push(`connect ${key}`),
      onDisconnect: (key) => events.push(`disconnect ${key}`),
      onAck: (key, type, versions) => events.push(`ack ${key} ${type} ${describeVersions(versions)}`),
      onNack: (key, type, versions, message) =>
        events.push(`nack ${key} ${type} ${describeVersions(versions)} ${message}`),
    },
    logger,
    ...options,
  });
  const { port } = await server.start();
  cleanUp.push(() => server.close(0));
  return { world, logger, events, server, port };
}

function connect(port: number, options: Partial<XdsClientOptions> = {}): XdsClient {
  const client = createXdsClient({ port, tls: { rootCert: authority.rootCert, ...clientPair }, ...options });
  cleanUp.push(() => client.close());
  return client;
}

describe("an authenticated proxy", () => {
  test("gets its resources and changes, and its answers reach the observer", async () => {
    const { world, events, port } = await start();
    world.update({ "cluster/a": content("1"), "extension/s": content("1") });
    const client = connect(port, { acknowledge: false });
    client.request("cluster");
    const clusters = await client.next("cluster");
    expect([...clusters.versions]).toEqual([["a", "1"]]);
    expect(clusters.bytes.get("a")).toEqual(content("1").bytes);
    client.ack(clusters);
    client.request("extension", { subscribe: ["s"] });
    client.ack(await client.next("extension"));
    world.update({ "cluster/a": content("2"), "extension/s": content("2") });
    client.ack(await client.next("cluster"));
    client.nack(await client.next("extension"), "Unable to create Wasm plugin");
    const healed = await client.next("extension");
    expect([...healed.versions]).toEqual([["s", "1"]]);
    client.ack(healed);
    await vi.waitFor(() => expect(events).toHaveLength(6), POLL);
    // The types are answered on one stream, but their order among each other is the client's.
    expect([...events].sort()).toEqual(
      [
        `connect ${PROXY}`,
        `ack ${PROXY} cluster a@1`,
        `ack ${PROXY} extension s@1`,
        `ack ${PROXY} cluster a@2`,
        `nack ${PROXY} extension s@2 Unable to create Wasm plugin`,
        `ack ${PROXY} extension s@1`,
      ].sort(),
    );
  });

  test("is shown with what it has acknowledged and refused", async () => {
    const { world, server, port } = await start();
    world.update({ "extension/s": content("1") });
    const client = connect(port, { acknowledge: false, nodeId: "sidecar~1" });
    client.request("extension", { subscribe: ["s"] });
    const first = await client.next("extension");
    client.ack(first);
    await vi.waitFor(() => expect(server.proxies()[0]?.types[0]?.ackedNonce).toBe(first.nonce), POLL);
    world.update({ "extension/s": content("2") });
    const second = await client.next("extension");
    client.nack(second, "bad");
    await client.next("extension");
    const [proxy] = server.proxies();
    expect(proxy).toMatchObject({
      proxyKey: PROXY,
      nodeId: "sidecar~1",
      responsesSent: 3,
      bytesSent: client.responses.reduce((sum, response) => sum + response.sizeBytes, 0),
      types: [
        {
          type: "extension",
          sentVersions: 1,
          inFlight: true,
          pending: 0,
          ackedNonce: first.nonce,
          lastNack: { nonce: second.nonce, message: "bad", names: ["s"] },
          ackedVersions: new Map([["s", "1"]]),
        },
      ],
    });
  });

  test("that reconnects gets only what changed", async () => {
    const { world, events, port } = await start();
    world.update({ "cluster/a": content("1"), "cluster/b": content("1") });
    const client = connect(port);
    client.request("cluster", { subscribe: ["*"], initialResourceVersions: { a: "1", b: "0", c: "1" } });
    const response = await client.next("cluster");
    expect([...response.versions]).toEqual([["b", "1"]]);
    expect((await client.next("cluster")).removed).toEqual(["c"]);
    expect(events).toContain(`ack ${PROXY} cluster a@1,b@0,c@1`);
  });

  test("can bring 50,000 versions along", async () => {
    const { port } = await start();
    const client = connect(port);
    const name = (i: number) => `outbound|80||service-${i}.namespace.svc.cluster.local`;
    const versions = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, i) => [name(i), "0123456789abcdef".repeat(3)]),
    );
    client.request("cluster", { subscribe: ["*"], initialResourceVersions: versions });
    expect((await client.next("cluster")).removed).toHaveLength(50_000);
  });

  test("gets a large push in parts", async () => {
    const { world, port } = await start();
    const names = Array.from({ length: 20 }, (_, i) => `cluster/c${i}` as const);
    world.update(Object.fromEntries(names.map((name) => [name, content("1", 1024 * 1024)])));
    const client = connect(port);
    client.request("cluster");
    await vi.waitFor(() => expect(client.held.size).toBe(20), POLL);
    expect(client.responses.length).toBeGreaterThanOrEqual(5);
    for (const response of client.responses) expect(response.sizeBytes).toBeLessThan(4.1 * 1024 * 1024);
  });

  test("that reads slowly gets the newest state in the end, and is buffered little for", async () => {
    const { world, server, port } = await start();
    world.update({ "cluster/a": content("0", 3 * 1024 * 1024) });
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    client.pause();
    for (let i = 1; i <= 50; i += 1) world.update({ "cluster/a": content(String(i), 3 * 1024 * 1024) });
    expect(server.proxies()[0]?.responsesSent).toBeLessThanOrEqual(3);
    client.resume();
    await vi.waitFor(() => expect(client.held.get("cluster/a")).toBe("50"), POLL);
    expect(client.responses.length).toBeLessThanOrEqual(4);
  });

  test("that asks for a type that is not served is logged once and keeps its stream", async () => {
    const { world, logger, port } = await start();
    world.update({ "cluster/a": content("1") });
    const client = connect(port);
    // A client of this version knows only the types that are served; the name makes no difference to the wire.
    const { Client, credentials } = await import("@grpc/grpc-js");
    const raw = new Client(
      `127.0.0.1:${port}`,
      credentials.createSsl(
        Buffer.from(authority.rootCert),
        Buffer.from(clientPair.privateKey),
        Buffer.from(clientPair.certificateChain),
      ),
      { "grpc.ssl_target_name_override": "localhost" },
    );
    cleanUp.push(() => raw.close());
    const call = raw.makeBidiStreamRequest(
      "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    call.on("error", () => {});
    cleanUp.push(() => call.cancel());
    const request = Buffer.from("\x12\x09type.x/Y.");
    call.write(request);
    call.write(request);
    await vi.waitFor(() => expect(logger.lines.join("\n")).toContain("type.x/Y."), POLL);
    client.request("cluster");
    await client.next("cluster");
    expect(logger.lines.filter((line) => line.includes("type.x/Y."))).toHaveLength(1);
  });

  test("that sends nonsense is told so", async () => {
    const { port } = await start();
    const { Client, credentials } = await import("@grpc/grpc-js");
    const raw = new Client(
      `127.0.0.1:${port}`,
      credentials.createSsl(
        Buffer.from(authority.rootCert),
        Buffer.from(clientPair.privateKey),
        Buffer.from(clientPair.certificateChain),
      ),
      { "grpc.ssl_target_name_override": "localhost" },
    );
    cleanUp.push(() => raw.close());
    const call = raw.makeBidiStreamRequest(
      "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    call.on("error", () => {});
    call.resume();
    const status = new Promise((resolve) => call.on("status", resolve));
    call.write(Buffer.from([0x12, 0x7f, 0x41]));
    expect(await status).toMatchObject({ code: 3, details: "the request is not a DeltaDiscoveryRequest" });
  });
});

describe("a stream ends", () => {
  test("when the client closes it", async () => {
    const { server, events, port } = await start();
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    client.close();
    await vi.waitFor(() => expect(events).toContain(`disconnect ${PROXY}`), POLL);
    expect(server.proxies()).toEqual([]);
  });

  test("when the server closes", async () => {
    const { server, port } = await start();
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    await server.close(0);
    expect(await client.ended).toMatchObject({ code: 14 });
  });

  test("one after the other when the server gives its proxies to others, and none comes back on its connection", async () => {
    const { server, port } = await start();
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = connect(port);
        client.request("cluster");
        await client.next("cluster");
        return client;
      }),
    );
    const ends: number[] = [];
    for (const client of clients) void client.ended.then(() => ends.push(performance.now()));
    const beganMs = performance.now();
    await server.close(0, 800);
    await Promise.all(clients.map(({ ended }) => ended));
    for (const { code } of await Promise.all(clients.map(({ ended }) => ended))) expect(code).toBe(14);
    // The last of four waits for three quarters of the time; the first for nothing.
    expect((ends.at(-1) ?? 0) - beganMs).toBeGreaterThanOrEqual(590);
    expect((ends.at(-1) ?? 0) - (ends[0] ?? 0)).toBeGreaterThan(100);
  });

  test("when the credential expires", async () => {
    const expiresAtMs = Date.now() + 3_000;
    const { port, events } = await start({ authenticate: () => ({ ok: true, proxyKey: PROXY, expiresAtMs }) });
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    expect(await client.ended).toMatchObject({ code: 16, details: expect.stringContaining(`${PROXY} expired at`) });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
    await vi.waitFor(() => expect(events.at(-1)).toBe(`disconnect ${PROXY}`), POLL);
  });

  test("when the client goes beyond a limit", async () => {
    const { port } = await start({ stream: { maxNamesPerType: 2 } });
    const client = connect(port);
    client.request("secret", { subscribe: ["a", "b", "c"] });
    expect(await client.ended).toMatchObject({ code: 8 });
  });

  test("when a request is larger than the limit", async () => {
    const { port } = await start({ maxReceiveBytes: 1_000 });
    const client = connect(port);
    client.request("secret", { subscribe: ["x".repeat(2_000)] });
    expect(await client.ended).toMatchObject({ code: 8 });
  });

  test("when the provider fails, without ending the others", async () => {
    const world = createTestWorld([PROXY]);
    let broken = false;
    const { port, logger } = await start({
      provider: {
        connect: (key, onChange, protocol) => {
          const connection = world.provider.connect(key, onChange, protocol);
          if (connection === undefined) return undefined;
          const view = () => {
            if (broken) throw new Error("no view");
            return connection.view();
          };
          return { ...connection, view };
        },
      },
    });
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    broken = true;
    client.request("listener");
    expect(await client.ended).toMatchObject({ code: 13, details: expect.not.stringContaining("no view") });
    expect(logger.lines.join("\n")).toContain("the stream ends because of an error");
    broken = false;
    const other = connect(port);
    other.request("cluster");
    await other.next("cluster");
  });
});

describe("a stream is refused", () => {
  test("when the check of its identity fails, and the log says why", async () => {
    const authenticate = () => {
      throw new Error("no trust bundle");
    };
    const logged: unknown[] = [];
    const logger = { ...createRecordingLogger(), error: (_: string, fields: object) => logged.push(fields) };
    const { port } = await start({ authenticate, logger });
    expect(await connect(port).ended).toMatchObject({ code: 13, details: expect.not.stringContaining("trust bundle") });
    expect(logged).toEqual([expect.objectContaining({ error: new Error("no trust bundle") })]);
  });

  test("without a client certificate", async () => {
    const { port } = await start();
    const client = connect(port, { tls: { rootCert: authority.rootCert } });
    expect(await client.ended).toMatchObject({ code: 14 });
  });

  test("with a certificate of another authority", async () => {
    const { port } = await start();
    const pair = await (await createTestAuthority()).issue(IDENTITY);
    const client = connect(port, { tls: { rootCert: authority.rootCert, ...pair } });
    expect(await client.ended).toMatchObject({ code: 14 });
  });

  test("with a certificate that names no workload", async () => {
    const { port, events } = await start();
    const pair = await authority.issue({ uris: ["spiffe://test/ns/default/sa/frontend"] });
    const client = connect(port, { tls: { rootCert: authority.rootCert, ...pair } });
    expect(await client.ended).toMatchObject({ code: 16, details: expect.stringContaining("names no workload") });
    expect(events).toEqual([]);
  });

  test("for a workload that does not exist", async () => {
    const { port, events } = await start();
    const pair = await authority.issue({ uris: ["spiffe://test/ns/a/sa/b", "weft://test/a/unknown"] });
    const client = connect(port, { tls: { rootCert: authority.rootCert, ...pair } });
    expect(await client.ended).toMatchObject({ code: 7, details: expect.stringContaining("no workload a/unknown") });
    expect(events).toEqual([]);
  });

  test("with a credential that has expired", async () => {
    const { port } = await start({ authenticate: () => ({ ok: true, proxyKey: PROXY, expiresAtMs: Date.now() - 1 }) });
    expect(await connect(port).ended).toMatchObject({ code: 16 });
  });

  test("beyond the number of streams", async () => {
    const { port } = await start({ maxStreams: 1 });
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    expect(await connect(port).ended).toMatchObject({ code: 8 });
  });

  test("beyond the number of streams of one proxy", async () => {
    const { port } = await start({ maxStreamsPerProxy: 1 });
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
    expect(await connect(port).ended).toMatchObject({ code: 8, details: expect.stringContaining(PROXY) });
  });
});

test("a port in use is named", async () => {
  const { port } = await start();
  const second = createXdsServer({
    port,
    tls: { rootCert: authority.rootCert, keyCertPairs: [serverPair] },
    authenticate: authenticateTest,
    provider: createTestWorld([]).provider,
    logger: createRecordingLogger(),
  });
  await expect(second.start()).rejects.toMatchObject({
    code: "XDS_BIND_FAILED",
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});

describe("another certificate and other roots", () => {
  test("count for new connections; open streams go on", async () => {
    const { world, server, port } = await start();
    world.update({ "cluster/a": content("1") });
    const before = connect(port);
    before.request("cluster");
    await before.next("cluster");
    const other = await createTestAuthority();
    server.updateTls({ rootCert: other.rootCert, keyCertPairs: [await other.issue({ dns: "localhost" })] });

    const after = connect(port, { tls: { rootCert: other.rootCert, ...(await other.issue(IDENTITY)) } });
    after.request("cluster");
    await after.next("cluster");
    world.update({ "cluster/a": content("2") });
    for (const client of [before, after]) expect([...(await client.next("cluster")).versions]).toEqual([["a", "2"]]);
    const stranger = connect(port);
    stranger.request("cluster");
    expect(await stranger.ended).toMatchObject({ code: 14 });
  });

  test("that TLS cannot use change nothing", async () => {
    const { world, server, port } = await start();
    world.update({ "cluster/a": content("1") });
    const [{ certificateChain }, { privateKey }] = [serverPair, clientPair];
    for (const pair of [
      { certificateChain, privateKey },
      { certificateChain: "", privateKey: "x" },
    ])
      expect(() => server.updateTls({ rootCert: authority.rootCert, keyCertPairs: [pair] })).toThrow();
    const client = connect(port);
    client.request("cluster");
    await client.next("cluster");
  });
});

test("a connection whose certificate has ended is closed, so that the proxy comes back with its new one", async () => {
  const expiresAtMs = Date.now() + 2_000;
  const { port } = await start({ authenticate: () => ({ ok: true, proxyKey: PROXY, expiresAtMs }) });
  const { certificateChain: cert, privateKey: key } = clientPair;
  const session = http2Connect(`https://localhost:${port}`, {
    lookup: (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    ...{ ca: authority.rootCert, cert, key },
  });
  session.on("error", () => {});
  cleanUp.push(() => session.destroy());
  const closed = once(session, "close");
  const stream = session.request({
    ":method": "POST",
    ":path": "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  let status: unknown;
  // A call that ends before anything was sent has its status in the headers.
  for (const event of ["response", "trailers"] as const)
    stream.on(event, (headers) => {
      status ??= headers["grpc-status"];
    });
  stream.resume();
  await closed;
  expect(status).toBe("16");
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
});

test("closing without grace ends also where a connection never becomes one of gRPC", async () => {
  const { server, port } = await start();
  const silent = connectSocket(port, "127.0.0.1");
  const ended = new Promise((resolve) => silent.once("close", resolve));
  await new Promise((resolve) => silent.once("connect", resolve));
  silent.on("error", () => {});
  await server.close(0);
  await ended;
});

test("connections beyond the limit are closed", async () => {
  const { port } = await start({ maxConnections: 1 });
  const client = connect(port);
  client.request("cluster");
  await client.next("cluster");
  const more = connectSocket(port, "127.0.0.1");
  more.on("error", () => {});
  await new Promise((resolve) => more.once("close", resolve));
  client.request("listener");
  await client.next("listener");
});
