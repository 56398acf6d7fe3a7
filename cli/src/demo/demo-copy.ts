import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../mesh/free-port.js";

/** A copy of the demo that can be changed at will and that disturbs no mesh that runs from the original. */
export interface DemoCopy {
  readonly root: string;
  readonly folder: string;
  readonly pluginsDir: string;
  readonly registryPort: number;
  remove(): Promise<void>;
}

/** As they stand in the demo's YAML. */
const ADDRESS_BLOCK = "127.0.1.";
const REGISTRY = "127.0.0.1:15050";
const APP_PORTS = [18081, 18082, 18083, 18084];

export async function copyDemo(folder: string, pluginsDir: string, without: readonly string[]): Promise<DemoCopy> {
  const root = await mkdtemp(join(tmpdir(), "weft-demo-"));
  const copy = { folder: join(root, "demo"), pluginsDir: join(root, "plugins") };
  const isSource = (path: string) => !/[/\\](\.weft|build|node_modules)$/.test(path);
  await cp(folder, copy.folder, { recursive: true, filter: isSource });
  await cp(pluginsDir, copy.pluginsDir, { recursive: true, filter: isSource });
  for (const plugin of without) await rm(join(copy.folder, "plugins", `${plugin}.yaml`));

  const registryPort = await freePort();
  const block = `127.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}.`;
  const ports = new Map<number, number>();
  for (const port of APP_PORTS) ports.set(port, await freePort());
  for (const entry of await readdir(copy.folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".yaml")) continue;
    const path = join(entry.parentPath, entry.name);
    let text = await readFile(path, "utf8");
    text = text.replaceAll(ADDRESS_BLOCK, block).replaceAll(REGISTRY, `127.0.0.1:${registryPort}`);
    for (const [from, to] of ports) text = text.replaceAll(String(from), String(to));
    await writeFile(path, text);
  }
  return { root, ...copy, registryPort, remove: () => rm(root, { recursive: true, force: true }) };
}
