// Compiles plugins off the main thread, so that a compilation never delays anything else.
import { parentPort } from "node:worker_threads";
import { type CompilePluginOptions, compilePlugin } from "@weft/sdk/build";

parentPort?.on("message", async ({ id, options }: { id: number; options: CompilePluginOptions }) => {
  try {
    parentPort?.postMessage({ id, result: await compilePlugin(options) });
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
