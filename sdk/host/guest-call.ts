import { Script } from "node:vm";
import { HostError } from "./errors.js";
import type { WasmFunction, WasmValue } from "./wasm-types.js";

/*
 * Only a script of node:vm has a time limit, and only globals reach it. The calls do not nest: malloc within a callback
 * runs under the limit of the callback.
 */
const SLOT = "__weftGuestCall";
const script = new Script(`globalThis.${SLOT}()`, { filename: "guest-call" });
let running = false;

/** Calls guest code; HostError LOOP where it takes longer than the limit. */
export function guestCall(fn: WasmFunction, args: readonly WasmValue[], limitMs: number, name: string): WasmValue {
  if (running) return fn(...args) ?? 0;
  const slots = globalThis as unknown as Record<string, (() => WasmValue) | undefined>;
  running = true;
  slots[SLOT] = () => fn(...args) ?? 0;
  try {
    return script.runInThisContext({ timeout: limitMs }) as WasmValue;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
      throw new HostError(
        "LOOP",
        `${name} ran longer than ${limitMs} ms: a loop would hang a worker of Envoy for ever`,
      );
    }
    throw error;
  } finally {
    running = false;
    delete slots[SLOT];
  }
}
