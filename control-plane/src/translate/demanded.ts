import type { Snapshot } from "../model/snapshot.js";
import type { DestinationClass } from "./destination-class.js";
import { destinationRefs } from "./destination-refs.js";
import { outboundCluster } from "./names.js";
import { type RefTable, refTable } from "./ref.js";
import { isSent, reachableByHost, type Scope } from "./scope.js";

/** Longest name of a cluster that is worth remembering: a host of 253, a subset of 63, a port, and what is between. */
const MAX_NAME_LENGTH = 400;
/** Names that a proxy may ask for beyond its scope. A mesh has fewer; more is a fault or an attack. */
const MAX_DEMANDED = 20_000;

/** Adds what a proxy asks for by name, as far as it could ever mean something. The same set, where nothing is added. */
export function withDemanded(known: ReadonlySet<string>, names: Iterable<string>): ReadonlySet<string> {
  let grown: Set<string> | undefined;
  for (const name of names) {
    if (known.has(name) || name.length > MAX_NAME_LENGTH || !name.startsWith("outbound|")) continue;
    if ((grown ?? known).size >= MAX_DEMANDED) break;
    grown ??= new Set(known);
    grown.add(name);
  }
  return grown ?? known;
}

const NOTHING: RefTable = new Map();

/** What a proxy gets because it asked for it: clusters of services that it may reach, which are not sent anyway. */
export function demandedRefs(
  snapshot: Snapshot,
  scope: Scope,
  { names, caller }: { readonly names: ReadonlySet<string>; readonly caller: DestinationClass },
): RefTable {
  if (names.size === 0) return NOTHING;
  const reachable = reachableByHost(scope);
  const refs = [...names].flatMap((name) => {
    const [, number, subset = "", host = ""] = name.split("|");
    const service = reachable.get(host);
    const port = service?.ports.find((candidate) => candidate.port === Number(number));
    if (service === undefined || port === undefined || isSent(scope, service, port)) return [];
    return name === outboundCluster(port.port, subset, host)
      ? destinationRefs(snapshot, service, [port], caller, subset)
      : [];
  });
  return refs.length === 0 ? NOTHING : refTable(refs);
}
