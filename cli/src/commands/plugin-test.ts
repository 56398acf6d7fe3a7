import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Interrupted, interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { createPluginCompiler } from "../mesh/plugin-compiler.js";
import { buildPlugin } from "../mesh/plugin-publisher.js";
import { formatBytes, printDiagnostics } from "../workbench/print.js";
import { sourcesOf, watchFiles } from "../workbench/watch-plugin.js";
import { WorkbenchError } from "../workbench/workbench-error.js";
import { buildOnce } from "./plugin-build.js";

export interface PluginTestOptions {
  readonly watch: boolean;
}

/** The part of `vitest/node` that is used. https://vitest.dev/advanced/api/ */
interface VitestNode {
  startVitest(mode: "test", filters: readonly string[], options: object): Promise<RunningVitest>;
  parseCLI(argv: readonly string[]): { filter: string[]; options: Record<string, unknown> };
}

interface RunningVitest {
  rerunFiles(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * `weft plugin test [DIR] [-- ARGS]`: builds the plugin, then runs its tests with the project's Vitest, which gets the
 * further arguments. Returns the exit code.
 */
export async function pluginTest(dir: string, args: readonly string[], { watch }: PluginTestOptions): Promise<number> {
  const folder = resolve(dir);
  const vitestDir = vitestOf(folder);
  if (watch) return watchTests(folder, vitestDir, args);
  const built = await buildOnce(folder);
  printDiagnostics(built.diagnostics);
  if (!built.ok) return 1;
  console.log(`${built.wasmPath} (${formatBytes(built.wasm.length)})`);
  const command = [join(vitestDir, "vitest.mjs"), "run", ...args];
  const child = spawn(process.execPath, command, { cwd: folder, stdio: "inherit" });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (exitCode) => done(exitCode ?? 1));
  });
}

/** Runs the tests again when the plugin's sources or the tests change, until Ctrl-C. */
async function watchTests(folder: string, vitestDir: string, args: readonly string[]): Promise<number> {
  const signal = interruptSignal();
  const undo: (() => Promise<void>)[] = [];
  try {
    const compiler = createPluginCompiler();
    undo.push(compiler.close);
    const build = async (): Promise<boolean> => {
      const built = await buildPlugin(compiler, folder);
      printDiagnostics(built.diagnostics);
      if (!built.ok) console.error("the plugin does not compile; its tests run again once it does");
      return built.ok;
    };
    const isBuilt = await build();
    process.chdir(folder);
    const node = (await import(pathToFileURL(join(vitestDir, "dist", "node.js")).href)) as VitestNode;
    const { filter, options } = node.parseCLI(["vitest", "watch", ...args]);
    let starting: Promise<RunningVitest> | undefined;
    const start = async (): Promise<RunningVitest> => {
      const vitest = await keepSignals(() =>
        node.startVitest("test", filter, { ...options, root: folder, watch: true }),
      );
      undo.push(() => vitest.close());
      return vitest;
    };
    // Vitest sees changes of the tests itself; it does not know what the module is made of.
    const onSave = async () => {
      if (!(await build())) return;
      if (starting === undefined) {
        starting = start();
        await starting;
      } else await (await starting).rerunFiles();
    };
    // Before the tests run: they say that they wait for changes, and from then on none may be missed.
    undo.push(await watchFiles(sourcesOf(folder), onSave, (error) => console.error(error)));
    if (isBuilt) {
      starting ??= start();
      await starting;
    }
    return await orInterrupted(new Promise<never>(() => {}), signal);
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    throw error;
  } finally {
    for (const end of undo.reverse()) await end();
  }
}

/** Vitest ends the process at once when a signal comes, while we still clean up: its listeners are taken off. */
async function keepSignals<T>(work: () => Promise<T>): Promise<T> {
  const names = ["SIGINT", "SIGTERM"] as const;
  const before = names.map((name) => new Set(process.listeners(name)));
  const result = await work();
  for (const [i, name] of names.entries()) {
    for (const listener of process.listeners(name)) if (!before[i]?.has(listener)) process.off(name, listener);
  }
  return result;
}

function vitestOf(folder: string): string {
  try {
    return dirname(createRequire(join(folder, "package.json")).resolve("vitest/package.json"));
  } catch (error) {
    throw new WorkbenchError(
      "setup-missing",
      `${folder} has no Vitest; run npm install in it, or npm install --save-dev vitest@4`,
      { cause: error },
    );
  }
}
