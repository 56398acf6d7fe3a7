import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import type { Plugin } from "../../control-plane/src/model/plugin.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { buildSource } from "../../sdk/test/build-source.js";
import { mkPlugin, mkService, mkWorkload, ready } from "../builders.js";
import { createTranslatedMesh, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { MARK } from "./plugins.js";

const ADDRESS = `${addressBlock()}.1`;
const PORT = 8080;
const COUNT = 50;

let app: Server;
let mesh: TranslatedMesh;
let wasm: Uint8Array;

/** Plugins of one image, each with a configuration of its own. */
const plugin = (name: string, over: Partial<Plugin> = {}): MeshObject => ({
  kind: "WasmPlugin",
  value: mkPlugin(name, { match: [{ mode: "SERVER", ports: [] }], ...over }),
});
const module = (name: string, mark = name) =>
  ready(name, {
    wasm,
    rootId: "probe",
    vmId: `default/${name}/1`,
    config: JSON.stringify({ name: mark }),
    version: mark,
  });

/** What the app got: the marks of the plugins, in the order in which they ran. */
const marks = (): Promise<string[]> =>
  new Promise((resolve, reject) => {
    get({ host: ADDRESS, port: PORT, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve(body === "" ? [] : body.split(" ")));
      response.on("error", reject);
    }).on("error", reject);
  });
const names = async () => (await marks()).map((mark) => mark.split("=")[0]);

beforeAll(async () => {
  const built = await buildSource({ source: MARK });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
  app = createServer((request, response) => response.end(request.headers["x-marks"] ?? ""));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  mesh = await createTranslatedMesh();
  mesh.apply(
    {
      kind: "Service",
      value: mkService("app", { ports: [{ name: "http", port: PORT, targetPort: PORT, protocol: "http" }] }),
    },
    {
      kind: "WorkloadEntry",
      value: mkWorkload("app", { address: ADDRESS, ports: { http: (app.address() as AddressInfo).port } }),
    },
  );
  await mesh.startProxy("app");
});

afterAll(async () => {
  await mesh?.stop();
  app?.close();
  app?.closeAllConnections();
});

test("two from one image act both, each with its configuration and with shared data of its own", async () => {
  mesh.apply(plugin("a"), plugin("b"));
  mesh.setModules({ "default/a": module("a"), "default/b": module("b") });
  await vi.waitFor(async () => expect(await names()).toEqual(["a", "b"]), POLL);
  // One of them goes, counts on in the other, and starts anew in its place.
  const [first] = await marks();
  const seen = Number(first?.split("=")[1]);
  mesh.remove("WasmPlugin", "b");
  await vi.waitFor(async () => expect(await names()).toEqual(["a"]), POLL);
  for (let i = 0; i < 5; i++) await marks();
  mesh.apply(plugin("b", { priority: 1 }));
  await vi.waitFor(async () => expect(await names()).toEqual(["b", "a"]), POLL);
  const [b, a] = (await marks()).map((mark) => Number(mark.split("=")[1]));
  expect(a).toBeGreaterThanOrEqual(seen + 7);
  expect(b).toBeLessThan(a ?? 0);
});

test("shared data outlives a change of the configuration", async () => {
  const before = Number((await marks())[1]?.split("=")[1]);
  mesh.setModules({ "default/a": module("a", "other") });
  await vi.waitFor(async () => expect(await names()).toEqual(["b", "other"]), POLL);
  const after = Number((await marks())[1]?.split("=")[1]);
  expect(after).toBeGreaterThan(before);
});

test(`${COUNT} plugins on one workload run in their order, and one more changes nothing of the others`, async () => {
  mesh.remove("WasmPlugin", "a");
  mesh.remove("WasmPlugin", "b");
  const all = Array.from({ length: COUNT }, (_, i) => `p${String(i).padStart(2, "0")}`);
  // Applied in another order than they run in: by phase, then priority, then name.
  const phaseOf = (i: number) => (["authn", "authz", "stats", undefined] as const)[i % 4];
  const priorityOf = (i: number) => i % 3;
  mesh.setModules(Object.fromEntries(all.map((name) => [`default/${name}`, module(name)])));
  mesh.apply(
    ...all.toReversed().map((name) => {
      const i = Number(name.slice(1));
      const phase = phaseOf(i);
      return plugin(name, { priority: priorityOf(i), ...(phase === undefined ? {} : { phase }) });
    }),
  );
  const rank = (name: string) => [Number(name.slice(1)) % 4, -priorityOf(Number(name.slice(1)))] as const;
  const expected = all.toSorted((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1] || (a < b ? -1 : 1));
  await vi.waitFor(async () => expect(await names()).toEqual(expected), POLL);
  mesh.setModules({ "default/p07": module("p07", "changed") });
  await vi.waitFor(
    async () => expect(await names()).toEqual(expected.map((name) => (name === "p07" ? "changed" : name))),
    POLL,
  );
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});
