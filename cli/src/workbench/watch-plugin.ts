import { join, resolve } from "node:path";
import { watch } from "chokidar";
import type { LoadResult } from "./load-plugin.js";
import type { LoadedPlugin } from "./plugin-bootstrap.js";
import type { RunEvent } from "./run-event.js";

export interface WatchPluginOptions {
  readonly dir: string;
  /** The file of `--config`. */
  readonly configFile: string | undefined;
  /** Compiles and tests what is there now. Rejects for a configuration that cannot be read. */
  readonly load: () => Promise<LoadResult>;
  /** False: Envoy refuses it, and the old one goes on. */
  readonly swap: (plugin: LoadedPlugin) => Promise<boolean>;
  readonly tell: (event: RunEvent) => void;
}

/** How long the files must be quiet; editors write in several steps. */
const SETTLE_MS = 50;

/** The sources of a plugin: what, when it is saved, makes another build. */
export function sourcesOf(dir: string): string[] {
  return [join(dir, "assembly"), join(dir, "plugin.yaml")];
}

/** Swaps a plugin in at every save that loads; what does not leaves the old one as it is. */
export async function watchPlugin(options: WatchPluginOptions): Promise<{
  readonly paths: readonly string[];
  close(): Promise<void>;
}> {
  const { dir, configFile, load, swap, tell } = options;
  const paths = [...sourcesOf(dir), ...(configFile === undefined ? [] : [resolve(configFile)])];
  const onSave = async () => {
    const beganMs = performance.now();
    const next = await load();
    if (!next.ok) {
      if (next.kind === "not-built") return tell({ kind: "not-built", diagnostics: next.diagnostics });
      return tell({ kind: "problem", subject: "refused", message: `${next.message}\nwhat runs goes on` });
    }
    for (const note of next.notes) tell({ kind: "problem", subject: "pre-flight", message: note });
    if (await swap(next.loaded)) {
      const tookMs = Math.round(performance.now() - beganMs);
      return tell({ kind: "swapped", wasmBytes: next.loaded.wasm.length, tookMs });
    }
    const message = "Envoy refuses the new build; the old one goes on. Its log above says why";
    return tell({ kind: "problem", subject: "swap", message });
  };
  const close = await watchFiles(paths, onSave, (error) =>
    tell({ kind: "problem", subject: "load", message: `${error.message}\nwhat runs goes on` }),
  );
  return { paths, close };
}

/**
 * Calls `onSave` after each change, one call at a time; changes while it works make one more. Returns what ends it.
 * Resolves once every change is seen.
 */
export async function watchFiles(
  paths: readonly string[],
  onSave: () => Promise<void>,
  onError: (error: Error) => void,
): Promise<() => Promise<void>> {
  let timer: NodeJS.Timeout | undefined;
  let isDirty = false;
  let work: Promise<void> | undefined;
  const run = async () => {
    while (isDirty) {
      isDirty = false;
      await onSave().catch((error: unknown) => onError(error instanceof Error ? error : new Error(String(error))));
    }
    work = undefined;
  };
  const watcher = watch([...paths], { ignoreInitial: true });
  watcher.on("all", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isDirty = true;
      work ??= run();
    }, SETTLE_MS);
  });
  watcher.on("error", (error) => onError(error instanceof Error ? error : new Error(String(error))));
  await new Promise<void>((done) => watcher.once("ready", () => done()));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
    isDirty = false;
    await work;
  };
}
