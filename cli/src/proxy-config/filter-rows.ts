import { compareStrings } from "@weft/control-plane/model/compare";
import type { DumpedResource } from "./config-dump.js";
import { at, items, type Json, text, typeName } from "./json.js";

/** One filter in a slot for plugins and policies. */
export interface FilterRow {
  readonly slot: string;
  /** Counted from one; 0 for a slot with nothing in it. */
  readonly position: number;
  readonly name: string;
  /** `Wasm`, `RBAC`, `JwtAuthentication`, …; "" in an empty slot. */
  readonly type: string;
  /** For Wasm: the VM, the root id and what becomes of requests while it is broken. */
  readonly detail: string;
  readonly version: string;
}

/** What stands in the slots, by slot and in the order in which requests pass. */
export function filterRows(extensions: readonly DumpedResource[]): FilterRow[] {
  return extensions
    .map(({ value, version }) => ({ slot: text(at(value, "name")), config: at(value, "typed_config"), version }))
    .sort((a, b) => compareStrings(a.slot, b.slot))
    .flatMap(({ slot, config, version }) => {
      const filters = typeName(config) === "FilterChainConfig" ? items(at(config, "filters")) : [undefined];
      if (filters.length === 0) return [{ slot, position: 0, name: "", type: "", detail: "", version }];
      return filters.map((filter, index) => {
        const typed = filter === undefined ? config : at(filter, "typed_config");
        return {
          slot,
          position: index + 1,
          name: filter === undefined ? slot : text(at(filter, "name")),
          type: typeName(typed),
          detail: wasmText(typed),
          version,
        };
      });
    });
}

function wasmText(filter: Json): string {
  const plugin = at(filter, "config");
  const vm = text(at(plugin, "vm_config", "vm_id"));
  if (vm === "") return "";
  return [
    `root ${text(at(plugin, "root_id"))}`,
    `vm ${vm}`,
    text(at(plugin, "failure_policy")),
    text(at(plugin, "configuration", "value")),
  ]
    .filter((part) => part !== "")
    .join(", ");
}
