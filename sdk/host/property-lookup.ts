/* How Envoy 1.40 finds an attribute: stream attributes, then the plugin's own, then filter state `wasm.<name>`. */
import type { Context } from "./context.js";
import { encodeProperty, isPropertyMap, type PropertyMap, type PropertyValue } from "./property-value.js";
import { Status } from "./status.js";

/* Groups that can be walked but not read whole. */
const GROUPS = new Set([
  "request",
  "response",
  "connection",
  "upstream",
  "source",
  "destination",
  "filter_state",
  "upstream_filter_state",
  "xds",
]);

/** The encoded value, or a status. Parts of the path are separated by NUL. */
export function lookUpProperty(context: Context, path: string): Uint8Array | number {
  if (path === "") return Status.SerializationFailure;
  const parts = (path.endsWith("\0") ? path.slice(0, -1) : path).split("\0");
  const [first = "", ...rest] = parts;
  const group = context.streamProperties();
  if (GROUPS.has(first) && (group !== undefined || first === "xds")) {
    if (rest.length === 0) return Status.SerializationFailure;
    if (first === "filter_state") return filterState(context, rest);
  }
  const value = walk(group ?? rootProperties(context), parts);
  if (value !== undefined) return encodeProperty(value);
  const own = rest.length === 0 ? ownProperty(context, first) : undefined;
  if (own !== undefined) return Buffer.from(own);
  const state = rest.length === 0 ? context.filterState()?.get(`wasm.${first}`) : undefined;
  return state?.value ?? Status.NotFound;
}

function filterState(context: Context, parts: readonly string[]): Uint8Array | number {
  const [key = "", ...rest] = parts;
  const state = rest.length === 0 ? context.filterState()?.get(key) : undefined;
  if (state !== undefined) return state.value;
  const value = walk(context.streamProperties(), ["filter_state", ...parts]);
  return value === undefined ? Status.NotFound : encodeProperty(value);
}

function ownProperty(context: Context, name: string): string | undefined {
  if (name === "plugin_name") return context.plugin?.name;
  if (name === "plugin_root_id") return context.root?.plugin?.rootId ?? "";
  if (name === "plugin_vm_id") return context.vm.services.vmId;
  return undefined;
}

/* A root has no stream, but knows the node. */
function rootProperties(context: Context): PropertyMap | undefined {
  const xds = context.vm.services.properties.xds;
  return xds !== undefined && isPropertyMap(xds) && "node" in xds ? { xds: { node: xds.node } } : undefined;
}

function walk(map: PropertyMap | undefined, parts: readonly string[]): PropertyValue {
  let value: PropertyValue = map;
  for (const part of parts) {
    if (value === undefined || typeof value !== "object") return undefined;
    if (Array.isArray(value)) value = value[Number(part)] as PropertyValue;
    else if (isPropertyMap(value)) value = Object.hasOwn(value, part) ? value[part] : undefined;
    else return undefined;
  }
  return value;
}
