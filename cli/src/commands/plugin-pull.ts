import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import {
  formatReference,
  PLUGIN_WASM,
  PLUGIN_YAML,
  type PulledPlugin,
  parseReference,
  pullPlugin,
} from "@weft/registry";
import { formatBytes, type OutputFormat, printJson } from "../workbench/print.js";
import { openRegistries, type RegistryAccess } from "../workbench/registry-access.js";
import { WorkbenchError } from "../workbench/workbench-error.js";

export interface PluginPullOptions extends RegistryAccess {
  /** The folder for the files. Default: named as the last part of the repository. */
  readonly to?: string;
  readonly output: OutputFormat;
}

/** `weft plugin pull REFERENCE`: writes what is in the image to a new folder. Returns the exit code. */
export async function pluginPull(text: string, options: PluginPullOptions): Promise<number> {
  const reference = parseReference(text);
  const dir = resolve(options.to ?? reference.repository.replace(/^.*\//, ""));
  await requireEmpty(dir);
  const client = await openRegistries(options, [reference]);
  const pulled = await pullPlugin(client, reference);
  const files = filesOf(pulled);
  for (const [name, bytes] of files) await writeNew(dir, name, bytes);
  const { digest, layout, wasmSha256, manifest } = pulled;
  const pinned = formatReference({ ...reference, digest });
  if (options.output === "json") {
    const { annotations } = manifest;
    const names = files.map(([name]) => name);
    printJson({ ok: true, reference: pinned, digest, wasmSha256, layout, annotations, dir, files: names });
  } else {
    console.log(pinned);
    for (const [name, bytes] of files) console.log(`  ${join(dir, name)} (${formatBytes(bytes.length)})`);
  }
  return 0;
}

/** By name: the module, its manifest, the rest. */
function filesOf({ wasm, pluginYaml, extraFiles }: PulledPlugin): (readonly [string, Uint8Array])[] {
  const yaml = pluginYaml === undefined ? [] : [[PLUGIN_YAML, Buffer.from(pluginYaml)] as const];
  const extra = [...extraFiles].sort(([a], [b]) => (a < b ? -1 : 1));
  return [[PLUGIN_WASM, wasm], ...yaml, ...extra];
}

async function requireEmpty(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new WorkbenchError("not-empty", `${dir} cannot be written to: ${error.message}`, { cause: error });
  });
  if (entries.length === 0) return;
  throw new WorkbenchError("not-empty", `${dir} is not empty; name another folder with --to`);
}

async function writeNew(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(dir, name);
  assert(path.startsWith(`${dir}${sep}`.replace(/\/\/$/, "/")), `${name} leads out of the folder`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes, { flag: "wx" });
}
