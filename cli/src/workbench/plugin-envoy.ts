import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../mesh/free-port.js";
import { startGuarded } from "../mesh/guarded-process.js";
import type { Tools } from "../mesh/tools.js";
import { bootstrapOf, type LoadedPlugin, SLOT, slotResponse } from "./plugin-bootstrap.js";
import { WorkbenchError } from "./workbench-error.js";

/** One Envoy with one plugin between a listener and an upstream. */
export interface PluginEnvoy {
  /** Where requests go to, on 127.0.0.1. */
  readonly port: number;
  readonly adminPort: number;
  /** For example `1.40.0`. */
  readonly version: string;
  /** Resolves when Envoy has ended, with how. */
  readonly ended: Promise<string>;
  /** The plugin's metrics, as Envoy's admin API prints them. */
  stats(): Promise<string>;
  /** Puts another build in the place of the plugin, also on open connections; false where Envoy refuses it. */
  swap(plugin: LoadedPlugin): Promise<boolean>;
  stop(): Promise<void>;
}

export interface PluginEnvoyOptions {
  readonly tools: Tools;
  readonly plugin: LoadedPlugin;
  readonly upstream: { readonly host: string; readonly port: number };
  /** The least level of the plugin's log; Envoy's own is info. */
  readonly logLevel: string;
  /** What Envoy and the plugin log, and the access log. */
  readonly onLine: (line: string) => void;
}

/** The access log shows requests as they come; Envoy's own default is 10 s. */
const ACCESS_LOG_FLUSH_MS = 100;
const START_LIMIT_MS = 60_000;
const SWAP_LIMIT_MS = 60_000;
const POLL_MS = 50;
const ENVOY_FLAGS = [
  ...["--concurrency", "1", "--disable-hot-restart", "-l", "info"],
  ...["--file-flush-interval-msec", String(ACCESS_LOG_FLUSH_MS)],
];

export async function startPluginEnvoy(options: PluginEnvoyOptions): Promise<PluginEnvoy> {
  const { tools, plugin, upstream, logLevel, onLine } = options;
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
    [tools.funcEPath, "run", "-c", bootstrap, ...ENVOY_FLAGS, "--component-log-level", `wasm:${logLevel}`],
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
        onLine(line);
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
    throw new WorkbenchError("envoy-failed", `Envoy did not come up (${ended ?? "no answer"}):\n${lines.join("\n")}`);
  }
  return {
    port,
    adminPort,
    version: /"version": "[^/"]*\/([^/"]+)/.exec(await get(adminPort, "/server_info"))?.[1] ?? "unknown",
    ended: envoy.ended,
    stats: () => get(adminPort, "/stats?usedonly&filter=^wasmcustom\\."),
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
