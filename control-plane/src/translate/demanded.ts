import type { Snapshot } from "../model/snapshot.js";
import { memoByIdentity, subsetsOf } from "./mesh-index.js";
import { outboundCluster } from "./names.js";
import type { Ref } from "./ref.js";
import { isSent, type Scope } from "./scope.js";
import type { RefTable } from "./select.js";

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
export function demandedRefs(snapshot: Snapshot, scope: Scope, names: ReadonlySet<string>): RefTable {
  if (names.size === 0) return NOTHING;
  const clusters = new Map<string, Ref>();
  const endpoints = new Map<string, Ref>();
  const reachable = reachableByHost(scope);
  for (const name of names) {
    const [, number, subset = "", host = ""] = name.split("|");
    const service = reachable.get(host);
    const port = service?.ports.find((candidate) => candidate.port === Number(number));
    if (service === undefined || port === undefined || isSent(scope, service, port)) continue;
    if (subset !== "" && !subsetsOf(snapshot, host).some((candidate) => candidate.name === subset)) continue;
    if (name !== outboundCluster(port.port, subset, host)) continue;
    clusters.set(name, { type: "cluster", name, variant: "" });
    endpoints.set(name, { type: "endpoints", name, variant: "" });
  }
  return clusters.size === 0
    ? NOTHING
    : new Map([
        ["cluster", clusters],
        ["endpoints", endpoints],
      ]);
}

const reachableByHost = memoByIdentity(
  (scope: Scope) => new Map(scope.reachable.map((service) => [service.host, service])),
);
