import { objectKey } from "../model/object-ref.js";
import type { Proxy } from "../model/proxy.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { attachedRules } from "../translate/gateway-routes.js";
import { OUTBOUND_PORT } from "../translate/names.js";
import { virtualServiceFor } from "../translate/virtual-services.js";
import { type ExplainedWorkload, explainPlugins, explainWorkloads } from "./inbound.js";
import { type ExplainedRoute, explainRoute } from "./outbound.js";
import { normalizedPath, type Request } from "./request.js";

/** What becomes of one request, by the configuration that proxies are served. */
export interface Explanation {
  readonly from: string;
  readonly request: Request;
  /** The object whose rules decide; absent: none does. */
  readonly decidedBy?: string;
  readonly route: ExplainedRoute;
  /** The caller's plugins in the order in which they run. */
  readonly plugins: readonly string[];
  /** By cluster: each workload that may get the request. */
  readonly destinations: readonly { readonly cluster: string; readonly workloads: readonly ExplainedWorkload[] }[];
}

/** `port` is the one that is called; it counts where traffic is intercepted, else the authority has it. */
export function explain(snapshot: Snapshot, workload: Workload, port: number, asked: Request): Explanation {
  const request = { ...asked, path: normalizedPath(asked.path) };
  const proxy: Proxy = { key: objectKey(workload), workload };
  const route = explainRoute(snapshot, proxy, port, request);
  const decidedBy = decider(snapshot, workload, route);
  const { action } = route;
  const clusters = action?.kind === "forward" ? action.destinations.map(({ cluster }) => cluster) : [];
  const isCaptured = workload.interception === "redirect";
  return {
    from: proxy.key,
    request,
    ...(decidedBy === undefined ? {} : { decidedBy }),
    route,
    plugins: explainPlugins(snapshot, workload, "client", isCaptured ? port : OUTBOUND_PORT),
    destinations: clusters.map((cluster) => ({
      cluster,
      workloads: explainWorkloads(snapshot, proxy, cluster, request),
    })),
  };
}

function decider(snapshot: Snapshot, { namespace }: Workload, { virtualHost }: ExplainedRoute): string | undefined {
  if (virtualHost === undefined) return undefined;
  const at = virtualHost.lastIndexOf(":");
  const host = virtualHost.slice(0, at);
  const service = snapshot.services.get(host);
  const port = service?.ports.find((candidate) => candidate.port === Number(virtualHost.slice(at + 1)));
  if (service !== undefined && port !== undefined && attachedRules(snapshot, service, port, namespace) !== undefined)
    return `the routes of Gateway API that are attached to Service ${objectKey(service)}`;
  const rules = virtualServiceFor(snapshot, host, namespace);
  return rules === undefined ? undefined : `VirtualService ${objectKey(rules)}`;
}
