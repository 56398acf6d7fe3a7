import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../mesh/free-port.js";
import { startGuarded } from "../mesh/guarded-process.js";
import { MeshError } from "../mesh/mesh-error.js";
import type { Tools } from "../mesh/tools.js";

/** A plugin as Envoy is to load it. */
export interface LoadedPlugin {
  readonly name: string;
  readonly rootId: string;
  readonly wasm: Uint8Array;
  /** JSON. */
  readonly config: string;
}

/** One Envoy with one plugin between a listener and an upstream. */
export interface PluginEnvoy {
  /** Where requests go to, on 127.0.0.1. */
  readonly port: number;
  readonly adminPort: number;
  /** Puts another build in the place of the plugin, also on open connections; false where Envoy refuses it. */
  swap(plugin: LoadedPlugin): Promise<boolean>;
  stop(): Promise<void>;
}

export interface PluginEnvoyOptions {
  readonly tools: Tools;
  readonly plugin: LoadedPlugin;
  readonly upstream: { readonly host: string; readonly port: number };
  /** What Envoy and the plugin log. */
  readonly onLog: (line: string) => void;
}

const SLOT = "plugin";
const START_LIMIT_MS = 60_000;
const SWAP_LIMIT_MS = 15_000;
const POLL_MS = 50;
const TYPE = "type.googleapis.com/";

export async function startPluginEnvoy({ tools, plugin, upstream, onLog }: PluginEnvoyOptions): Promise<PluginEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "weft-run-"));
  const port = await freePort();
  const adminPort = await freePort();
  let version = 0;
  const publish = async (next: LoadedPlugin) => {
    version++;
    const wasmFile = join(dir, `plugin-${version}.wasm`);
    await writeFile(wasmFile, next.wasm);
    // Envoy looks at a file again when another one is renamed into its place.
    await writeFile(join(dir, "slot.new"), JSON.stringify(slotResponse(next, wasmFile, String(version))));
    await mkdir(join(dir, "slot"), { recursive: true });
    await rename(join(dir, "slot.new"), join(dir, "slot", "slot.json"));
  };
  const updates = async () => {
    const stats = await get(adminPort, `/stats?filter=extension_config_discovery.http_filter.${SLOT}.config_`);
    const count = (name: string) => Number(new RegExp(`${name}: (\\d+)`).exec(stats)?.[1] ?? 0);
    return { failed: count("config_fail"), reloaded: count("config_reload") };
  };

  await publish(plugin);
  const bootstrap = join(dir, "bootstrap.json");
  await writeFile(bootstrap, JSON.stringify(bootstrapOf({ dir, port, adminPort, upstream })));
  const lines: string[] = [];
  const envoy = await startGuarded(
    [tools.funcEPath, "run", "-c", bootstrap, "--concurrency", "1", "--disable-hot-restart", "-l", "info"],
    {
      cwd: dir,
      env: {
        ...process.env,
        ENVOY_PATH: tools.envoyPath,
        FUNC_E_DATA_HOME: join(dir, "func-e"),
        FUNC_E_CONFIG_HOME: join(dir, "func-e"),
        FUNC_E_STATE_HOME: join(dir, "func-e"),
        FUNC_E_RUNTIME_DIR: join(dir, "func-e"),
      },
      onLine: (line) => {
        lines.push(line);
        if (lines.length > 30) lines.shift();
        onLog(line);
      },
    },
  );
  const stop = async () => {
    await envoy.stop();
    await rm(dir, { recursive: true, force: true });
  };
  let ended: string | undefined;
  void envoy.ended.then((how) => {
    ended = how;
  });
  const isReady = await poll(START_LIMIT_MS, async () => {
    if (ended !== undefined) return false;
    const answer = await get(adminPort, "/ready").catch(() => "");
    return answer.startsWith("LIVE") ? true : undefined;
  });
  if (isReady !== true) {
    await stop();
    throw new MeshError(
      "control-plane-failed",
      `Envoy did not come up (${ended ?? "no answer"}):\n${lines.join("\n")}`,
    );
  }
  return {
    port,
    adminPort,
    stop,
    async swap(next) {
      const before = await updates();
      await publish(next);
      const outcome = await poll(SWAP_LIMIT_MS, async () => {
        const now = await updates();
        // A refused configuration counts as a reload too.
        if (now.failed > before.failed) return false;
        return now.reloaded > before.reloaded ? true : undefined;
      });
      return outcome === true;
    },
  };
}

function slotResponse(plugin: LoadedPlugin, filename: string, version: string): object {
  return {
    version_info: version,
    resources: [
      {
        "@type": `${TYPE}envoy.config.core.v3.TypedExtensionConfig`,
        name: SLOT,
        typed_config: {
          "@type": `${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`,
          config: {
            name: plugin.name,
            root_id: plugin.rootId,
            failure_policy: "FAIL_RELOAD",
            allow_on_headers_stop_iteration: true,
            configuration: { "@type": `${TYPE}google.protobuf.StringValue`, value: plugin.config },
            vm_config: { vm_id: plugin.name, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } },
          },
        },
      },
    ],
  };
}

function bootstrapOf({
  dir,
  port,
  adminPort,
  upstream,
}: {
  dir: string;
  port: number;
  adminPort: number;
  upstream: { host: string; port: number };
}): object {
  const slotFile = { path: join(dir, "slot", "slot.json"), watched_directory: { path: join(dir, "slot") } };
  return {
    node: { id: "sidecar~127.0.0.1~plugin.default~default.svc.cluster.local", cluster: "plugin.default" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } },
    static_resources: {
      clusters: [
        {
          name: "upstream",
          type: "STRICT_DNS",
          connect_timeout: "2s",
          load_assignment: {
            cluster_name: "upstream",
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: upstream.host, port_value: upstream.port } },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
      listeners: [
        {
          name: "plugin",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: {
                    "@type": `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                    stat_prefix: "plugin",
                    route_config: {
                      name: "plugin",
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "0s" } }],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: SLOT,
                        config_discovery: {
                          config_source: { path_config_source: slotFile, resource_api_version: "V3" },
                          type_urls: [`${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`],
                        },
                      },
                      {
                        name: "envoy.filters.http.router",
                        typed_config: { "@type": `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

function get(port: number, path: string): Promise<string> {
  return new Promise((done, fail) => {
    const call = request({ host: "127.0.0.1", port, path, timeout: 5000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => done(text));
    });
    call.on("timeout", () => call.destroy(new Error("Envoy's admin API does not answer")));
    call.on("error", fail);
    call.end();
  });
}

async function poll<T>(limitMs: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
  return undefined;
}
