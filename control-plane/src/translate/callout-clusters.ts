import type { Callout } from "../model/callout.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { Snapshot } from "../model/snapshot.js";
import { calloutCluster } from "./names.js";
import type { Ref } from "./ref.js";
import { type ServerSite, serverRefs } from "./server-clusters.js";

/** Where a plugin's callout goes. */
export function calloutSite(plugin: Plugin, callout: Callout): ServerSite {
  return {
    cluster: calloutCluster(objectKey(plugin), callout.name),
    namespace: plugin.namespace,
    server: callout,
  };
}

/** What a proxy needs of a plugin's callouts. The same for all proxies that run the plugin. */
export function calloutRefs(snapshot: Pick<Snapshot, "services">, plugin: Plugin): Ref[] {
  return plugin.callouts.flatMap((callout) => serverRefs(snapshot, calloutSite(plugin, callout)));
}
