import { resolveBackend } from "../model/gateway-route.js";
import type { HttpMatch, Target } from "../model/http-route.js";
import { memoByIdentity } from "../model/memo.js";
import { isVisibleIn } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { type CallerClass, callerClassOf, isForCaller } from "./caller-class.js";
import { classText, type DestinationClass } from "./destination-class.js";
import { destinationRefs } from "./destination-refs.js";
import { type Ref, type RefTable, refTable } from "./ref.js";
import { isSent, reachableByHost, type Scope } from "./scope.js";
import { resolvedRules } from "./virtual-services.js";

/**
 * What a rule names that no request waits for: Envoy drops the copies for a mirror whose cluster it does not have, and
 * closes the connections of a rule for TCP or TLS. So these clusters are sent to all who may follow the rule.
 */
interface UnheldTargets {
  /** Namespaces whose callers may follow the rule; `*` stands for all. */
  readonly exportTo: readonly string[];
  /** What the rule asks of callers, by match; empty: nothing. */
  readonly sources: readonly Pick<HttpMatch, "sourceLabels" | "sourceNamespace">[];
  readonly targets: readonly Target[];
}

type RuleSnapshot = Pick<
  Snapshot,
  "virtualServices" | "httpRoutes" | "grpcRoutes" | "referenceGrants" | "services" | "destinationRules" | "settings"
>;

/** What was computed beside a scope, with the rules that it was computed from. */
const remembered = new WeakMap<Scope, { inputs: readonly unknown[]; byClass: Map<string, RefTable> }>();

/**
 * Clusters beyond the scope that callers of a class have all the same. As with all beyond the scope, of services that
 * they may reach.
 */
export function unheldRefs(
  snapshot: RuleSnapshot,
  scope: Scope,
  /** Their class, as the variant of their routes has it and as clusters tell it apart. */
  caller: { readonly routes: string; readonly destination: DestinationClass },
): RefTable {
  const inputs = [snapshot.destinationRules, ...RULE_KINDS.map((kind) => snapshot[kind])];
  let known = remembered.get(scope);
  if (known === undefined || known.inputs.some((input, position) => input !== inputs[position])) {
    known = { inputs, byClass: new Map() };
    remembered.set(scope, known);
  }
  const id = `${caller.routes}\n${classText(caller.destination)}`;
  let refs = known.byClass.get(id);
  if (refs === undefined) {
    refs = refTable(computeRefs(snapshot, scope, callerClassOf(caller.routes), caller.destination));
    known.byClass.set(id, refs);
  }
  return refs;
}

function* computeRefs(
  snapshot: RuleSnapshot,
  scope: Scope,
  routing: CallerClass,
  destination: DestinationClass,
): Iterable<Ref> {
  for (const { exportTo, sources, targets } of unheldTargets(snapshot)) {
    if (!isVisibleIn({ exportTo }, routing.namespace)) continue;
    if (sources.length > 0 && !sources.some((source) => isForCaller(source, routing))) continue;
    for (const { host, port, subset } of targets) {
      const service = reachableByHost(scope).get(host);
      if (service === undefined) continue;
      // Without a port it is the one that was called, which may be any of them.
      const ports = service.ports.filter(
        (candidate) => (port === undefined || candidate.port === port) && !isSent(scope, service, candidate),
      );
      yield* destinationRefs(snapshot, service, ports, destination, subset ?? "");
    }
  }
}

const RULE_KINDS = ["virtualServices", "httpRoutes", "grpcRoutes", "referenceGrants"] as const;

/** Whether the rules of two snapshots with the same services name other targets, or show them to others. */
export function differInUnheldTargets(prev: RuleSnapshot, next: RuleSnapshot): boolean {
  if (RULE_KINDS.every((kind) => prev[kind] === next[kind])) return false;
  return JSON.stringify(unheldTargets(prev)) !== JSON.stringify(unheldTargets(next));
}

function unheldTargets(snapshot: RuleSnapshot): readonly UnheldTargets[] {
  return [...ofVirtualServices(snapshot.virtualServices), ...ofGatewayRoutes(snapshot)];
}

const ofVirtualServices = memoByIdentity((virtualServices: Snapshot["virtualServices"]): readonly UnheldTargets[] =>
  [...resolvedRules(virtualServices)].flatMap(([{ exportTo, tcp, tls }, http]) =>
    [
      ...http.map(({ matches, mirrors = [] }) => ({ matches, targets: mirrors })),
      ...[...tcp, ...tls].map(({ matches, destinations }) => ({ matches, targets: destinations })),
    ].flatMap(({ matches, targets }) =>
      targets.length === 0
        ? []
        : {
            exportTo,
            sources: matches.map(sourceOf),
            targets: targets.map(targetOf),
          },
    ),
  ),
);

/** Routes hold for callers of their own namespace, and for all where it is that of the Service. */
function ofGatewayRoutes(snapshot: RuleSnapshot): readonly UnheldTargets[] {
  return [...mirroringRoutes(snapshot.httpRoutes), ...mirroringRoutes(snapshot.grpcRoutes)].map((route) => {
    const isProducer = route.parents.some(({ namespace }) => namespace === route.namespace);
    const targets = route.rules.flatMap(({ mirrors }) =>
      mirrors.flatMap((mirror): Target[] => {
        const backend = resolveBackend(route, mirror, snapshot);
        return backend.kind === "missing" ? [] : [{ host: backend.host, port: backend.port }];
      }),
    );
    return { exportTo: [isProducer ? "*" : route.namespace], sources: [], targets };
  });
}

const mirroringRoutes = memoByIdentity((routes: Snapshot["httpRoutes"]) =>
  [...routes.values()].filter(({ rules }) => rules.some(({ mirrors }) => mirrors.length > 0)),
);

function sourceOf({
  sourceLabels,
  sourceNamespace,
}: UnheldTargets["sources"][number]): UnheldTargets["sources"][number] {
  return {
    ...(sourceLabels !== undefined && { sourceLabels }),
    ...(sourceNamespace !== undefined && { sourceNamespace }),
  };
}

function targetOf({ host, port, subset }: Target): Target {
  return { host, ...(port !== undefined && { port }), ...(subset !== undefined && { subset }) };
}
