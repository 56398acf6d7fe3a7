import { memoByIdentity } from "../model/memo.js";
import { attachesTo } from "../model/plugin.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { tcpMetricAccessLogs } from "./access-logs.js";
import { callerVariant } from "./caller-class.js";
import { networkPluginsAmong } from "./network-slots.js";
import { type OutboundSites, outboundSites } from "./outbound-sites.js";
import { PASSTHROUGH_CLUSTERS } from "./passthrough-clusters.js";
import type { Ref, RefTable } from "./ref.js";
import { requestLogs } from "./request-logs.js";
import { routesVariant, type Scope } from "./scope.js";

const NOTHING: RefTable = new Map();

/** What a workload with interception has of its outbound sites. */
export interface CapturedSites {
  /** Listeners and clusters that are the same for all such workloads of a class. */
  readonly shared: RefTable;
  /** Names of the listeners that are the workload's own, with their ports. */
  readonly own: readonly { readonly name: string; readonly port: number }[];
  readonly sites: OutboundSites;
}

const NO_SITES: OutboundSites = { shared: new Map(), own: new Map(), httpPorts: [] };

/** The listeners by which a workload's calls are captured; none without interception. */
export function capturedSites(snapshot: Snapshot, workload: Workload, scope: Scope): CapturedSites {
  if (workload.interception === "none") return { shared: NOTHING, own: [], sites: NO_SITES };
  const variant = routesVariant(callerVariant(snapshot, workload), scope);
  const sites = outboundSites(snapshot, variant);
  const plain = hasPlainConnections(snapshot, workload);
  const own = plain ? [...sites.own.values()] : [...sites.own.values(), ...sites.shared.values()];
  return { shared: plain ? sharedRefs(sites)(variant) : ONLY_CLUSTERS, own, sites };
}

/** Whether nothing of the workload's own is done to connections that it opens: no plugin has to do with them. */
function hasPlainConnections(snapshot: Snapshot, workload: Workload): boolean {
  const { rootNamespace } = snapshot.settings;
  // Which ports a plugin is for does not matter here: what is not shared is right too.
  const plugins = [...snapshot.plugins.values()].filter((plugin) => attachesTo(plugin, workload, rootNamespace));
  return (
    networkPluginsAmong(snapshot, workload, plugins).length === 0 &&
    tcpMetricAccessLogs(snapshot, workload, plugins).length === 0 &&
    requestLogs(snapshot, workload, "client", "tcp").length === 0
  );
}

const CLUSTERS: ReadonlyMap<string, Ref> = new Map(
  PASSTHROUGH_CLUSTERS.map((name) => [name, { type: "cluster", name, variant: "" }]),
);
const ONLY_CLUSTERS: RefTable = new Map([["cluster", CLUSTERS]]);

const sharedRefs = memoByIdentity((sites: OutboundSites) => {
  const byVariant = new Map<string, RefTable>();
  return (variant: string): RefTable => {
    let refs = byVariant.get(variant);
    if (refs === undefined) {
      const listeners = [...sites.shared.keys()].map((name): [string, Ref] => [
        name,
        { type: "listener", name, variant },
      ]);
      refs = new Map([
        ["cluster", CLUSTERS],
        ["listener", new Map(listeners)],
      ]);
      byVariant.set(variant, refs);
    }
    return refs;
  };
});
