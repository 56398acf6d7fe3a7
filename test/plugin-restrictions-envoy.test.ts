/* What a plugin may do, as the control plane tells Envoy: memory, capabilities, environment. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { decodePluginManifest } from "../control-plane/src/decode/plugin-manifest.js";
import { TypedExtensionConfigSchema } from "../control-plane/src/envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { DEFAULT_PLUGIN_POLICY, type PluginPolicy } from "../control-plane/src/model/mesh-config.js";
import type { ServedPlugin } from "../control-plane/src/model/module-state.js";
import type { Plugin } from "../control-plane/src/model/plugin.js";
import { createPreflight } from "../control-plane/src/modules/preflight.js";
import { prepareModule } from "../control-plane/src/modules/prepare-module.js";
import { wasmFilter } from "../control-plane/src/translate/extension-configs.js";
import { messageToJson } from "../control-plane/src/translate/json.js";
import { buildPlugin } from "./build-plugin.js";
import { mkPlugin } from "./builders.js";
import { envoyPath, httpListener, type RunningEnvoy, send, startEnvoy } from "./envoy-static.js";

/** Says in its answer what it was let do. */
const SOURCE = `
import { Action, environmentVariable, HttpContext, LocalResponse, NoConfig, register, sharedData } from "@weft/sdk";

class Probe extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    const wanted = this.request.headers.get("x-do");
    const response = new LocalResponse(200);
    if (wanted == "env") {
      const value = environmentVariable("GREETING");
      response.body = value === null ? "none" : value;
      return response.send();
    }
    if (wanted == "share") {
      response.body = sharedData.set("key", String.UTF8.encode("value")) ? "stored" : "refused";
      return response.send();
    }
    if (wanted == "grow") {
      const kept = new Array<ArrayBuffer>();
      for (let i = 0; i < 64; i++) kept.push(new ArrayBuffer(1024 * 1024));
      response.body = kept.length.toString();
      return response.send();
    }
    return Action.Continue;
  }
  onResponseHeaders(end: bool): Action {
    this.response.headers.set("x-probe", "was here");
    return Action.Continue;
  }
}
register<Probe, NoConfig>("probe");
`;

let probe: Uint8Array;
let dir: string;
const running: RunningEnvoy[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-restrictions-"));
  await mkdir(join(dir, "assembly"));
  await writeFile(join(dir, "plugin.yaml"), "name: probe\nversion: 1.0.0\n");
  await writeFile(join(dir, "assembly", "index.ts"), SOURCE);
  const built = await compilePlugin({ dir });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  probe = built.wasm;
});
afterAll(async () => {
  for (const envoy of running) await envoy.stop();
  await rm(dir, { recursive: true, force: true });
});

/** What the control plane would serve. */
function prepare(
  wasm: Uint8Array,
  name: string,
  over: Partial<Plugin> = {},
  policy: Partial<PluginPolicy> = {},
): ServedPlugin {
  const wasmSha256 = createHash("sha256").update(wasm).digest("hex");
  const pluginYaml = `name: ${name}\nrootId: ${name}\nsdk: {name: '@weft/sdk'}\n`;
  const prepared = prepareModule(
    mkPlugin(name, over),
    { digest: `sha256:${wasmSha256}`, wasmSha256, wasm, pluginYaml },
    { keys: [], warnings: [] },
    { mesh: { ...DEFAULT_PLUGIN_POLICY, ...policy } },
    decodePluginManifest,
  );
  if (!prepared.ok) throw new Error(prepared.problem.message);
  return prepared.candidate;
}

/** One Envoy with a listener for each plugin, and one, `plain`, without any. */
async function envoyWith(plugins: Readonly<Record<string, ServedPlugin>>): Promise<RunningEnvoy> {
  const listeners = Object.entries(plugins).map(([name, served]) =>
    httpListener({
      name,
      filters: [messageToJson(TypedExtensionConfigSchema, wasmFilter(`default/${served.rootId}`, served)) as object],
    }),
  );
  const envoy = await startEnvoy({
    resources: { listeners: [...listeners, httpListener({ name: "plain", filters: [] })] },
  });
  running.push(envoy);
  return envoy;
}

