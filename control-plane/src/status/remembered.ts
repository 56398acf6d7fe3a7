import type { ServedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { LastGood } from "./plugin-status.js";
import { isRecord, type StoredStatus } from "./document.js";

/** What a plugin's status says of the past. */
export interface RememberedPlugin {
  /** Without bytes; they come from the cache or the registry. */
  readonly lastGood?: ServedPlugin;
  readonly rejected: readonly { readonly version: string; readonly message: string }[];
}

/** Reads the memory out of the statuses of plugins, by plugin key. What is not whole is left out. */
export function rememberedPlugins(statuses: readonly StoredStatus[]): ReadonlyMap<string, RememberedPlugin> {
  const remembered = new Map<string, RememberedPlugin>();
  for (const { object, status } of statuses) {
    if (object.kind !== "WasmPlugin") continue;
    const lastGood = lastGoodFrom(status.lastGood);
    const rejected = Array.isArray(status.rejected) ? status.rejected.filter(isRejection) : [];
    remembered.set(objectKey(object), { rejected, ...(lastGood === undefined ? {} : { lastGood }) });
  }
  return remembered;
}

function lastGoodFrom(value: unknown): ServedPlugin | undefined {
  if (!isLastGood(value)) return undefined;
  const { resourceVersion, ...rest } = value;
  return { ...rest, version: resourceVersion };
}

function isLastGood(value: unknown): value is LastGood {
  if (!isRecord(value) || !isRecord(value.manifest)) return false;
  const { manifest } = value;
  const texts = ["resourceVersion", "digest", "wasmSha256", "rootId", "config", "vmId"];
  return (
    texts.every((field) => typeof value[field] === "string") &&
    (value.failStrategy === "FAIL_CLOSE" || value.failStrategy === "FAIL_OPEN") &&
    typeof manifest.side === "string" &&
    typeof manifest.phase === "string" &&
    Array.isArray(manifest.requires) &&
    Array.isArray(manifest.metrics)
  );
}

function isRejection(value: unknown): value is { version: string; message: string } {
  return isRecord(value) && typeof value.version === "string" && typeof value.message === "string";
}
