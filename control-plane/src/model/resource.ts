/** Short names of the xDS resource types that the mesh serves, in the order in which a change is pushed. */
export const RESOURCE_TYPES = ["cluster", "endpoints", "listener", "routes", "extension", "secret"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

const PREFIX = "type.googleapis.com/";

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#resource-types */
export const TYPE_URLS: Readonly<Record<ResourceType, string>> = {
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoints: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
  routes: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  extension: `${PREFIX}envoy.config.core.v3.TypedExtensionConfig`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
};

const TYPES_BY_URL = new Map(RESOURCE_TYPES.map((type) => [TYPE_URLS[type], type]));

/** The type with this URL, or undefined for one that we do not serve. */
export function resourceTypeOf(typeUrl: string): ResourceType | undefined {
  return TYPES_BY_URL.get(typeUrl);
}

/** An encoded xDS resource. Immutable and shared by all proxies that get it. */
export interface Resource {
  readonly type: ResourceType;
  /** The name on the wire. */
  readonly name: string;
  /** Hash of the content, the same on every replica and after every restart. */
  readonly version: string;
  /** The serialised message, without its Any. Absent: known by version only, because a part cannot be had now. */
  readonly bytes?: Uint8Array;
  /** What a proxy that has nothing under this name gets while `bytes` is absent. */
  readonly fallback?: { readonly version: string; readonly bytes: Uint8Array };
}

/** The resources that one proxy should have, at one moment. */
export interface ResourceView {
  get(type: ResourceType, name: string): Resource | undefined;
  /** All names of a type, for wildcard subscriptions. */
  names(type: ResourceType): Iterable<string>;
}

/** Names whose resource appeared, changed or went, for one proxy. */
export type ChangedNames = ReadonlyMap<ResourceType, ReadonlySet<string>>;
