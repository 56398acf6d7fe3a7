import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { readStatuses, storedConditions } from "@weft/control-plane/status/writer";
import { stateFolder } from "../mesh/state-folder.js";
import { findTools } from "../mesh/tools.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import {
  type Check,
  certificatesCheck,
  checksText,
  diagnosticsCheck,
  envoyCheck,
  pluginsCheck,
  proxiesCheck,
} from "./mesh-checks.js";
import { reportOf } from "./mesh-status.js";
import { readFolder } from "./translate.js";

export interface CheckFlags {
  /** Folder with the YAML of the mesh, or the control plane's admin socket. */
  readonly file: string;
  readonly output: OutputFormat;
}

/** `weft check`: ticks, and for each cross a fix. Returns the exit code. */
export async function checkMesh({ file, output }: CheckFlags): Promise<number> {
  const folder = resolve(file);
  // In a cluster objects have their own statuses, and the control plane's image its own tools.
  const isSocket = await stat(folder).then(
    (found) => found.isSocket(),
    () => false,
  );
  const ofFolder = isSocket ? [] : [await toolsCheck(), ...(await folderChecks(folder))];
  const checks = [...ofFolder, ...(await runningChecks(folder))];
  if (output === "json") printJson({ folder, ok: checks.every(({ ok }) => ok), checks });
  else console.log(checksText(checks));
  return checks.every(({ ok }) => ok) ? 0 : 1;
}

async function toolsCheck(): Promise<Check> {
  try {
    const { envoyPath } = findTools();
    const { stdout } = await promisify(execFile)(envoyPath, ["--version"], { timeout: 30_000 });
    return envoyCheck(envoyPath, stdout);
  } catch (error) {
    return { name: "tools", ok: false, detail: messageOf(error), fix: "run npm run setup in the clone" };
  }
}

async function folderChecks(folder: string): Promise<readonly Check[]> {
  try {
    const { snapshot, diagnostics } = await readFolder(folder);
    const services = `${snapshot.services.size} services, ${snapshot.workloads.size} workloads`;
    const { statuses } = await readStatuses(stateFolder(folder).status);
    const plugins = [...snapshot.plugins.keys()].sort().map((key) => {
      const stored = statuses.find(({ object: o }) => o.kind === "WasmPlugin" && `${o.namespace}/${o.name}` === key);
      return { key, conditions: stored === undefined ? [] : storedConditions(stored) };
    });
    return [
      { name: "folder", ok: true, detail: `${folder}: ${services}` },
      diagnosticsCheck(diagnostics),
      pluginsCheck(plugins),
    ];
  } catch (error) {
    const fix = "name the folder with the YAML of the mesh: -f DIR";
    return [{ name: "folder", ok: false, detail: messageOf(error), fix }];
  }
}

async function runningChecks(folder: string): Promise<readonly Check[]> {
  const name = "control plane";
  try {
    const report = await reportOf(folder);
    if (report === undefined)
      return [{ name, ok: false, detail: "none runs for this folder", fix: `start one: weft up ${folder}` }];
    const { pid, xds } = report.controlPlane;
    const nowMs = Date.now();
    return [
      { name, ok: true, detail: `process ${pid}, xDS on ${xds}` },
      proxiesCheck(report, nowMs),
      certificatesCheck(report, nowMs),
    ];
  } catch (error) {
    return [{ name, ok: false, detail: messageOf(error), fix: "see the log of the control plane" }];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