const ask = (envoy: RunningEnvoy, listener: string, what = "nothing") =>
  send({ port: envoy.ports.get(listener) ?? 0, headers: { "x-do": what } });

test("a plugin that wants more memory than its limit traps; the rest of the proxy lives, and so does the plugin again", async () => {
  const envoy = await envoyWith({
    small: prepare(probe, "probe", { limits: { memoryBytes: 16 * 1024 * 1024 } }),
    large: prepare(probe, "probe", { limits: { memoryBytes: 256 * 1024 * 1024 } }),
  });
  expect((await ask(envoy, "large", "grow")).body).toBe("64");
  expect((await ask(envoy, "small")).headers["x-probe"]).toBe("was here");
  expect((await ask(envoy, "small", "grow")).status).toBeGreaterThanOrEqual(500);
  expect(envoy.log()).toMatch(/proxy_on_request_headers failed/);
  expect((await ask(envoy, "plain")).status).toBe(200);
  expect((await ask(envoy, "large")).headers["x-probe"]).toBe("was here");
  await vi.waitFor(async () => expect((await ask(envoy, "small")).headers["x-probe"]).toBe("was here"), {
    timeout: 100_000,
    interval: 200,
  });
});

describe("capabilities and environment, of two plugins with one module and one VM id", () => {
  let envoy: RunningEnvoy;
  beforeAll(async () => {
    const all = prepare(probe, "probe", { env: { GREETING: "hello" } });
    const without = all.capabilities.filter(
      (name) => !name.startsWith("proxy_on_") && name !== "proxy_set_shared_data",
    );
    const restricted = prepare(probe, "probe", { capabilities: without });
    const byMesh = prepare(
      probe,
      "probe",
      {},
      { capabilities: without.filter((name) => !name.startsWith("environ_")) },
    );
    expect(new Set([all.vmId, restricted.vmId, byMesh.vmId]).size).toBe(1);
    expect(new Set([all.version, restricted.version, byMesh.version]).size).toBe(3);
    envoy = await envoyWith({ all, restricted, byMesh });
  });

  test.each([
    ["all", "stored"],
    ["restricted", "refused"],
    ["byMesh", "refused"],
  ])("the plugin %s has its effect, and writing shared data is %s", async (listener, expected) => {
    expect((await ask(envoy, listener)).headers["x-probe"]).toBe("was here");
    expect((await ask(envoy, listener, "share")).body).toBe(expected);
    expect((await ask(envoy, listener)).headers["x-probe"]).toBe("was here");
  });

  test.each([
    ["all", "hello"],
    ["restricted", "none"],
    ["byMesh", "none"],
  ])("the plugin %s has the variable %s", async (listener, expected) => {
    expect((await ask(envoy, listener, "env")).body).toBe(expected);
  });
});

test.each<[string, string]>([
  ["hello", "{}"],
  ["canary", '{"rules":[{"name":"t","match":[{"headers":{"x-canary":{"exact":"always"}}}],"subset":"v2"}]}'],
  ["rate-limit", '{"limits":[{"name":"all","requests":1}]}'],
  ["retry", "{}"],
  ["telemetry", "{}"],
])("the plugin %s passes its pre-flight with what it may use by default", async (name, config) => {
  const { wasm } = await buildPlugin(name);
  const served = prepare(wasm, name, { config });
  expect(served.capabilities).toEqual(expect.arrayContaining(["proxy_log", "proxy_on_configure"]));
  const preflight = createPreflight({ envoyPath: envoyPath(), envoyTimeoutMs: 100_000 });
  expect(await preflight(`default/${name}`, served, 0, new AbortController().signal)).toEqual({});
});
