import { createHash } from "node:crypto";
import { HostError, limitMemory } from "@weft/sdk/host";
import type { ModuleProblem } from "./module-problem.js";

/** A module as proxies get it. */
export interface LimitedModule {
  readonly wasm: Uint8Array;
  /** Hexadecimal. */
  readonly servedSha256: string;
}

export type LimitResult =
  | ({ readonly ok: true } & LimitedModule)
  | { readonly ok: false; readonly problem: ModuleProblem };

/** Writes the memory maximum into a module: the same module and limit always give the same bytes. */
export function limitModule(wasm: Uint8Array, memoryBytes: number): LimitResult {
  try {
    const limited = limitMemory(wasm, memoryBytes);
    return { ok: true, wasm: limited, servedSha256: createHash("sha256").update(limited).digest("hex") };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const message = `limits.memory is ${memoryBytes} bytes, and ${error.message}; raise the limit, or build the module with less initial memory`;
    return { ok: false, problem: { reason: "MemoryLimit", message } };
  }
}

/** The bytes that were served before, made again from the module as it came; undefined when they are not the same. */
export function relimit(
  wasm: Uint8Array,
  { memoryBytes, servedSha256 }: { readonly memoryBytes: number; readonly servedSha256: string },
): Uint8Array | undefined {
  const limited = limitModule(wasm, memoryBytes);
  return limited.ok && limited.servedSha256 === servedSha256 ? limited.wasm : undefined;
}
