import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { RBAC_Action } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { FilterChainConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.js";
import { RBACSchema } from "../envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { WasmSchema } from "../envoy-api/gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { FailurePolicy, type PluginConfigSchema } from "../envoy-api/gen/envoy/extensions/wasm/v3/wasm_pb.js";
import { type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { contentHash, typedExtension } from "./encode.js";
import { pluginFilterName } from "./names.js";
import { phaseOf } from "./plugin-order.js";
import type { SlotEntry } from "./ref.js";

type FilterInit = MessageInitShape<typeof TypedExtensionConfigSchema>;

/** What stands in a slot for one plugin, or for policies. */
type Link =
  | { readonly kind: "policies"; readonly filter: FilterInit; readonly hash: string }
  | { readonly kind: "plugin"; readonly key: string; readonly served: ServedPlugin }
  /** Nothing may pass until the plugin, which guards, was ready once. */
  | { readonly kind: "deny"; readonly key: string };

/**
 * A slot: the plugins of one phase, in order, as a filter chain that Envoy swaps as a whole, also on open
 * connections. Its version follows from what defines the plugins, so it is known without their bytes. `entries` are
 * the plugins of the slot in their order; filters of policies stand before them.
 */
export function buildSlot(
  snapshot: Snapshot,
  name: string,
  entries: readonly SlotEntry[],
  policyFilters: readonly FilterInit[] = [],
): Resource {
  const plugins = entries.flatMap((entry) => link(snapshot, entry) ?? []);
  const links: readonly Link[] = [...policyFilters.map(policyLink), ...plugins];
  const version = slotVersion(name, links);
  if (links.every((l) => l.kind !== "plugin" || l.served.wasm !== undefined))
    return { type: "extension", name, version, bytes: encodeSlot(name, links) };

  const kept = links.flatMap((l) =>
    l.kind === "plugin" && l.served.wasm === undefined ? (placeholder(snapshot, l.key, l.served) ?? []) : l,
  );
  return {
    type: "extension",
    name,
    version,
    fallback: { version: slotVersion(name, kept), bytes: encodeSlot(name, kept) },
  };
}

function policyLink(filter: FilterInit): Link {
  const bytes = toBinary(TypedExtensionConfigSchema, create(TypedExtensionConfigSchema, filter));
  return { kind: "policies", filter, hash: contentHash(bytes) };
}

function link(snapshot: Snapshot, { key, candidate }: SlotEntry): Link | undefined {
  const state = snapshot.modules.get(key);
  const served = candidate ? state?.rollout?.candidate : servedPlugin(state);
  return served === undefined ? placeholder(snapshot, key, served) : { kind: "plugin", key, served };
}

/** A plugin that cannot be had is left out, unless it guards: then it is closed in its place. */
function placeholder(snapshot: Snapshot, key: string, served: ServedPlugin | undefined): Link | undefined {
  const plugin = snapshot.plugins.get(key);
  if (plugin === undefined || !isGuard(plugin, served)) return undefined;
  return { kind: "deny", key };
}

/** Whether requests must not pass without this version of the plugin. */
export function isGuard(plugin: Plugin, served: ServedPlugin | undefined): boolean {
  const phase = phaseOf(plugin, served);
  return plugin.failStrategy === "FAIL_CLOSE" && (phase === "authn" || phase === "authz");
}

function slotVersion(name: string, links: readonly Link[]): string {
  return contentHash(JSON.stringify([name, ...links.map(definition)]));
}

/** What tells a link from another in its place. */
function definition(l: Link): readonly [string, string] {
  switch (l.kind) {
    case "policies":
      return ["policies", l.hash];
    case "plugin":
      return [l.key, l.served.version];
    case "deny":
      return [l.key, "deny"];
  }
}

function encodeSlot(name: string, links: readonly Link[]): Uint8Array {
  const filters = links.map((l) => {
    if (l.kind === "policies") return l.filter;
    return l.kind === "plugin" ? wasmFilter(l.key, l.served) : denyFilter(l.key);
  });
  return toBinary(
    TypedExtensionConfigSchema,
    create(
      TypedExtensionConfigSchema,
      typedExtension(name, FilterChainConfigSchema, filters.length === 0 ? {} : { defaultFilterChain: { filters } }),
    ),
  );
}

function denyFilter(key: string): FilterInit {
  return typedExtension(pluginFilterName(key), RBACSchema, { rules: { action: RBAC_Action.ALLOW, policies: {} } });
}

/** The HTTP filter that runs a plugin in Envoy. Also what the pre-flight hands to `envoy --mode validate`. */
export function wasmFilter(key: string, served: ServedPlugin): FilterInit {
  return typedExtension(pluginFilterName(key), WasmSchema, { config: pluginConfig(key, served) });
}

/** A plugin as Envoy runs it, in whatever filter. */
export function pluginConfig(key: string, served: ServedPlugin): MessageInitShape<typeof PluginConfigSchema> {
  return {
    name: pluginFilterName(key),
    rootId: served.rootId,
    vm: {
      case: "vmConfig",
      value: {
        vmId: served.vmId,
        runtime: "envoy.wasm.runtime.v8",
        ...restrictions(served),
        // Never remote: Envoy acknowledges remote code that it does not have, and runs nothing.
        code: {
          specifier: {
            case: "local",
            value: { specifier: { case: "inlineBytes", value: served.wasm ?? new Uint8Array() } },
          },
        },
      },
    },
    configuration: {
      typeUrl: `type.googleapis.com/${StringValueSchema.typeName}`,
      value: toBinary(StringValueSchema, create(StringValueSchema, { value: served.config })),
    },
    // Envoy's default closes for good after one trap.
    failurePolicy: served.failStrategy === "FAIL_OPEN" ? FailurePolicy.FAIL_OPEN : FailurePolicy.FAIL_RELOAD,
    allowOnHeadersStopIteration: true,
  };
}

/** What the VM may use, and its environment. Envoy takes them for a part of the VM's identity, as it does the code. */
function restrictions({ capabilities, env }: ServedPlugin) {
  const allowedCapabilities = Object.fromEntries(capabilities.map((name) => [name, {}]));
  return {
    ...(Object.keys(env).length > 0 && { environmentVariables: { keyValues: { ...env } } }),
    ...(capabilities.length > 0 && { capabilityRestrictionConfig: { allowedCapabilities } }),
  };
}
