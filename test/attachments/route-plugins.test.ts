import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { GatewayRoute } from "../../control-plane/src/model/gateway-route.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import type { Plugin } from "../../control-plane/src/model/plugin.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { buildSource } from "../../sdk/test/build-source.js";
import { mkGatewayRoute, mkPlugin, mkService, mkWorkload, ready } from "../builders.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { MARK } from "./plugins.js";

const BLOCK = addressBlock();
const CALLER = `${BLOCK}.1`;
const OUTBOUND = 15001;
const PORT = 8080;
/** As many connections of the caller's app as requests at once; here one, which stays open. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

let app: Server;
let mesh: TranslatedMesh;
let proxy: MeshProxy;
let wasm: Uint8Array;
const sockets = new Set<unknown>();

const route = (name: string, path: string, kind: GatewayRoute["kind"] = "HTTPRoute"): MeshObject => {
  const base = mkGatewayRoute(name, "app", { app: 1 }, { kind });
  const matches = [{ uri: { kind: "path" as const, value: path }, headers: [], queryParams: [] }];
  return { kind, value: { ...base, rules: base.rules.map((rule) => ({ ...rule, matches })) } };
};
const plugin = (name: string, routes: readonly string[], over: Partial<Plugin> = {}): MeshObject => ({
  kind: "WasmPlugin",
  value: mkPlugin(name, { targetRoutes: routes.map((target) => ({ kind: "HTTPRoute", name: target })), ...over }),
});
const module = (name: string, mark = name) =>
  ready(name, {
    wasm,
    rootId: "probe",
    vmId: `default/${name}/1`,
    config: JSON.stringify({ name: mark }),
    version: mark,
  });

/** The marks of the plugins that saw a request, in the order in which they ran; else the status. */
const call = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host: CALLER, port: OUTBOUND, path, agent, headers: { host: `app:${PORT}` } },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve(response.statusCode === 200 ? body : `${response.statusCode}`));
        response.on("error", reject);
      },
    );
    sent.on("socket", (socket) => sockets.add(socket));
    sent.on("error", reject).end();
  });
const marks = async (path: string) => (await call(path)).replaceAll(/=\d+/g, "");
const expectMarks = (path: string, expected: string) =>
  vi.waitFor(async () => expect(await marks(path)).toBe(expected), POLL);

beforeAll(async () => {
  const built = await buildSource({ source: MARK });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
  app = createServer((incoming, response) => response.end(incoming.headers["x-marks"] ?? "none"));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  mesh = await createTranslatedMesh();
  const ports = [{ name: "http", port: PORT, targetPort: PORT, protocol: "http" as const }];
  mesh.apply(
    { kind: "Service", value: mkService("app", { ports }) },
    {
      kind: "WorkloadEntry",
      value: mkWorkload("app", {
        address: "127.0.0.1",
        hasSidecar: false,
        ports: { http: (app.address() as AddressInfo).port },
      }),
    },
    { kind: "WorkloadEntry", value: mkWorkload("caller", { address: CALLER, ports: {} }) },
    route("checkout", "/checkout"),
    route("cart", "/cart"),
    route("rest", "/"),
  );
  proxy = await mesh.startProxy("caller");
  await expectMarks("/", "none");
});

afterAll(async () => {
  agent.destroy();
  await mesh?.stop();
  app?.close();
  app?.closeAllConnections();
});

test("a plugin runs for requests of its routes only", async () => {
  mesh.setModules({ "default/tag": module("tag") });
  mesh.apply(plugin("tag", ["checkout"]));
  await expectMarks("/checkout/1", "tag");
  expect(await marks("/cart")).toBe("none");
  expect(await marks("/")).toBe("none");
  mesh.apply(plugin("tag", ["checkout", "cart"]));
  await expectMarks("/cart", "tag");
  expect(await marks("/checkout")).toBe("tag");
  expect(await marks("/")).toBe("none");
});

test("new code reaches connections that are open", async () => {
  const before = sockets.size;
  mesh.setModules({ "default/tag": module("tag", "new") });
  await expectMarks("/checkout", "new");
  expect(await marks("/cart")).toBe("new");
  expect(sockets.size).toBe(before);
});

test("plugins of a route run by phase, and what a route has is its own", async () => {
  mesh.setModules({ "default/first": module("first") });
  mesh.apply(plugin("first", ["cart"], { phase: "authn" }));
  await expectMarks("/cart", "first new");
  expect(await marks("/checkout")).toBe("new");
  expect(await marks("/")).toBe("none");
});

test("a guard that was never ready closes its routes, and nothing else", async () => {
  mesh.apply(plugin("guard", ["checkout"], { phase: "authz" }));
  await expectMarks("/checkout", "403");
  expect(await marks("/cart")).toBe("first new");
  expect(await marks("/")).toBe("none");
  mesh.setModules({ "default/guard": module("guard") });
  await expectMarks("/checkout", "guard new");
});

test("what is detached does not run any more", async () => {
  for (const name of ["guard", "first", "tag"]) mesh.remove("WasmPlugin", name);
  for (const path of ["/checkout", "/cart", "/"]) await expectMarks(path, "none");
});

test("nothing was refused, and no listener changed since the first", async () => {
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
  const stats = await proxy.admin("/stats?filter=listener_manager.listener_(added|modified)");
  expect(stats).toContain("listener_manager.listener_modified: 0");
});
