import type { Plugin } from "./plugin.js";

/** Bounds of a plugin's module. */
export interface PluginLimits {
  /** Most memory of one VM; it is written into the module. */
  readonly memoryBytes: number;
  /** Most bytes of the module. */
  readonly maxModuleBytes: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: PluginLimits = { memoryBytes: 32 * MIB, maxModuleBytes: 4 * MIB };

/** What an object may ask for. Memory is counted in Wasm's pages of 64 KiB. */
export const LIMIT_BOUNDS = {
  memoryBytes: { min: 64 * 1024, max: 1024 * MIB },
  maxModuleBytes: { min: 1024, max: 64 * MIB },
} as const;

/** The limits that hold for a plugin. */
export function limitsOf({ limits }: Pick<Plugin, "limits">): PluginLimits {
  return { ...DEFAULT_LIMITS, ...limits };
}
