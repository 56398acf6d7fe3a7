import type { HandoverProxy } from "./handover/handovers.js";
import type { TrustingProxy } from "./identity/rotation.js";
import { compareStrings } from "./model/compare.js";
import type { Diagnostic } from "./model/diagnostic.js";
import type { ModuleState } from "./model/module-state.js";
import type { ChangedNames, ResourceType } from "./model/resource.js";
import { servedTo, servedVersions } from "./model/rollout.js";
import { workloadKind } from "./model/workload.js";
import type { ReportedProxy } from "./replicas/replica-report.js";
import type { RolloutProxy } from "./rollout/rollouts.js";
import type { ProxyCounts } from "./status/plugin-status.js";
import { propagationKey } from "./status/propagation.js";
import { type ProxySlots, proxyCounts } from "./status/proxy-counts.js";
import type { IncrementalTranslation, Slot } from "./translate/incremental.js";
import { pluginFilterName, ROUTE_SLOT_PREFIX, slotStatPrefix, TRUST_SECRET } from "./translate/names.js";
import type { ProxySync, TypeSync } from "./xds/provider.js";

/** The streams that count: the newest of each proxy. */
function newest(streams: readonly ProxySync[]): readonly ProxySync[] {
  return [...new Map(streams.map((sync) => [sync.proxyKey, sync])).values()];
}

function extensionOf(sync: ProxySync | undefined): TypeSync | undefined {
  return sync?.types.find(({ type }) => type === "extension");
}

/** What every connected proxy should have in its slots, and what it said of them. */
export function proxySlots(streams: readonly ProxySync[], translation: IncrementalTranslation): readonly ProxySlots[] {
  return newest(streams).map((sync) => {
    const extension = extensionOf(sync);
    return {
      slots: translation.slots(sync.proxyKey),
      acked: extension?.ackedVersions ?? new Map(),
      ...(extension?.lastNack === undefined ? {} : { lastNack: extension.lastNack }),
    };
  });
}

/** The connected proxies that should run a plugin, in whatever version, in the order of their keys. */
export function rolloutProxies(
  pluginKey: string,
  streams: readonly ProxySync[],
  translation: IncrementalTranslation,
  module: ModuleState | undefined,
): readonly RolloutProxy[] {
  const failureSeries = failureSeriesOf(module);
  return newest(streams)
    .flatMap((sync): RolloutProxy[] => {
      const all = translation.slots(sync.proxyKey);
      const slots = all.filter(({ plugins }) => plugins.includes(pluginKey));
      if (slots.length === 0) return [];
      const versions = extensionOf(sync)?.ackedVersions;
      return [
        {
          key: sync.proxyKey,
          acked: slots.every(({ name, version }) => versions?.get(name) === version),
          site: {
            filterName: pluginFilterName(pluginKey),
            managers: managersOf(slots, all),
            failureSeries,
          },
        },
      ];
    })
    .sort((a, b) => compareStrings(a.key, b.key));
}

/** What other replicas of the control plane are told of the proxies of this one, by plugin. */
export function reportedProxies(
  streams: readonly ProxySync[],
  translation: IncrementalTranslation,
  modules: ReadonlyMap<string, ModuleState>,
): Readonly<Record<string, readonly ReportedProxy[]>> {
  const plugins: Record<string, ReportedProxy[]> = {};
  for (const sync of newest(streams)) {
    const [proxy] = proxySlots([sync], translation);
    if (proxy === undefined) continue;
    const all = translation.slots(sync.proxyKey);
    for (const plugin of new Set(all.flatMap((slot) => slot.plugins))) {
      const { acked, lastError } = proxyCounts(plugin, [proxy]);
      plugins[plugin] ??= [];
      plugins[plugin].push({
        key: sync.proxyKey,
        version: servedTo(modules.get(plugin), plugin, sync.proxyKey)?.version ?? "",
        acked: acked > 0,
        ...(lastError === undefined ? {} : { refusal: lastError.slice(0, MAX_REFUSAL_LENGTH) }),
        managers: managersOf(
          all.filter((slot) => slot.plugins.includes(plugin)),
          all,
        ),
      });
    }
  }
  return plugins;
}

