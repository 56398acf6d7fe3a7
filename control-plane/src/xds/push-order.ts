import type { ResourceType, ResourceView } from "../model/resource.js";
import { isRefused, type TypeState, type TypeStates } from "./subscription.js";

/** Whether clusters and endpoints that are gone must stay at the client for now. */
export interface Departures {
  readonly held: boolean;
}

/** The types whose resources name clusters. */
const REFERRERS = ["listener", "routes", "extension"] as const;

/**
 * Whether changed content may go out now: make before break. Answers to subscriptions do not ask.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
 *
 * Endpoints wait for their own cluster only: a cluster that takes long to warm must not make others' endpoints stale.
 * Whatever may refer to a new cluster waits for the client's answer to it, which Envoy gives when the cluster is warm.
 *
 * @param waiting an earlier type has something that it could not send yet.
 */
export function mayPush(types: TypeStates, type: ResourceType, name: string, waiting: boolean): boolean {
  if (type === "cluster") return true;
  if (type === "endpoints") return !types.cluster.changed.has(name) && !types.cluster.asked.has(name);
  return !waiting && types.cluster.inFlight?.fresh !== true;
}

/** Whether the client has asked for every type that can refer to a cluster. */
export function referrersOpened(types: TypeStates): boolean {
  return REFERRERS.every((type) => types[type].opened);
}

/**
 * Whether the client has all that we have for it of what can refer to a cluster. If it refused some of that, it goes on
 * with something older, which may need the cluster.
 */
export function referrersSettled(types: TypeStates, view: ResourceView): boolean {
  return REFERRERS.every((type) => {
    const state = types[type];
    return state.inFlight === undefined && state.asked.size === 0 && state.changed.size === 0 && !isBehind(state, view);
  });
}

/** Whether the client refused something that it should have now. */
export function isBehind(state: TypeState, view: ResourceView): boolean {
  for (const name of state.refused.keys()) {
    const version = view.get(state.type, name)?.version;
    if (version !== undefined && isRefused(state, name, version)) return true;
  }
  return false;
}

/** Makes what was kept back ready to go. Only where it can be sent now; otherwise the next answer comes back to it. */
export function releaseDepartures(types: TypeStates): TypeState[] {
  const ready = [types.cluster, types.endpoints].filter((state) => state.leaving.size > 0 && !state.inFlight);
  for (const state of ready) {
    for (const name of state.leaving) state.changed.add(name);
    state.leaving.clear();
  }
  return ready;
}
