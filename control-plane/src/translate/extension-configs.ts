import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { RBAC_Action } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { FilterChainConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.js";
import { RBACSchema } from "../envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { WasmSchema } from "../envoy-api/gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { FailurePolicy } from "../envoy-api/gen/envoy/extensions/wasm/v3/wasm_pb.js";
import { type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { contentHash, typedExtension } from "./encode.js";
import { pluginFilterName } from "./names.js";
import { phaseOf } from "./plugin-order.js";

type FilterInit = MessageInitShape<typeof TypedExtensionConfigSchema>;

/** What stands in a slot for one plugin. */
type Link =
  | { readonly kind: "plugin"; readonly key: string; readonly served: ServedPlugin }
  /** Nothing may pass until the plugin, which guards, was ready once. */
  | { readonly kind: "deny"; readonly key: string };

/**
 * A slot: the plugins of one phase, in order, as a filter chain that Envoy swaps as a whole, also on open
 * connections. Its version follows from what defines the plugins, so it is known without their bytes. `keys` are the
 * plugins of the slot in their order.
 */
export function buildSlot(snapshot: Snapshot, name: string, keys: readonly string[]): Resource {
  const links = keys.flatMap((key) => link(snapshot, key) ?? []);
  const version = slotVersion(name, links);
  const missing = links.filter((l) => l.kind === "plugin" && l.served.wasm === undefined);
  if (missing.length === 0) return { type: "extension", name, version, bytes: encodeSlot(name, links) };

  const kept = links.flatMap((l) => (missing.includes(l) ? (placeholder(snapshot, l.key) ?? []) : l));
  return {
    type: "extension",
    name,
    version,
    fallback: { version: slotVersion(name, kept), bytes: encodeSlot(name, kept) },
  };
}

function link(snapshot: Snapshot, key: string): Link | undefined {
  const served = servedPlugin(snapshot.modules.get(key));
  return served === undefined ? placeholder(snapshot, key) : { kind: "plugin", key, served };
}

/** A plugin that cannot be had is left out, unless it guards: then it is closed in its place. */
function placeholder(snapshot: Snapshot, key: string): Link | undefined {
  const plugin = snapshot.plugins.get(key);
  if (plugin === undefined || !isGuard(plugin, snapshot)) return undefined;
  return { kind: "deny", key };
}

/** Whether requests must not pass without the plugin. */
export function isGuard(plugin: Plugin, snapshot: Pick<Snapshot, "modules">): boolean {
  const phase = phaseOf(plugin, snapshot);
  return plugin.failStrategy === "FAIL_CLOSE" && (phase === "authn" || phase === "authz");
}

function slotVersion(name: string, links: readonly Link[]): string {
  return contentHash(
    JSON.stringify([name, ...links.map((l) => (l.kind === "plugin" ? [l.key, l.served.version] : [l.key, "deny"]))]),
  );
}

function encodeSlot(name: string, links: readonly Link[]): Uint8Array {
  const filters = links.map((l) => (l.kind === "plugin" ? wasmFilter(l.key, l.served) : denyFilter(l.key)));
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

/** The filter that runs a plugin in Envoy. Also what the pre-flight hands to `envoy --mode validate`. */
export function wasmFilter(key: string, served: ServedPlugin): FilterInit {
  const name = pluginFilterName(key);
  return typedExtension(name, WasmSchema, {
    config: {
      name,
      rootId: served.rootId,
      vm: {
        case: "vmConfig",
        value: {
          vmId: served.vmId,
          runtime: "envoy.wasm.runtime.v8",
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
    },
  });
}
