import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workload } from "@weft/control-plane/model/workload";
import { parse } from "yaml";
import type { Mesh } from "../mesh/standalone-mesh.js";
import { type Reply, send, type Target } from "./traffic.js";
import { waitFor } from "./wait.js";

/** The port of every service of the demo. */
export const SERVICE_PORT = 8080;

/** What the checks of the demonstration work with. */
export interface DemoContext {
  readonly mesh: Mesh;
  /** The folder with the plugins' sources; a copy when the checks may change it. */
  readonly pluginsDir: string;
  workload(name: string): Workload;
  /** A request to frontend, as a client outside of the mesh sends it. */
  frontend(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  target(name: string, path: string): Omit<Target, "agent">;
  /** Puts the YAML of a WasmPlugin into the folder. */
  attach(name: string, yaml: string): Promise<void>;
  detach(name: string): Promise<void>;
  /** Waits for a condition in the status file of a WasmPlugin, and returns its message. */
  condition(plugin: string, type: string, status: "True" | "False", text?: string): Promise<string>;
}

export interface PluginStatusFile {
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly proxies: { readonly matched: number; readonly acked: number };
}

export function createDemoContext(mesh: Mesh, pluginsDir: string): DemoContext {
  const workload = (name: string): Workload => {
    const found = mesh.workloads().find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`the demo has no workload ${name}`);
    return found;
  };
  const target = (name: string, path: string) => ({ host: workload(name).address, port: SERVICE_PORT, path });
  const fileOf = (name: string) => join(mesh.folder, "plugins", `${name}.yaml`);
  return {
    mesh,
    pluginsDir,
    workload,
    target,
    frontend: (path, headers = {}) => send({ ...target("frontend", path), headers }),
    attach: (name, yaml) => writeFile(fileOf(name), yaml),
    detach: (name) => rm(fileOf(name)),
    condition: (plugin, type, status, text = "") =>
      waitFor(`${type}=${status} of WasmPlugin ${plugin}${text === "" ? "" : ` with "${text}"`}`, async () => {
        const found = (await readPluginStatus(mesh, plugin))?.conditions.find((c) => c.type === type);
        return found?.status === status && found.message.includes(text) ? found.message : undefined;
      }),
  };
}

export async function readPluginStatus(mesh: Mesh, plugin: string): Promise<PluginStatusFile | undefined> {
  const file = join(mesh.state.status, "WasmPlugin", `default.${plugin}.yaml`);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  return (parse(text) as { readonly status: PluginStatusFile }).status;
}
