import type { Resource, ResourceView } from "../model/resource.js";
import { emptyEndpoints } from "./empty-endpoints.js";
import { type Content, isRefused, isSubscribed, type TypeState } from "./subscription.js";

/** What one name of one type needs now. */
export type Decision =
  | { readonly kind: "nothing" }
  | { readonly kind: "remove" }
  | { readonly kind: "send"; readonly content: Content; readonly isFallback: boolean; readonly vanished: boolean };

const NOTHING: Decision = { kind: "nothing" };
const REMOVE: Decision = { kind: "remove" };

/**
 * Compares what the client has with what it should have.
 *
 * @param asked send it also if the client has this version.
 */
export function decide(state: TypeState, name: string, view: ResourceView, asked: boolean): Decision {
  if (!isSubscribed(state, name)) return NOTHING;
  const found = view.get(state.type, name);
  // Envoy waits for the endpoints of a cluster that it has: "none" lets it go on, "removed" does not.
  const resource = found ?? (state.type === "endpoints" ? emptyEndpoints(name) : undefined);
  if (resource === undefined) return asked || (state.client.has(name) && !isLeftBehind(state)) ? REMOVE : NOTHING;
  const content = choose(state, name, resource, asked);
  if (content === undefined || (!asked && content.version === state.client.get(name))) return NOTHING;
  return {
    kind: "send",
    content,
    isFallback: content.version === resource.fallback?.version,
    vanished: found === undefined,
  };
}

/**
 * A listener that is gone serves its last requests for a while, and answers them with 500 once its filters are taken
 * away. Nothing is said of them then: Envoy leaves out what no listener uses any more by itself.
 */
function isLeftBehind({ type }: TypeState): boolean {
  return type === "extension";
}

/**
 * The content to send under a name, if any. Refused content is never sent again: Envoy takes an equal extension for
 * one that it has, and would acknowledge what it does not run. Without content nothing is said at all, because
 * `removed_resources` would take away what the client runs.
 */
function choose(state: TypeState, name: string, resource: Resource, asked: boolean): Content | undefined {
  const { version, bytes, fallback } = resource;
  const good = learnBytes(state, name, resource);
  if (bytes !== undefined && !isRefused(state, name, version)) return { version, bytes };
  const hasNothing = !state.client.has(name) || state.onFallback.has(name);
  if (hasNothing && fallback !== undefined && !isRefused(state, name, fallback.version)) return fallback;
  return asked ? good : undefined;
}

/** After a reconnect only the version of the last good content is known; its bytes are had while they are current. */
function learnBytes(state: TypeState, name: string, resource: Resource): Content | undefined {
  const good = state.good.get(name);
  if (good === undefined) return undefined;
  if (good.bytes !== undefined) return { version: good.version, bytes: good.bytes };
  if (good.version !== resource.version || resource.bytes === undefined) return undefined;
  const content = { version: resource.version, bytes: resource.bytes };
  state.good.set(name, content);
  return content;
}
