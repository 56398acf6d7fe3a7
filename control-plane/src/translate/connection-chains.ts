import { isHttp } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { TcpDestination, TcpMatch, TlsMatch } from "../model/tcp-route.js";
import { type CallerClass, isForCaller } from "./caller-class.js";
import type { MatchInit } from "./inbound-chains.js";
import { BLACK_HOLE_CLUSTER, outboundCluster } from "./names.js";
import { ANY_ADDRESS, type CalledPort, type OutboundSite } from "./outbound-sites.js";
import { virtualServiceFor } from "./virtual-services.js";

/** Where connections of one kind go. */
export interface ConnectionChain {
  readonly name: string;
  readonly match: MatchInit;
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
}

/**
 * What becomes of connections at a site that are not taken for HTTP, by the rules for the services that are called
 * there. Of two with one match, the first by the order of hosts and rules stays.
 */
export function connectionChains(
  snapshot: Snapshot,
  site: OutboundSite,
  caller: CallerClass,
): readonly ConnectionChain[] {
  const chains = new Map<string, ConnectionChain>();
  const add = (chain: ConnectionChain) => {
    const id = JSON.stringify(chain.match);
    if (!chains.has(id)) chains.set(id, chain);
  };
  const connections = site.called.filter(
    ({ service, port }) => !isHttp(port.protocol) && service.resolution.kind !== "externalName",
  );
  for (const called of connections) {
    for (const chain of ruleChains(snapshot, called, caller)) add(chain);
    add(serviceChain(site, called, connections.length === 1));
  }
  // Several of TLS at one address: what names none of them goes to the first.
  const [first] = connections;
  if (first !== undefined && site.address !== ANY_ADDRESS) add({ ...serviceChain(site, first, true) });
  return [...chains.values()];
}

/** What the service gets without rules. */
function serviceChain(site: OutboundSite, { service, port, blocks }: CalledPort, isAlone: boolean): ConnectionChain {
  const clusters = [{ name: outboundCluster(port.port, "", service.host), weight: 1 }];
  const byName = port.protocol === "tls" && blocks.length === 0 && (site.address === ANY_ADDRESS || !isAlone);
  const match: MatchInit = byName ? { transportProtocol: "tls", serverNames: [service.host] } : within(blocks);
  return { name: service.host, match, clusters };
}

function* ruleChains(
  snapshot: Snapshot,
  { service, port, blocks }: CalledPort,
  caller: CallerClass,
): Iterable<ConnectionChain> {
  const rules = virtualServiceFor(snapshot, service.host, caller.namespace);
  const applies = (match: TcpMatch) =>
    (match.port === undefined || match.port === port.port) && isForCaller(match, caller);
  const targets = (destinations: readonly TcpDestination[]) =>
    destinations.flatMap((destination) => {
      if (destination.weight === 0 && destinations.length > 1) return [];
      return [{ name: clusterOf(snapshot, destination, port.port), weight: destination.weight }];
    });
  const name = (kind: string, index: number) => `${service.host}-${kind}-${index}`;
  for (const [index, { matches, destinations }] of (rules?.tls ?? []).entries())
    for (const match of matches.filter(applies))
      yield { name: name("tls", index), match: tlsMatch(match, blocks), clusters: targets(destinations) };
  for (const [index, { matches, destinations }] of (rules?.tcp ?? []).entries()) {
    const alternatives = matches.length === 0 ? [EVERY] : matches;
    for (const match of alternatives.filter(applies)) {
      const ranges = match.destinationSubnets.length > 0 ? match.destinationSubnets : blocks;
      yield { name: name("tcp", index), match: within(ranges), clusters: targets(destinations) };
    }
  }
}

const EVERY: TcpMatch = { destinationSubnets: [] };

function tlsMatch({ sniHosts, destinationSubnets }: TlsMatch, blocks: readonly string[]): MatchInit {
  const ranges = destinationSubnets.length > 0 ? destinationSubnets : blocks;
  return { ...within(ranges), transportProtocol: "tls", serverNames: [...sniHosts] };
}

/** A match for connections to these blocks of addresses; none: to any. */
function within(blocks: readonly string[]): MatchInit {
  if (blocks.length === 0) return {};
  return {
    prefixRanges: blocks.map((block) => {
      const [addressPrefix = "", length] = block.split("/");
      return {
        addressPrefix,
        prefixLen: length === undefined ? (addressPrefix.includes(":") ? 128 : 32) : Number(length),
      };
    }),
  };
}

/** A destination without port means the only one of its service, or the port that was called. */
function clusterOf(snapshot: Snapshot, { host, port, subset, missing }: TcpDestination, called: number): string {
  if (missing === true) return BLACK_HOLE_CLUSTER;
  const ports = snapshot.services.get(host)?.ports ?? [];
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  return outboundCluster(port ?? only ?? called, subset ?? "", host);
}
