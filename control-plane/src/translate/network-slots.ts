import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import type { FilterSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import { RBAC_Action } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { ConfigSchema as CloseSchema } from "../envoy-api/gen/envoy/extensions/filters/network/direct_response/v3/config_pb.js";
import { RBACSchema } from "../envoy-api/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { WasmSchema } from "../envoy-api/gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.js";
import { servedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { Direction, Plugin } from "../model/plugin.js";
import { PHASES } from "../model/plugin-manifest.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { ADS } from "./config-source.js";
import { contentHash, pack, typedExtension } from "./encode.js";
import { isGuard, pluginConfig } from "./extension-configs.js";
import { networkSlotName } from "./names.js";
import { phaseOf, pluginsFor, servedAt } from "./plugin-order.js";
import type { SlotEntry } from "./ref.js";

type FilterInit = MessageInitShape<typeof FilterSchema>;
type Verdict = "deny" | "pass";

const TYPE_URLS = [WasmSchema, RBACSchema].map(({ typeName }) => `type.googleapis.com/${typeName}`);

/**
 * The NETWORK plugins on one side of a workload's port, in the order in which they run: by phase, then as in a chain.
 * Envoy has no chain of network filters that could be swapped as a whole, so each has a slot of its own, and the listener
 * names those that are there: one that was never ready is left out, unless it guards.
 */
function networkPluginsFor(
  snapshot: Pick<Snapshot, "plugins" | "modules" | "services" | "handovers" | "settings">,
  workload: Workload,
  direction: Direction,
  port: number,
): readonly Plugin[] {
  return networkPluginsAmong(snapshot, workload, pluginsFor(snapshot, workload, direction, port));
}

/** The same of plugins that were found before. */
export function networkPluginsAmong(
  snapshot: Pick<Snapshot, "modules">,
  workload: Workload,
  found: readonly Plugin[],
): readonly Plugin[] {
  const plugins = found.flatMap((plugin) => {
    if (plugin.type !== "network") return [];
    const served = servedAt(snapshot, plugin, workload);
    const isThere = served !== undefined || isGuard(plugin, served);
    return isThere ? { plugin, phase: phaseOf(plugin, served) } : [];
  });
  return PHASES.flatMap((phase) => plugins.flatMap((each) => (each.phase === phase ? each.plugin : [])));
}

/** The filters before the one that speaks the port's protocol. They see what is in TLS of the mesh. */
export function networkFilters(
  snapshot: Snapshot,
  workload: Workload,
  direction: Direction,
  port: number,
): FilterInit[] {
  return networkPluginsFor(snapshot, workload, direction, port).map((plugin) => {
    const verdict = isGuard(plugin, servedAt(snapshot, plugin, workload)) ? "deny" : "pass";
    return {
      name: networkSlotName(objectKey(plugin)),
      configType: {
        case: "configDiscovery",
        // The default is for as long as Envoy has nothing: without one it would close the connections.
        value: { configSource: ADS, typeUrls: TYPE_URLS, defaultConfig: pack(RBACSchema, verdictConfig(verdict)) },
      },
    };
  });
}

/** Whether connections must not pass because a guard of theirs was never ready. */
export function isClosed(snapshot: Snapshot, workload: Workload, direction: Direction, port: number): boolean {
  return networkPluginsFor(snapshot, workload, direction, port).some(
    (plugin) => servedAt(snapshot, plugin, workload) === undefined,
  );
}

/**
 * Ends a connection at once, in the place of `tcp_proxy`. RBAC would do so with the caller's first byte only, and what a
 * server says first would pass until then.
 */
export const CLOSE: FilterInit = {
  name: "envoy.filters.network.direct_response",
  configType: { case: "typedConfig", value: pack(CloseSchema, {}) },
};

/** The slot of one NETWORK plugin. New content is for new connections; open ones keep what they have. */
export function buildNetworkSlot(snapshot: Snapshot, name: string, { key, candidate }: SlotEntry): Resource {
  const state = snapshot.modules.get(key);
  const served = candidate ? state?.rollout?.candidate : servedPlugin(state);
  const plugin = snapshot.plugins.get(key);
  const verdict = plugin !== undefined && isGuard(plugin, served) ? "deny" : "pass";
  const instead = { version: slotVersion(name, key, verdict), bytes: encodeVerdict(name, verdict) };
  if (served === undefined) return { type: "extension", name, ...instead };
  const version = slotVersion(name, key, served.version);
  if (served.wasm === undefined) return { type: "extension", name, version, fallback: instead };
  const bytes = toBinary(
    TypedExtensionConfigSchema,
    create(TypedExtensionConfigSchema, typedExtension(name, WasmSchema, { config: pluginConfig(key, served) })),
  );
  return { type: "extension", name, version, bytes };
}

function slotVersion(name: string, key: string, content: string): string {
  return contentHash(JSON.stringify([name, key, content]));
}

function encodeVerdict(name: string, verdict: Verdict): Uint8Array {
  return toBinary(
    TypedExtensionConfigSchema,
    create(TypedExtensionConfigSchema, typedExtension(name, RBACSchema, verdictConfig(verdict))),
  );
}

/** Without rules everything passes; rules that allow nothing deny. */
function verdictConfig(verdict: Verdict): MessageInitShape<typeof RBACSchema> {
  return {
    statPrefix: "weft_network_slot.",
    ...(verdict === "deny" ? { rules: { action: RBAC_Action.ALLOW, policies: {} } } : {}),
  };
}
