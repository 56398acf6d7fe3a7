import { compareStrings } from "../model/compare.js";
import { instancesOf } from "../model/membership.js";
import { memoByIdentity } from "../model/memo.js";
import { isHttp, mayBeHttp, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { sortedServices } from "./mesh-index.js";
import { capturedListener, INBOUND_PORT, OUTBOUND_PORT } from "./names.js";
import { routesSite } from "./scope.js";
import { virtualAddresses } from "./virtual-addresses.js";

/** Any address, as part of a site's name. */
export const ANY_ADDRESS = "0.0.0.0";

/** A service's port that is called at a site. */
export interface CalledPort {
  readonly service: Service;
  readonly port: ServicePort;
  /** At the site of any address: the blocks of addresses that are the service's; none: all. */
  readonly blocks: readonly string[];
}

/** A port of one address, or of any, on which a sidecar with interception gets calls. One listener stands for it. */
export interface OutboundSite {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** In the order of their hosts. */
  readonly called: readonly CalledPort[];
}

/** All sites of one class of callers. */
export interface OutboundSites {
  /** By name, sorted. Nothing that is done to requests tells one caller of the class from another. */
  readonly shared: ReadonlyMap<string, OutboundSite>;
  /** Those where requests of HTTP come, of which each caller's own listener says whose they are. */
  readonly own: ReadonlyMap<string, OutboundSite>;
  /** Ports that have routes, in order. */
  readonly httpPorts: readonly number[];
}

type Inputs = Pick<Snapshot, "services" | "endpointSlices" | "sidecars" | "meshConfigs" | "settings" | "workloads">;

/** The sites of callers whose routes have this variant. Remembered, because every proxy of a class asks for them. */
export function outboundSites(snapshot: Inputs, variant: string): OutboundSites {
  return sitesOf(snapshot, variant, () => routesSite(snapshot, variant).services);
}

function sitesOf(snapshot: Inputs, variant: string, services: () => readonly Service[]): OutboundSites {
  const known = remember(snapshot);
  let sites = known.get(variant);
  if (sites === undefined) {
    sites = computeSites(snapshot, services());
    known.set(variant, sites);
  }
  return sites;
}

type ByVariant = Map<string, OutboundSites>;
const remembered = new WeakMap<object, WeakMap<object, WeakMap<object, WeakMap<object, ByVariant>>>>();
const NO_INSTANCES = {};

/** What was computed from the same inputs, by variant. */
function remember({ services, endpointSlices, sidecars, workloads }: Inputs): ByVariant {
  const ofServices = getOrMake(remembered, services, () => new WeakMap());
  const ofSidecars = getOrMake(ofServices, sidecars, () => new WeakMap());
  // Only instances that are called one by one have sites of their own.
  const isPlain = !hasHeadless(services);
  const ofWorkloads = getOrMake(ofSidecars, isPlain ? NO_INSTANCES : workloads, () => new WeakMap());
  return getOrMake(ofWorkloads, isPlain ? NO_INSTANCES : endpointSlices, () => new Map());
}

function getOrMake<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Whether the instances of a service are called one by one. */
export const hasHeadless = memoByIdentity((services: Snapshot["services"]): boolean =>
  [...services.values()].some(({ resolution }) => resolution.kind === "headless"),
);

/** All sites of the mesh by name, whoever may call them. */
export function outboundSitesOf(snapshot: Inputs): ReadonlyMap<string, OutboundSite> {
  const { shared, own } = sitesOf(snapshot, EVERYBODY, () => sortedServices(snapshot.services));
  return new Map([...shared, ...own]);
}

/** No namespace is called so. */
const EVERYBODY = "*";

/** The site under a name; undefined where callers of the class have none. */
export function outboundSite(snapshot: Inputs, variant: string, name: string): OutboundSite | undefined {
  const { shared, own } = outboundSites(snapshot, variant);
  return shared.get(name) ?? own.get(name);
}

function computeSites(snapshot: Inputs, services: readonly Service[]): OutboundSites {
  const all = new Map<string, OutboundSite & { readonly called: CalledPort[] }>();
  const httpPorts = new Set<number>();
  const add = (address: string, called: CalledPort) => {
    const { port } = called.port;
    const name = capturedListener(address, port);
    const site = all.get(name);
    if (site === undefined) all.set(name, { name, address, port, called: [called] });
    else site.called.push(called);
  };
  for (const service of services)
    for (const port of service.ports) {
      // The sidecar's own ports are nobody's to call.
      if (port.port === OUTBOUND_PORT || port.port === INBOUND_PORT) continue;
      if (mayBeHttp(port.protocol)) httpPorts.add(port.port);
      for (const [address, blocks] of placesOf(snapshot, service, port)) add(address, { service, port, blocks });
    }
  const sorted = [...all.values()].sort((a, b) => compareStrings(a.name, b.name));
  const isOwn = (site: OutboundSite) =>
    site.address === ANY_ADDRESS || site.called.some(({ port }) => mayBeHttp(port.protocol));
  return {
    shared: new Map(sorted.flatMap((site) => (isOwn(site) ? [] : [[site.name, site] as const]))),
    own: new Map(sorted.flatMap((site) => (isOwn(site) ? [[site.name, site] as const] : []))),
    httpPorts: [...httpPorts].sort((a, b) => a - b),
  };
}

/** Where a service's port is called: single addresses, and any address, there perhaps within blocks. */
function placesOf(
  snapshot: Inputs,
  service: Service,
  port: ServicePort,
): readonly (readonly [address: string, blocks: readonly string[]])[] {
  // Requests of HTTP name their host, so that one listener serves all services of a port.
  if (isHttp(port.protocol)) return [[ANY_ADDRESS, []]];
  const { kind } = service.resolution;
  // A caller follows the name to an address that is somebody else's.
  if (kind === "externalName") return port.protocol === "auto" ? [[ANY_ADDRESS, []]] : [];
  // Callers choose among the instances by themselves.
  if (kind === "headless") return instancesOf(snapshot, service).map(({ address }) => [address, []] as const);
  const addresses = virtualAddresses(snapshot, service);
  const places = addresses.flatMap((address) => (address.includes("/") ? [] : [[address, []] as const]));
  const blocks = addresses.filter((address) => address.includes("/"));
  if (blocks.length > 0) return [...places, [ANY_ADDRESS, blocks]];
  // A host outside of the cluster has addresses that only its callers know.
  const isKnownByAddress = service.addresses.length > 0 || kind === "workloads";
  return isKnownByAddress ? places : [...places, [ANY_ADDRESS, []]];
}
