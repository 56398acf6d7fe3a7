import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { watch } from "chokidar";
import { send } from "../demo/traffic.js";
import { Interrupted, interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { MeshError } from "../mesh/mesh-error.js";
import { createPluginCompiler, type PluginCompiler } from "../mesh/plugin-compiler.js";
import { buildPlugin } from "../mesh/plugin-publisher.js";
import { createTerminal } from "../mesh/terminal.js";
import { findTools } from "../mesh/tools.js";
import { startEchoUpstream } from "../workbench/echo-upstream.js";
import { type LoadedPlugin, startPluginEnvoy } from "../workbench/plugin-envoy.js";

export interface PluginRunOptions {
  readonly upstream?: string;
  readonly config?: string;
  readonly once: boolean;
  readonly expectHeader?: string;
}

/** `weft plugin run [DIR]`: the plugin alone, in a real Envoy. Returns the exit code. */
export async function pluginRun(dir: string, options: PluginRunOptions): Promise<number> {
  const folder = resolve(dir);
  const terminal = createTerminal((text) => process.stdout.write(text));
  const signal = interruptSignal();
  const undo: (() => Promise<void>)[] = [];
  try {
    const compiler = createPluginCompiler();
    undo.push(compiler.close);
    const config = options.config === undefined ? "{}" : await readConfig(options.config);
    const plugin = await load(compiler, folder, config);
    if (!plugin.ok) {
      for (const message of plugin.messages) console.error(message);
      return 1;
    }
    const echo = options.upstream === undefined ? await startEchoUpstream() : undefined;
    if (echo !== undefined) undo.push(echo.close);
    const upstream = upstreamOf(options.upstream, echo?.port);
    const envoy = await startPluginEnvoy({
      tools: findTools(),
      plugin: plugin.loaded,
      upstream,
      onLog: (line) => {
        const logged = /wasm log[^:]*: ?(.*)$/.exec(line)?.[1];
        if (logged !== undefined) terminal.step("log", logged);
        else if (/\[(error|critical)\]/.test(line)) terminal.problem("envoy", line);
      },
    });
    undo.push(envoy.stop);
    if (options.once) return await once(envoy.port, options.expectHeader ?? (await expectedHeader(folder)));

    terminal.step(
      "ready",
      `http://127.0.0.1:${envoy.port} → plugin → ${options.upstream ?? "an upstream that echoes"}`,
    );
    terminal.step("metrics", `http://127.0.0.1:${envoy.adminPort}/stats/prometheus`);
    const watcher = watch(join(folder, "assembly"), { ignoreInitial: true });
    undo.push(() => watcher.close());
    let work: Promise<void> = Promise.resolve();
    watcher.on("all", () => {
      work = work.then(async () => {
        const next = await load(compiler, folder, config);
        if (!next.ok) terminal.problem("build", `what runs goes on\n${next.messages.join("\n")}`);
        else if (await envoy.swap(next.loaded)) terminal.step("swapped", `${next.loaded.wasm.length} bytes`);
        else terminal.problem("swap", "Envoy refuses the new build; the old one goes on. Its log above says why");
      });
    });
    terminal.step("watching", `${join(folder, "assembly")}; Ctrl-C ends it`);
    return await orInterrupted(new Promise<never>(() => {}), signal);
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    throw error;
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

async function load(
  compiler: PluginCompiler,
  dir: string,
  config: string,
): Promise<{ ok: true; loaded: LoadedPlugin } | { ok: false; messages: readonly string[] }> {
  const built = await buildPlugin(compiler, dir);
  if (!built.ok) return built;
  const { name, rootId, wasm } = built;
  return { ok: true, loaded: { name, rootId, wasm, config } };
}

/** One request through Envoy, shown whole; 0 if the answer has what is expected of it. */
async function once(port: number, header: string | undefined): Promise<number> {
  const path = "/hello";
  console.log(`> GET ${path} HTTP/1.1\n> host: 127.0.0.1:${port}\n`);
  const reply = await send({ host: "127.0.0.1", port, path });
  console.log(`< HTTP/1.1 ${reply.status}`);
  for (const [name, value] of Object.entries(reply.headers)) console.log(`< ${name}: ${value}`);
  console.log(`\n${reply.body}`);
  if (header === undefined) return reply.status < 500 ? 0 : 1;
  if (reply.headers[header.toLowerCase()] !== undefined) return 0;
  console.error(`the response has no header ${header}`);
  return 1;
}

/** What the project's package.json expects of an answer: `{"weft": {"expectHeader": "x-demo"}}`. */
async function expectedHeader(dir: string): Promise<string | undefined> {
  const text = await readFile(join(dir, "package.json"), "utf8").catch(() => "{}");
  const { weft } = JSON.parse(text) as { readonly weft?: { readonly expectHeader?: unknown } };
  return typeof weft?.expectHeader === "string" ? weft.expectHeader : undefined;
}

async function readConfig(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new MeshError("folder-missing", `--config ${path} cannot be read; give a JSON file`);
  });
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new MeshError(
      "folder-missing",
      `--config ${path} is no JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function upstreamOf(url: string | undefined, echoPort: number | undefined): { host: string; port: number } {
  if (url === undefined) return { host: "127.0.0.1", port: echoPort ?? 0 };
  const found = /^http:\/\/([^/:]+)(?::(\d+))?\/?$/.exec(url);
  if (found === null) throw new MeshError("folder-missing", `--upstream ${url}: write http://host:port`);
  return { host: found[1] ?? "", port: Number(found[2] ?? 80) };
}
