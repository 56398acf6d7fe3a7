import { LIMIT_BOUNDS, type PluginLimits } from "../model/plugin-limits.js";
import { type Reader, readObject } from "./fields.js";
import { readBytes } from "./quantity.js";

/** `limits` of a WasmPlugin: what the object gives; the rest has defaults. */
export const readLimits: Reader<Partial<PluginLimits>> = readObject((fields) => {
  const memoryBytes = fields.optional("memory", readBytes(LIMIT_BOUNDS.memoryBytes));
  const maxModuleBytes = fields.optional("maxModuleSize", readBytes(LIMIT_BOUNDS.maxModuleBytes));
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(maxModuleBytes !== undefined && { maxModuleBytes }),
  };
});
