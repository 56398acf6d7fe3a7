import type { MeshReport } from "@weft/control-plane/mesh-report";
import { askControlPlaneOf } from "../mesh/control-plane-process.js";
import { MeshError } from "../mesh/mesh-error.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import { isWrong, meshStatusText, syncState } from "./mesh-status-text.js";

export interface MeshStatusFlags {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
}

/** `weft status`: whether all proxies have what they should, and why not. Returns the exit code. */
export async function meshStatus({ file, output }: MeshStatusFlags): Promise<number> {
  const report = await reportOf(file);
  if (report === undefined) {
    if (output === "json") printJson({ running: false });
    else
      console.error(`no control plane runs for ${file}: proxies that are there go on with what they have.
Fix: start one with weft up ${file}`);
    return 1;
  }
  const nowMs = Date.now();
  if (output === "json") {
    const proxies = report.proxies.map((proxy) => ({ ...proxy, state: syncState(proxy, nowMs) }));
    printJson({ running: true, ...report, proxies });
  } else console.log(meshStatusText(report, nowMs));
  return isWrong(report, nowMs) ? 1 : 0;
}

/** What the control plane of a folder says of its proxies; undefined where none runs. */
export async function reportOf(folder: string): Promise<MeshReport | undefined> {
  try {
    return await askControlPlaneOf<MeshReport>(folder, "/status");
  } catch (error) {
    if (error instanceof MeshError && error.code === "control-plane-failed") return undefined;
    throw error;
  }
}
