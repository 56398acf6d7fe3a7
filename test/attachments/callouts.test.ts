import { createServer, get, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Callout } from "../../control-plane/src/model/callout.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { buildSource } from "../../sdk/test/build-source.js";
import { type H2Server, startH2Server } from "../../sdk/test/h2.js";
import { mkPlugin, mkService, mkWorkload, ready } from "../builders.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { ASK } from "./plugins.js";

const BLOCK = addressBlock();
const CALLER = { address: `${BLOCK}.1`, port: 8080 };
const CALLEE = { address: `${BLOCK}.2`, port: 8081 };

const servers: { close(): void }[] = [];
let grpc: H2Server;
let mesh: TranslatedMesh;
let caller: MeshProxy;
let callee: MeshProxy;
let callouts: Callout[];
let ca = "";

async function listen<T extends Server>(server: T): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return (server.address() as AddressInfo).port;
}

const service = (name: string, port: number): MeshObject => ({
  kind: "Service",
  value: mkService(name, { ports: [{ name: "http", port, targetPort: port, protocol: "http" }] }),
});
const plugin = (over: readonly Callout[]): MeshObject => ({
  kind: "WasmPlugin",
  value: mkPlugin("ask", { targetServices: ["caller"], callouts: over }),
});

/** A gRPC message in its frame. */
const frame = (text: string) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
};

const answerOf = (name: string, headers: Record<string, string> = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const { address: host, port } = CALLER;
    const request = get({ host, port, agent: false, headers: { "x-callout": name, ...headers } }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve(body));
      response.on("error", reject);
    });
    request.on("error", reject);
  });

beforeAll(async () => {
  const built = await buildSource({ source: ASK });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  mesh = await createTranslatedMesh();
  ca = mesh.authority.rootCert;
  const plain = await listen(
    createServer((request, response) => response.end(`${request.httpVersion} ${request.url}`)),
  );
  const pair = await mesh.authority.issue({ dns: "localhost" });
  const secure = await listen(
    createTlsServer({ key: pair.privateKey, cert: pair.certificateChain }, (request, response) =>
      response.end(`tls ${(request.socket as unknown as { servername: string }).servername}`),
    ),
  );
  // Answers with what it was sent, in its frame.
  grpc = await startH2Server((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("data", (chunk: Buffer) => stream.end(frame(chunk.subarray(5).toString().toUpperCase())));
  });
  // What the app behind the callee's sidecar is told of who calls.
  const app = await listen(
    createServer((request, response) => response.end(String(request.headers["x-forwarded-client-cert"]))),
  );

  callouts = [
    { name: "plain", host: "127.0.0.1", port: plain, protocol: "http" },
    { name: "dns", host: "localhost", port: plain, protocol: "http" },
    { name: "grpc", host: "127.0.0.1", port: grpc.port, protocol: "http2" },
    { name: "tls", host: "localhost", port: secure, protocol: "http", tls: { caCertificates: ca } },
    { name: "public", host: "localhost", port: secure, protocol: "http", tls: {} },
    { name: "wrong-name", host: "localhost", port: secure, protocol: "http", tls: { sni: "other.test" } },
    { name: "mesh", host: "callee", port: CALLEE.port, protocol: "http" },
    { name: "nobody", host: "nobody", port: 1, protocol: "http" },
  ];
  mesh.apply(
    service("caller", CALLER.port),
    service("callee", CALLEE.port),
    { kind: "WorkloadEntry", value: mkWorkload("caller", { address: CALLER.address, ports: { http: plain } }) },
    { kind: "WorkloadEntry", value: mkWorkload("callee", { address: CALLEE.address, ports: { http: app } }) },
    {
      kind: "PeerAuthentication",
      value: { namespace: "default", name: "strict", mode: "STRICT", selector: { app: "callee" } },
    },
    plugin(callouts),
  );
  mesh.setModules({ "default/ask": ready("ask", { wasm: built.wasm, rootId: "probe" }) });
  [caller, callee] = await Promise.all([mesh.startProxy("caller"), mesh.startProxy("callee")]);
});

afterAll(async () => {
  await mesh?.stop();
  await grpc?.stop();
  for (const server of servers) server.close();
});

test.each([
  ["plain", "200 1.1 /path"],
  ["dns", "200 1.1 /path"],
  ["tls", "200 tls localhost"],
  ["public", "200 tls localhost"],
])("a callout named %s is answered", async (name, expected) => {
  await vi.waitFor(async () => expect(await answerOf(name)).toBe(expected), POLL);
});

test("a gRPC callout is answered", async () => {
  await vi.waitFor(async () => expect(await answerOf("grpc", { "x-grpc": "1" })).toBe("grpc HELLO"), POLL);
});

test("a Service of the mesh is called with mTLS, as who the caller's workload is", async () => {
  await vi.waitFor(
    async () => expect(await answerOf("mesh")).toMatch(/^200 .*URI=spiffe:\/\/test\/ns\/default\/sa\/caller/),
    POLL,
  );
});

test("a server that is not who it should be, or is not there, is not reached", async () => {
  expect(await answerOf("wrong-name")).toBe("failure 1");
  // Without an endpoint Envoy does not begin the call.
  expect(await answerOf("nobody")).toBe("not sent 10");
  expect(await answerOf("not-declared")).toBe("not sent 2");
});

test("other proxies have no such cluster", async () => {
  expect(await caller.admin("/clusters")).toContain("callout|default|ask|plain::");
  expect(await callee.admin("/clusters")).not.toContain("callout|");
});

test("clusters come before the slot that needs them, and go after it", async () => {
  await mesh.settled();
  const of = (text: string) => mesh.events.flatMap((event, i) => (event.includes(text) ? i : []));
  const from = mesh.events.length;
  mesh.remove("WasmPlugin", "ask");
  await vi.waitFor(async () => expect(await caller.admin("/clusters")).not.toContain("callout|"), POLL);
  await mesh.settled();
  const slot = of("ack default/caller extension weft/in/8080/default").find((i) => i >= from);
  const removed = of("ack default/caller cluster").findLast((i) => i >= from);
  expect(slot).toBeDefined();
  expect(removed).toBeGreaterThan(slot ?? Number.POSITIVE_INFINITY);

  const again = mesh.events.length;
  mesh.apply(plugin(callouts.slice(0, 1)));
  await vi.waitFor(async () => expect(await answerOf("plain")).toBe("200 1.1 /path"), POLL);
  await mesh.settled();
  const added = of("ack default/caller cluster callout|default|ask|plain").find((i) => i >= again);
  const filled = of("ack default/caller extension weft/in/8080/default").find((i) => i >= again);
  expect(added).toBeDefined();
  expect(filled).toBeGreaterThan(added ?? Number.POSITIVE_INFINITY);
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});
