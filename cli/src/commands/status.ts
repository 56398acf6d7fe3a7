import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isRecord, type StoredStatus, storedConditions } from "@weft/control-plane/status/document";
import { readEvents } from "@weft/control-plane/status/event-file";
import { readStatuses } from "@weft/control-plane/status/writer";
import { runningOwner } from "../mesh/run-lock.js";
import { stateFolder } from "../mesh/state-folder.js";
import { eventTable } from "../workbench/event-table.js";
import { type PluginRow, pluginTable } from "../workbench/plugin-table.js";
import { type OutputFormat, plainText, printJson } from "../workbench/print.js";
import { WorkbenchError } from "../workbench/workbench-error.js";
import { readFolder } from "./translate.js";

export interface StatusPluginsOptions {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
  /** Whether to tell what happened, in the place of what is. */
  readonly events: boolean;
}

/** `weft status plugins`: what runs where, and why not. Returns the exit code. */
export async function statusPlugins({ file, output, events }: StatusPluginsOptions): Promise<number> {
  const folder = resolve(file);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new WorkbenchError("not-found", `${folder} is no folder; name the one that weft up runs`);
  if (events) return statusEvents(folder, output);
  const { statuses, unreadable } = await readStatuses(stateFolder(folder).status);
  const { snapshot } = await readFolder(folder);
  const stored = new Map(
    statuses
      .filter(({ object }) => object.kind === "WasmPlugin")
      .map((status) => [`${status.object.namespace}/${status.object.name}`, status]),
  );
  const keys = [...new Set([...stored.keys(), ...snapshot.plugins.keys()])].sort();
  const plugins = keys.map((key) => rowOf(key, stored.get(key), snapshot.plugins.get(key)?.phase));
  const owner = await runningOwner(stateFolder(folder).runRecord);
  if (output === "json") {
    const data = plugins.map((row) => ({ ...stored.get(`${row.namespace}/${row.name}`)?.status, ...row }));
    printJson({ folder, running: owner !== undefined, plugins: data, unreadable });
    return 0;
  }
  if (owner === undefined) console.error(`no mesh runs on ${folder}: this is how it was last`);
  for (const path of unreadable) console.error(`${plainText(path)} cannot be read as a status and is left out`);
  if (plugins.length === 0) console.log(`${folder} has no WasmPlugin`);
  else for (const line of pluginTable(plugins)) console.log(line);
  return 0;
}

/** `weft status plugins --events`: what happened to plugins, the newest last. */
async function statusEvents(folder: string, output: OutputFormat): Promise<number> {
  const happened = await readEvents(stateFolder(folder).events);
  if (output === "json") printJson({ folder, events: happened });
  else if (happened.length === 0) console.log(`nothing is known to have happened to the plugins of ${folder}`);
  else for (const line of eventTable(happened)) console.log(line);
  return 0;
}

/** What can be told of a plugin; of a file that somebody else wrote nothing is certain. */
function rowOf(key: string, stored: StoredStatus | undefined, wantedPhase: string | undefined): PluginRow {
  const [namespace = "", name = ""] = stored ? [stored.object.namespace, stored.object.name] : key.split("/");
  const { digest, servedSha256, proxies, rollout, lastGood } = stored?.status ?? {};
  const manifest = isRecord(lastGood) && isRecord(lastGood.manifest) ? lastGood.manifest : {};
  const phase = wantedPhase ?? manifest.phase;
  return {
    namespace,
    name,
    ...(typeof phase === "string" ? { phase } : {}),
    ...(typeof digest === "string" ? { digest } : {}),
    ...(typeof servedSha256 === "string" ? { servedSha256 } : {}),
    ...(isRecord(proxies) ? { proxies: countsOf(proxies) } : {}),
    ...(isRecord(rollout) ? { rollout } : {}),
    conditions:
      stored === undefined
        ? []
        : storedConditions(stored).map(({ type, status, reason, message }) => ({
            type,
            status,
            reason: String(reason ?? ""),
            message: String(message ?? ""),
          })),
  };
}

function countsOf({ matched, acked, rejected, lastError }: Readonly<Record<string, unknown>>) {
  const number = (value: unknown): number => (typeof value === "number" ? value : 0);
  return {
    matched: number(matched),
    acked: number(acked),
    rejected: number(rejected),
    ...(typeof lastError === "string" ? { lastError } : {}),
  };
}
