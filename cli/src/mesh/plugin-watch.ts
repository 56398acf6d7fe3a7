import { relative } from "node:path";
import { watch } from "chokidar";
import { findPlugins, type Published } from "./plugin-publisher.js";
import type { Mesh } from "./standalone-mesh.js";
import type { Terminal } from "./terminal.js";

/** How long a folder must be quiet before its plugin is compiled; editors write in several steps. */
const SETTLE_MS = 50;

/** Compiles and pushes every plugin below a folder. Returns those that failed. */
export async function publishAll(
  mesh: Pick<Mesh, "publish">,
  pluginsDir: string,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<Published[]> {
  const failed: Published[] = [];
  for (const { name, dir } of await findPlugins(pluginsDir)) {
    signal?.throwIfAborted();
    const published = await mesh.publish(dir, name);
    tell(published, terminal);
    if (!published.ok) failed.push(published);
  }
  return failed;
}

/** Publishes a plugin again whenever its sources change. What does not compile leaves the pushed one as it is. */
export async function watchPlugins(mesh: Mesh, pluginsDir: string, terminal: Terminal): Promise<() => Promise<void>> {
  const timers = new Map<string, NodeJS.Timeout>();
  let queue: Promise<void> = Promise.resolve();
  const watcher = watch(pluginsDir, {
    ignoreInitial: true,
    ignored: (path) => /[/\\](build|node_modules|test|\.[^/\\]*)([/\\]|$)/.test(relative(pluginsDir, path)),
  });
  watcher.on("all", (_event, path) => {
    const [name] = relative(pluginsDir, path).split(/[/\\]/);
    if (name === undefined || name === "") return;
    clearTimeout(timers.get(name));
    timers.set(name, setTimeout(publishLater, SETTLE_MS, name));
  });
  const publishLater = (name: string) => {
    timers.delete(name);
    queue = queue.then(async () => {
      const plugin = (await findPlugins(pluginsDir)).find((found) => found.name === name);
      if (plugin === undefined) return;
      try {
        tell(await mesh.publish(plugin.dir, name), terminal);
      } catch (error) {
        terminal.problem(`plugin ${name}`, error instanceof Error ? error.message : String(error));
      }
    });
  };
  await new Promise<void>((done) => watcher.once("ready", () => done()));
  return async () => {
    for (const timer of timers.values()) clearTimeout(timer);
    await watcher.close();
  };
}

function tell(published: Published, terminal: Terminal): void {
  if (!published.ok) {
    const { name, messages } = published;
    terminal.problem("plugin", `${name} does not compile; what was pushed before stays\n${messages.join("\n")}`);
    return;
  }
  const { reference, wasmPath, wasmBytes, tookMs } = published;
  terminal.step("plugin", `${reference} ${(wasmBytes / 1024).toFixed(1)} KB in ${tookMs} ms, module ${wasmPath}`);
}
