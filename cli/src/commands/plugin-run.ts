import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { send } from "../demo/traffic.js";
import { Interrupted, interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { createPluginCompiler } from "../mesh/plugin-compiler.js";
import { readConfigFile } from "../workbench/config-file.js";
import { startEchoUpstream } from "../workbench/echo-upstream.js";
import { createEnvoyLineReader } from "../workbench/envoy-line.js";
import { findEnvoyTools } from "../workbench/envoy-tools.js";
import { type LoadResult, loadPlugin } from "../workbench/load-plugin.js";
import { type PluginEnvoy, startPluginEnvoy } from "../workbench/plugin-envoy.js";
import { diagnosticsData, type OutputFormat, printDiagnostics, printJson } from "../workbench/print.js";
import { createRunPrinter, type RunEvent } from "../workbench/run-event.js";
import { watchMetrics } from "../workbench/watch-metrics.js";
import { watchPlugin } from "../workbench/watch-plugin.js";
import { WorkbenchError } from "../workbench/workbench-error.js";

export interface PluginRunOptions {
  readonly upstream?: string;
  readonly config?: string;
  readonly once: boolean;
  readonly expectHeader?: string;
  readonly logLevel: string;
  readonly output: OutputFormat;
}

const ENVOY_VERSION = "1.40.0";

/** `weft plugin run [DIR]`: the plugin alone, in a real Envoy. Returns the exit code. */
export async function pluginRun(dir: string, options: PluginRunOptions): Promise<number> {
  const { once, output } = options;
  const folder = resolve(dir);
  const tools = findEnvoyTools();
  const upstreamUrl = options.upstream === undefined ? undefined : readUpstream(options.upstream);
  const print = createRunPrinter(output);
  // With --once, standard output has the request and its answer only.
  const tell = once ? tellOnce : print;
  const signal = interruptSignal();
  const undo: (() => Promise<void>)[] = [];
  try {
    const compiler = createPluginCompiler();
    undo.push(compiler.close);
    const load = async (): Promise<LoadResult> => loadPlugin(compiler, folder, await readConfigFile(options.config));
    const first = await orInterrupted(load(), signal);
    if (!first.ok) return failed(first, output);
    if (output === "text") printDiagnostics(first.diagnostics);
    for (const note of first.notes) tell({ kind: "problem", subject: "pre-flight", message: note });
    const echo = upstreamUrl === undefined ? await startEchoUpstream() : undefined;
    if (echo !== undefined) undo.push(echo.close);
    const readLine = createEnvoyLineReader();
    const envoy = await startPluginEnvoy({
      tools,
      plugin: first.loaded,
      upstream: upstreamUrl ?? { host: "127.0.0.1", port: echo?.port ?? 0 },
      logLevel: options.logLevel,
      onLine: (line) => {
        const event = readLine(line);
        if (event !== undefined) tell(event);
      },
    });
    undo.push(envoy.stop);
    signal.throwIfAborted();
    if (envoy.version !== ENVOY_VERSION) tell({ kind: "problem", subject: "envoy", message: otherVersion(envoy) });
    if (once) return await sendOnce(envoy.port, options.expectHeader ?? (await expectedHeader(folder)), output);

    tell({
      kind: "ready",
      url: `http://127.0.0.1:${envoy.port}`,
      upstream: options.upstream ?? "an upstream that echoes",
      metricsUrl: `http://127.0.0.1:${envoy.adminPort}/stats/prometheus`,
      envoyVersion: envoy.version,
    });
    undo.push(watchMetrics(envoy, tell));
    const watching = await watchPlugin({ dir: folder, configFile: options.config, load, swap: envoy.swap, tell });
    undo.push(watching.close);
    tell({ kind: "watching", paths: watching.paths });
    const how = await orInterrupted(envoy.ended, signal);
    throw new WorkbenchError("envoy-failed", `Envoy ended (${how}); its log above may say why`);
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    throw error;
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

function failed(result: Extract<LoadResult, { ok: false }>, output: OutputFormat): number {
  if (result.kind === "not-built") {
    if (output === "json") printJson({ ok: false, diagnostics: diagnosticsData(result.diagnostics) });
    else printDiagnostics(result.diagnostics);
  } else if (output === "json") printJson({ ok: false, message: result.message });
  else console.error(result.message);
  return 1;
}

/* What a person wants to know of when a single request goes wrong. */
function tellOnce(event: RunEvent): void {
  if (event.kind === "log" || event.kind === "envoy") console.error(`${event.kind} ${event.level}: ${event.message}`);
  else if (event.kind === "problem") console.error(`${event.subject}: ${event.message}`);
}

/** One request through Envoy, shown whole; 0 if the answer has what is expected of it. */
async function sendOnce(port: number, expected: string | undefined, output: OutputFormat): Promise<number> {
  const path = "/hello";
  if (output === "text") console.log(`> GET ${path} HTTP/1.1\n> host: 127.0.0.1:${port}\n`);
  const { status, headers, body } = await send({ host: "127.0.0.1", port, path });
  const name = expected?.toLowerCase();
  const ok = name === undefined ? status < 500 : headers[name] !== undefined;
  if (output === "json") {
    const request = { method: "GET", path, headers: { host: `127.0.0.1:${port}` } };
    printJson({
      ok,
      request,
      response: { status, headers, body },
      ...(name === undefined ? {} : { expectHeader: name }),
    });
    return ok ? 0 : 1;
  }
  console.log(`< HTTP/1.1 ${status}`);
  for (const [header, value] of Object.entries(headers)) console.log(`< ${header}: ${value}`);
  console.log(`\n${body}`);
  if (!ok) console.error(name === undefined ? `the answer is ${status}` : `the response has no header ${expected}`);
  return ok ? 0 : 1;
}

/** What the project's package.json expects of an answer: `{"weft": {"expectHeader": "x-demo"}}`. */
async function expectedHeader(dir: string): Promise<string | undefined> {
  const file = join(dir, "package.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { weft } = JSON.parse(text) as { readonly weft?: { readonly expectHeader?: unknown } };
    return typeof weft?.expectHeader === "string" ? weft.expectHeader : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("bad-config", `${file} is no JSON: ${reason}`);
  }
}

function readUpstream(url: string): { host: string; port: number } {
  const [, host = "", port = "80"] = /^http:\/\/([^/:]+)(?::(\d{1,5}))?\/?$/.exec(url) ?? [];
  if (host === "" || Number(port) > 65535) {
    throw new WorkbenchError("bad-option", `--upstream ${url}: write http://host:port`);
  }
  return { host, port: Number(port) };
}

function otherVersion({ version }: PluginEnvoy): string {
  return `this is Envoy ${version}; Weft is made for ${ENVOY_VERSION}: what works here may not work there`;
}
