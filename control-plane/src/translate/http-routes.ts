import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteSchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import type { Destination, DirectResponse, HttpMatch, HttpRoute } from "../model/http-route.js";
import type { ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { type CallerClass, isForCaller } from "./caller-class.js";
import { subsetsOf } from "./destination-rules.js";
import { hashPolicies } from "./hash-policies.js";
import { headerMutations } from "./header-mutations.js";
import { requirements } from "./mesh-index.js";
import { SUBSET_FILTER_STATE } from "./names.js";
import { redirectAction } from "./redirect-action.js";
import { routeRetries } from "./retry-policy.js";
import { routeAction, targetPort } from "./route-action.js";
import { routeFilters } from "./route-filters.js";
import { type RouteMatchInit, routeMatch } from "./route-match.js";

export type RouteInit = MessageInitShape<typeof RouteSchema>;

/** What routes are made for. `name` begins the names of those whose rules have none. */
export interface RouteSite {
  readonly name: string;
  /** The port that is called. */
  readonly port: Pick<ServicePort, "port">;
  readonly caller: CallerClass;
}

/**
 * The routes of rules for callers of a class and one port. Empty where none of the rules is for them. Whoever calls
 * has no further routes: a request that no rule takes has none.
 */
export function httpRoutes(snapshot: Snapshot, rules: readonly HttpRoute[], site: RouteSite): RouteInit[] {
  return rules.flatMap((rule, index) => {
    const matches: readonly (HttpMatch | undefined)[] =
      rule.matches.length === 0
        ? [undefined]
        : rule.matches.filter(
            (match) => (match.port === undefined || match.port === site.port.port) && isForCaller(match, site.caller),
          );
    const name = rule.name ?? `${site.name}-${index}`;
    return matches.flatMap((match) =>
      matchRoutes(snapshot, rule, match, site, match?.name === undefined ? name : `${name}.${match.name}`),
    );
  });
}

function matchRoutes(
  snapshot: Snapshot,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  site: RouteSite,
  name: string,
): RouteInit[] {
  const { action } = rule;
  const base = {
    name,
    match: routeMatch(match),
    ...(match?.statPrefix === undefined ? {} : { statPrefix: match.statPrefix }),
    typedPerFilterConfig: routeFilters(rule),
  };
  switch (action.kind) {
    case "redirect":
      return [
        {
          ...base,
          ...headerMutations(rule.headers),
          action: { case: "redirect", value: redirectAction(action.redirect, match?.uri, site.port.port) },
        },
      ];
    case "respond":
      return [
        {
          ...base,
          ...headerMutations(rule.headers),
          action: { case: "directResponse", value: directResponse(action.response) },
        },
      ];
    case "forward": {
      const { destinations } = action;
      if (destinations.every(({ weight }) => weight === 0))
        return [{ ...base, action: { case: "directResponse", value: { status: 500 } } }];
      const forward = (
        to: readonly Destination[],
        over: { readonly name: string; readonly match: RouteMatchInit },
      ) => ({
        ...base,
        ...over,
        ...forwardParts(snapshot, rule, to, match, site),
      });
      const copies = chosenSubsets(snapshot, destinations, site.caller).map(({ destination, subset }) =>
        forward([destination], { name: `${name}|${subset}`, match: withChosenSubset(base.match, subset) }),
      );
      return [...copies, forward(destinations, base)];
    }
  }
}

function forwardParts(
  snapshot: Snapshot,
  rule: HttpRoute,
  destinations: readonly Destination[],
  match: HttpMatch | undefined,
  { port, caller }: RouteSite,
): Omit<RouteInit, "$typeName"> {
  const hashed = destinations.map((destination) => ({
    host: destination.host,
    port: targetPort(snapshot, destination, port),
    subset: destination.subset ?? "",
  }));
  const hashPolicy = hashPolicies(snapshot, caller.namespace, hashed);
  const retries = routeRetries(rule.retries, requirements(snapshot), hashPolicy.length > 0);
  const action = routeAction(snapshot, rule, destinations, port, match?.uri, retries);
  const [only] = destinations.length === 1 ? destinations : [];
  const mutations = headerMutations(rule.headers, only?.headers);
  const toAdd = [...(mutations.requestHeadersToAdd ?? []), ...(retries.requestHeaders ?? [])];
  return {
    action: { case: "route", value: { ...action, ...(hashPolicy.length > 0 && { hashPolicy }) } },
    ...mutations,
    ...(toAdd.length > 0 && { requestHeadersToAdd: toAdd }),
  };
}

/**
 * What a plugin that sets `route.subset` reaches: for a rule whose destinations are all of one host with subsets, a
 * destination per subset, with what the rule says of that subset.
 */
function chosenSubsets(
  snapshot: Snapshot,
  destinations: readonly Destination[],
  caller: CallerClass,
): readonly { readonly subset: string; readonly destination: Destination }[] {
  if (!requirements(snapshot).has("subsetRoutes")) return [];
  const [first] = destinations;
  if (first === undefined || destinations.some((d) => d.missing || d.host !== first.host || d.port !== first.port))
    return [];
  return subsetsOf(snapshot, caller.namespace, snapshot.services.get(first.host)).map(({ name }) => {
    const headers = destinations.find(({ subset }) => subset === name)?.headers;
    const { host, port } = first;
    return {
      subset: name,
      destination: {
        host,
        subset: name,
        weight: 100,
        ...(port === undefined ? {} : { port }),
        ...(headers === undefined ? {} : { headers }),
      },
    };
  });
}

/** A copy of a match that wants the plugin's choice in the filter state. */
function withChosenSubset(match: RouteMatchInit, subset: string): RouteMatchInit {
  const matcher = { case: "stringMatch", value: { matchPattern: { case: "exact", value: subset } } } as const;
  return { ...match, filterState: [{ key: SUBSET_FILTER_STATE, matcher }] };
}

function directResponse({ status, body }: DirectResponse) {
  if (body === undefined) return { status };
  const specifier =
    body.kind === "text"
      ? ({ case: "inlineString", value: body.value } as const)
      : ({ case: "inlineBytes", value: Buffer.from(body.value, "base64") } as const);
  return { status, body: { specifier } };
}
