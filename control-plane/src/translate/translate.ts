import { compareStrings } from "../model/compare.js";
import type { Proxy } from "../model/proxy.js";
import { RESOURCE_TYPES, type Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { build } from "./build.js";
import { select, selectedRefs } from "./select.js";

/** Everything that one proxy should be told, ordered by type and name. Same input, same output. */
export function translate(snapshot: Snapshot, proxy: Proxy): Resource[] {
  return [...selectedRefs(select(snapshot, proxy))]
    .map((ref) => build(ref, snapshot))
    .sort((a, b) => RESOURCE_TYPES.indexOf(a.type) - RESOURCE_TYPES.indexOf(b.type) || compareStrings(a.name, b.name));
}
