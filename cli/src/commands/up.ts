import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createDemoContext, SERVICE_PORT } from "../demo/demo-context.js";
import { Interrupted, interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { MeshError } from "../mesh/mesh-error.js";
import { publishAll, watchPlugins } from "../mesh/plugin-watch.js";
import { type Mesh, startMesh } from "../mesh/standalone-mesh.js";
import { createTerminal, type Terminal } from "../mesh/terminal.js";
import { findTools } from "../mesh/tools.js";
import { whenSynced } from "../mesh/when-synced.js";
import { pluginsInForce, runAll, TOUR } from "./demo.js";

export interface UpOptions {
  readonly plugins?: string;
  readonly registryPort: number;
  readonly trustDomain: string;
  readonly certificateTtl: number;
  readonly tagPollMs: number;
  /** Of the control plane's metrics, on 127.0.0.1. */
  readonly metricsPort?: number;
  readonly tour: boolean;
}

/** `weft up FOLDER`: runs a standalone mesh until a signal ends it. */
export async function up(folder: string, options: UpOptions): Promise<void> {
  const terminal = createTerminal((text) => process.stdout.write(text));
  const signal = interruptSignal();
  const pluginsDir = options.plugins === undefined ? undefined : await existingPlugins(options.plugins);
  const undo: (() => Promise<void>)[] = [];
  try {
    const mesh = await startMesh({
      ...options,
      ...findTools(),
      certificateTtlMs: options.certificateTtl,
      folder,
      signal,
      onEvent: terminal.event,
      beforeStart: async (publisher) => {
        if (pluginsDir !== undefined) await publishAll(publisher, pluginsDir, terminal, signal);
      },
    });
    undo.push(mesh.stop);
    if (pluginsDir !== undefined) undo.push(await watchPlugins(mesh, pluginsDir, terminal));
    const isSynced = await orInterrupted(synced(mesh, terminal), signal);
    if (isSynced && options.tour) await orInterrupted(tour(mesh, pluginsDir ?? "", terminal), signal);
    const watched = [mesh.folder, pluginsDir].filter((path) => path !== undefined).join(" and ");
    terminal.step("watching", `${watched}; Ctrl-C ends all of it`);
    await orInterrupted(new Promise<never>(() => {}), signal);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    terminal.step("stop", `${error.message}: ending sidecars, apps, control plane and registry`);
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

/** A workload that does not come up, for example because a port is in use, takes nothing away from the others. */
async function synced(mesh: Mesh, terminal: Terminal): Promise<boolean> {
  try {
    await whenSynced(mesh);
  } catch (error) {
    terminal.problem("ready", error instanceof Error ? error.message : String(error));
    return false;
  }
  terminal.step("ready", `${mesh.workloads().length} workloads in sync`);
  return true;
}

async function tour(mesh: Mesh, pluginsDir: string, terminal: Terminal): Promise<void> {
  const context = createDemoContext(mesh, pluginsDir);
  try {
    await pluginsInForce(context);
  } catch (error) {
    terminal.problem("plugins", error instanceof Error ? error.message : String(error));
    return;
  }
  await runAll(TOUR, context, terminal);
  const { address } = context.workload("frontend");
  terminal.step(
    "try",
    [
      `curl -i http://${address}:${SERVICE_PORT}/                         who answers: x-backend-version`,
      `curl -i -H 'x-canary: always' http://${address}:${SERVICE_PORT}/   always v2`,
      `curl -s http://${address}:15090/stats/prometheus | grep istio_requests_total`,
      "edit a plugin in plugins/*/assembly or a file in examples/demo, and save",
      "npm start -- --once                                   all checks, with faults, on a copy",
    ].join("\n"),
  );
}

async function existingPlugins(path: string): Promise<string> {
  const dir = resolve(path);
  const found = await stat(dir).catch(() => undefined);
  if (!found?.isDirectory()) throw new MeshError("folder-missing", `--plugins ${path} is not a folder`);
  return dir;
}
