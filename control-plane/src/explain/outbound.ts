import { fromBinary } from "@bufbuild/protobuf";
import type { Route } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { objectKey } from "../model/object-ref.js";
import type { Proxy } from "../model/proxy.js";
import type { Snapshot } from "../model/snapshot.js";
import { build } from "../translate/build.js";
import { OUTBOUND_ROUTES, portRoutes, routeSlotName } from "../translate/names.js";
import { routeSlotsFor } from "../translate/route-plugins.js";
import { select, selectedRef } from "../translate/select.js";
import type { Request } from "./request.js";
import { chooseRoute, type RouteChoice } from "./route-choice.js";
import { routeText } from "./route-text.js";

/** A share of the requests that a route takes. */
export interface ExplainedDestination {
  readonly cluster: string;
  /** Percent of what the route sends on. */
  readonly share: number;
  /** Of clusters that are a service's. */
  readonly service?: { readonly host: string; readonly port: number; readonly subset?: string };
}

export type ExplainedAction =
  | { readonly kind: "forward"; readonly destinations: readonly ExplainedDestination[] }
  | { readonly kind: "redirect" }
  | { readonly kind: "respond"; readonly status: number };

/** What the caller's sidecar does with a request. */
export interface ExplainedRoute {
  /** The virtual host: `<host>:<port>`. Absent: the caller's sidecar knows no such host. */
  readonly virtualHost?: string;
  /** Absent: no rule takes the request, and it is answered with 404. */
  readonly name?: string;
  readonly action?: ExplainedAction;
  /** In words. */
  readonly does: readonly string[];
  /** Routes before it of which it cannot be told whether they take the request. */
  readonly doubtful: readonly string[];
  /** Routes that a plugin chooses by setting a subset. */
  readonly byPlugin: readonly string[];
}

/** Evaluates the routes that the caller's proxy is served. `port` counts where traffic is intercepted. */
export function explainRoute(snapshot: Snapshot, proxy: Proxy, port: number, request: Request): ExplainedRoute {
  const name = proxy.workload.interception === "redirect" ? portRoutes(port) : OUTBOUND_ROUTES;
  const ref = selectedRef(select(snapshot, proxy), "routes", name);
  const bytes = ref && build(ref, snapshot).bytes;
  const choice = bytes && chooseRoute(fromBinary(RouteConfigurationSchema, bytes), request);
  if (choice === undefined) return { does: [], doubtful: [], byPlugin: [] };
  const { virtualHost, route, doubtful, byPlugin }: RouteChoice = choice;
  return {
    virtualHost: virtualHost.name,
    ...(route === undefined ? {} : { name: route.name, action: actionOf(route) }),
    does: route === undefined ? [] : [...pluginsText(snapshot, proxy, route), ...routeText(route)],
    doubtful,
    byPlugin,
  };
}

/** The plugins that the route has of its own, in the order in which they run, after the caller's. */
function pluginsText(snapshot: Snapshot, { workload }: Proxy, route: Route): readonly string[] {
  const plugins = routeSlotsFor(snapshot, workload)
    .filter(({ slot }) => routeSlotName(slot) in route.typedPerFilterConfig)
    .flatMap((slot) => slot.plugins);
  return plugins.length === 0 ? [] : [`runs the route's plugins ${plugins.map(objectKey).join(", ")}`];
}

function actionOf({ action }: Route): ExplainedAction {
  if (action.case === "redirect") return { kind: "redirect" };
  if (action.case === "directResponse") return { kind: "respond", status: action.value.status };
  if (action.case !== "route") return { kind: "respond", status: 500 };
  const { clusterSpecifier: to } = action.value;
  if (to.case === "cluster") return { kind: "forward", destinations: [destination(to.value, 100)] };
  if (to.case !== "weightedClusters") return { kind: "forward", destinations: [] };
  const total = to.value.clusters.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  return {
    kind: "forward",
    destinations: to.value.clusters.map(({ name, weight }) => destination(name, (100 * (weight ?? 0)) / total)),
  };
}

function destination(cluster: string, share: number): ExplainedDestination {
  const [side, port, subset, host] = cluster.split("|");
  if (side !== "outbound" || host === undefined) return { cluster, share };
  return { cluster, share, service: { host, port: Number(port), ...(subset ? { subset } : {}) } };
}
