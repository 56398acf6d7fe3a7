import type { ServedPlugin } from "../model/module-state.js";
import { relimit } from "./limit-module.js";
import type { ModuleCache } from "./module-cache.js";
import type { RejectedVersion, RememberedModule } from "./module-worker.js";

/** Adds what the cache still has to what is remembered without bytes. A cache that cannot be read has nothing. */
export async function withBytes(
  remembered: ReadonlyMap<string, { readonly lastGood?: ServedPlugin; readonly rejected: readonly RejectedVersion[] }>,
  cache: ModuleCache,
): Promise<ReadonlyMap<string, RememberedModule>> {
  const complete = new Map<string, RememberedModule>();
  for (const [key, { lastGood, rejected }] of remembered) {
    const module = lastGood && (await cache.get(lastGood.digest).catch(() => undefined));
    const wasm = lastGood && module && relimit(module.wasm, lastGood);
    complete.set(key, {
      rejected,
      ...(lastGood === undefined ? {} : { lastGood: { ...lastGood, ...(wasm === undefined ? {} : { wasm }) } }),
    });
  }
  return complete;
}