/** What proxies of other replicas come to for a status. */
export function remoteCounts(proxies: readonly ReportedProxy[]): ProxyCounts {
  const refusals = proxies.flatMap(({ acked, refusal }) => (acked || refusal === undefined ? [] : [refusal]));
  const [lastError] = refusals;
  return {
    matched: proxies.length,
    acked: proxies.filter(({ acked }) => acked).length,
    rejected: refusals.length,
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** Proxies of other replicas, as rollouts look at them: one acknowledged only what it should have by our own reckoning. */
export function remoteRolloutProxies(
  pluginKey: string,
  proxies: readonly ReportedProxy[],
  module: ModuleState | undefined,
): readonly RolloutProxy[] {
  const failureSeries = failureSeriesOf(module);
  return proxies.map(({ key, version, acked, managers }) => ({
    key,
    acked: acked && version === servedTo(module, pluginKey, key)?.version,
    site: { filterName: pluginFilterName(pluginKey), managers, failureSeries },
  }));
}

/** Envoy quotes what it was given. */
const MAX_REFUSAL_LENGTH = 2000;

function failureSeriesOf(module: ModuleState | undefined): readonly string[] {
  const all = servedVersions(module).flatMap(({ metrics }) =>
    metrics.flatMap(({ name, failure }) => (failure ? [name] : [])),
  );
  return [...new Set(all)];
}

/** The connection managers in which slots stand; those of routes stand in all of the callers' side. */
function managersOf(slots: readonly Slot[], all: readonly Slot[]): readonly string[] {
  const ofCallers = slots.some(({ name }) => name.startsWith(ROUTE_SLOT_PREFIX))
    ? all.filter(({ name }) => name.startsWith("weft/out/"))
    : [];
  return [...new Set([...slots, ...ofCallers].flatMap(({ name }) => slotStatPrefix(name) ?? []))];
}

/** For a rotation of the root: who has acknowledged the trust bundle of now. All streams of a proxy count. */
export function trustingProxies(
  streams: readonly ProxySync[],
  translation: IncrementalTranslation,
): readonly TrustingProxy[] {
  return streams.map(({ proxyKey, types }) => {
    const held = types.find(({ type }) => type === "secret")?.ackedVersions?.get(TRUST_SECRET);
    // One that was given no bundle will be given this one.
    const hasBundle = held === undefined || held === translation.version(proxyKey, "secret", TRUST_SECRET);
    return { workload: proxyKey, hasBundle };
  });
}

/** A client that uses a type asks for it soon after it connected. */
const OPENED_MS = 5_000;
/** What a caller knows endpoints by, and what a sidecar listens with. */
const CALLERS_TYPES: readonly ResourceType[] = ["cluster", "endpoints", "listener", "routes"];
const LISTENERS_TYPES: readonly ResourceType[] = ["cluster", "listener"];
const INBOUND_SLOTS = "weft/in/";

/** Where a connected proxy stands between those that call it and those that it calls. */
export function handoverProxy(
  { proxyKey, connectedAtMs, types }: ProxySync,
  translation: Pick<IncrementalTranslation, "slots">,
  nowMs: number,
): HandoverProxy {
  const settled = (wanted: readonly ResourceType[]) =>
    types.every(({ type, inFlight, pending }) => !wanted.includes(type) || (!inFlight && pending === 0));
  const hasEndpoints = types.some(({ type }) => type === "endpoints");
  const listener = types.find(({ type }) => type === "listener");
  const slots = types.find(({ type }) => type === "extension")?.ackedVersions;
  return {
    connectedAtMs,
    isCaughtUp: settled(CALLERS_TYPES) && (hasEndpoints || nowMs - connectedAtMs >= OPENED_MS),
    // A listener is acknowledged before its slots are there, and begins to listen with the last of them.
    get listens() {
      if (listener === undefined || listener.times.staleSinceMs !== undefined || !settled(LISTENERS_TYPES))
        return false;
      return translation.slots(proxyKey).every(({ name }) => !name.startsWith(INBOUND_SLOTS) || slots?.has(name));
    },
  };
}

/** What proxies refuse of what they should have now. Plugins have a status of their own for this. */
export function refusals(streams: readonly ProxySync[], translation: IncrementalTranslation): readonly Diagnostic[] {
  return newest(streams).flatMap(({ proxyKey, types }) =>
    types.flatMap(({ type, lastNack }): Diagnostic[] => {
      if (lastNack === undefined || type === "extension") return [];
      const names = [...lastNack.versions].flatMap(([name, version]) =>
        translation.version(proxyKey, type, name) === version ? [name] : [],
      );
      if (names.length === 0) return [];
      const [namespace = "", name = ""] = proxyKey.split("/");
      return [
        {
          severity: "error",
          reason: "RejectedByProxy",
          object: { kind: workloadKind(translation.snapshot.workloads.get(proxyKey) ?? {}), namespace, name },
          message: `its proxy refused ${type} ${names.slice(0, 5).join(", ")}: ${lastNack.message.slice(0, 500)}`,
          hint: "correct what the message names; until then the proxy goes on with what it had",
        },
      ];
    }),
  );
}

/** The versions that proxies should come to have, of the names that changed. */
export function expectedVersions(
  changed: ReadonlyMap<string, ChangedNames>,
  streams: readonly ProxySync[],
  translation: IncrementalTranslation,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const byProxy = new Map(streams.map((sync) => [sync.proxyKey, sync]));
  const expected = new Map<string, Map<string, string>>();
  for (const [proxyKey, names] of changed) {
    const acked = extensionOf(byProxy.get(proxyKey))?.ackedVersions;
    const versions = new Map<string, string>();
    for (const [type, set] of names)
      for (const name of set) {
        const version = translation.version(proxyKey, type, name);
        // What the proxy has already, for example because only the bytes came back, it will not answer again.
        if (version === undefined || (type === "extension" && acked?.get(name) === version)) continue;
        versions.set(propagationKey(type, name), version);
      }
    expected.set(proxyKey, versions);
  }
  return expected;
}
