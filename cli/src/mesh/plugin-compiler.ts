import { Worker } from "node:worker_threads";
import type { CompilePluginOptions, CompilePluginResult } from "@weft/sdk/build";

/** Compiles in a thread of its own, which keeps the process alive only while it has work. */
export interface PluginCompiler {
  compile(options: CompilePluginOptions): Promise<CompilePluginResult>;
  close(): Promise<void>;
}

interface Waiting {
  readonly done: (result: CompilePluginResult) => void;
  readonly fail: (error: Error) => void;
}

export function createPluginCompiler(): PluginCompiler {
  let worker: Worker | undefined;
  let nextId = 0;
  const waiting = new Map<number, Waiting>();

  const failAll = (error: Error) => {
    worker = undefined;
    for (const { fail } of waiting.values()) fail(error);
    waiting.clear();
  };
  const start = () => {
    const started = new Worker(new URL("./compile-worker.js", import.meta.url));
    started.on("message", ({ id, result, error }: { id: number; result?: CompilePluginResult; error?: string }) => {
      const task = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) started.unref();
      if (result !== undefined) task?.done(result);
      else task?.fail(new Error(error));
    });
    started.on("error", failAll);
    return started;
  };
  return {
    compile(options) {
      worker ??= start();
      const id = nextId++;
      return new Promise((done, fail) => {
        waiting.set(id, { done, fail });
        worker?.ref();
        worker?.postMessage({ id, options });
      });
    },
    async close() {
      await worker?.terminate();
      failAll(new Error("the compiler was closed"));
    },
  };
}
