import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import type { Plugin } from "../../control-plane/src/model/plugin.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { buildSource } from "../../sdk/test/build-source.js";
import { mkPlugin, mkService, mkWorkload, ready } from "../builders.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { STAMP } from "./plugins.js";

const ADDRESS = `${addressBlock()}.1`;
const PORT = 5432;
const HTTP_PORT = 8080;
/** What the app says as soon as it is called. */
const GREETING = "welcome\n";
/** Envoy waits for enough of a plaintext connection to know that it is not TLS. */
const WORD = "hello, app";

let app: Server;
let httpApp: HttpServer;
let mesh: TranslatedMesh;
let proxy: MeshProxy;
let wasm: Uint8Array;
const open = new Set<Socket>();

const portOf = (server: Server | HttpServer) => (server.address() as AddressInfo).port;

const plugin = (name: string, over: Partial<Plugin> = {}): MeshObject => ({
  kind: "WasmPlugin",
  value: mkPlugin(name, { type: "network", ...over }),
});
const stamp = (mark: string, version = mark) =>
  ready("stamp", { wasm, rootId: "probe", config: JSON.stringify({ mark }), version });

interface Line {
  send(text: string): void;
  received(): string;
  readonly closed: boolean;
  end(): void;
}

/** A connection of a caller. The app answers with what it is sent, between brackets. */
async function call(port = PORT): Promise<Line> {
  const socket = connect(port, ADDRESS);
  open.add(socket);
  let received = "";
  let closed = false;
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  await new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", resolve);
  });
  return {
    send: (text) => socket.write(text),
    received: () => received,
    get closed() {
      return closed;
    },
    end: () => socket.destroy(),
  };
}

/** What a new connection gets back for a word, which is written `a`. */
async function echo(): Promise<string> {
  const line = await call();
  line.send(WORD);
  await vi.waitFor(() => {
    if (!line.closed && !line.received().includes("]")) throw new Error(`received ${line.received()}`);
  }, POLL);
  line.end();
  return line.closed ? `closed ${line.received()}` : line.received().replace(GREETING, "").replace(WORD, "a");
}

beforeAll(async () => {
  const built = await buildSource({ source: STAMP });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
  app = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(GREETING);
    socket.on("data", (chunk) => socket.write(`[${chunk.toString()}]`));
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  httpApp = createHttpServer((_request, response) => response.end("http"));
  await new Promise<void>((resolve) => httpApp.listen(0, "127.0.0.1", resolve));
  mesh = await createTranslatedMesh();
  mesh.apply(
    {
      kind: "Service",
      value: mkService("db", {
        ports: [
          { name: "tcp", port: PORT, targetPort: PORT, protocol: "tcp" },
          { name: "http", port: HTTP_PORT, targetPort: HTTP_PORT, protocol: "http" },
        ],
      }),
    },
    {
      kind: "WorkloadEntry",
      value: mkWorkload("db", { address: ADDRESS, ports: { tcp: portOf(app), http: portOf(httpApp) } }),
    },
  );
  proxy = await mesh.startProxy("db");
});

afterAll(async () => {
  for (const socket of open) socket.destroy();
  await mesh?.stop();
  app?.close();
  httpApp?.close();
  httpApp?.closeAllConnections();
});

test("without a plugin bytes pass as they are", async () => {
  await vi.waitFor(async () => expect(await echo()).toBe("[a]"), POLL);
});

test("a plugin that is attached works on new connections, and open ones keep what they have", async () => {
  const before = await call();
  before.send(WORD);
  await vi.waitFor(() => expect(before.received()).toBe(`${GREETING}[${WORD}]`), POLL);
  mesh.setModules({ "default/stamp": stamp("1:") });
  mesh.apply(plugin("stamp"));
  await vi.waitFor(async () => expect(await echo()).toBe("[1:a]"), POLL);
  before.send("b");
  await vi.waitFor(() => expect(before.received()).toBe(`${GREETING}[${WORD}][b]`), POLL);
  before.end();
});

test("a new version is no change of the listener", async () => {
  await mesh.settled();
  const from = mesh.events.length;
  mesh.setModules({ "default/stamp": stamp("2:") });
  await vi.waitFor(async () => expect(await echo()).toBe("[2:a]"), POLL);
  await mesh.settled();
  expect(mesh.events.slice(from)).toEqual(["ack default/db extension weft/network/default.stamp"]);
});

test("two run in their order, each with its configuration", async () => {
  mesh.setModules({ "default/early": stamp("early:") });
  mesh.apply(plugin("early", { priority: 1 }));
  // The later puts its mark before what the earlier made of it.
  await vi.waitFor(async () => expect(await echo()).toBe("[2:early:a]"), POLL);
  mesh.apply(plugin("early", { priority: -1 }));
  await vi.waitFor(async () => expect(await echo()).toBe("[early:2:a]"), POLL);
  mesh.remove("WasmPlugin", "early");
  await vi.waitFor(async () => expect(await echo()).toBe("[2:a]"), POLL);
});

test("what Envoy refuses takes nothing away", async () => {
  await mesh.settled();
  mesh.setModules({
    "default/stamp": ready("stamp", { wasm: Buffer.from("no module"), rootId: "probe", version: "3" }),
  });
  await vi.waitFor(() => {
    const nacks = mesh.events.filter((event) => event.startsWith("nack"));
    expect(nacks).toEqual([expect.stringMatching(/^nack default\/db extension weft\/network\/default\.stamp: /)]);
  }, POLL);
  await mesh.settled();
  expect(await echo()).toBe("[2:a]");
  mesh.setModules({ "default/stamp": stamp("2:") });
  await mesh.settled();
  expect(await echo()).toBe("[2:a]");
});

test("a guard that was never ready lets nothing pass, not even what the app says first", async () => {
  mesh.apply(plugin("guard", { phase: "authz" }));
  await vi.waitFor(async () => {
    const line = await call();
    line.send(WORD);
    await vi.waitFor(() => expect(line.closed || line.received() !== "").toBe(true), POLL);
    line.end();
    expect([line.closed, line.received()]).toEqual([true, ""]);
  }, POLL);
  mesh.setModules({ "default/guard": stamp("g:") });
  await vi.waitFor(async () => expect(await echo()).toBe("[2:g:a]"), POLL);
});

test("on an HTTP port a plugin sees what HTTP is made of", async () => {
  mesh.remove("WasmPlugin", "guard");
  mesh.setModules({ "default/on-http": stamp("G") });
  mesh.apply(plugin("on-http", { match: [{ mode: "SERVER", ports: [HTTP_PORT] }] }));
  mesh.apply(plugin("stamp", { match: [{ mode: "SERVER", ports: [PORT] }] }));
  await vi.waitFor(async () => {
    const line = await call(HTTP_PORT);
    // The plugin writes the first letter.
    line.send("ET / HTTP/1.1\r\nhost: db\r\nconnection: close\r\n\r\n");
    await vi.waitFor(() => expect(line.closed || line.received() !== "").toBe(true), { ...POLL, timeout: 5_000 });
    line.end();
    expect(line.received()).toMatch(/^HTTP\/1\.1 200 /);
  }, POLL);
  mesh.remove("WasmPlugin", "on-http");
});

test("a plugin that is detached leaves new connections alone", async () => {
  mesh.remove("WasmPlugin", "stamp");
  await vi.waitFor(async () => expect(await echo()).toBe("[a]"), POLL);
  await mesh.settled();
  const stats = await proxy.admin("/stats?filter=extension_config_missing");
  expect(stats).not.toMatch(/: [1-9]/);
});
