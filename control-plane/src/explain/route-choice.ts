import type {
  HeaderMatcher,
  QueryParameterMatcher,
  Route,
  RouteMatch,
  VirtualHost,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import type { RouteConfiguration } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { headerOf, pathOnly, queryOf, type Request } from "./request.js";
import { matchesRegex, matchesString } from "./string-matcher.js";
import { all, not, type Told } from "./told.js";

/** The route that Envoy takes for a request. */
export interface RouteChoice {
  readonly virtualHost: VirtualHost;
  /** Absent: none takes it, and Envoy answers 404. */
  readonly route?: Route;
  /** Names of routes before it of which it cannot be told whether they take it. */
  readonly doubtful: readonly string[];
  /** Names of routes before it that a plugin can choose by the subset that it sets. */
  readonly byPlugin: readonly string[];
}

/** Undefined: no virtual host has the request's host, and Envoy answers 404. */
export function chooseRoute(routes: RouteConfiguration, request: Request): RouteChoice | undefined {
  const host = request.authority.toLowerCase();
  const virtualHost = chooseHost(routes.virtualHosts, routes.ignorePortInHostMatching ? withoutPort(host) : host);
  if (virtualHost === undefined) return undefined;
  const doubtful: string[] = [];
  const byPlugin: string[] = [];
  for (const route of virtualHost.routes) {
    const match = route.match;
    if (match === undefined) continue;
    const told = matchesRoute(match, request);
    if (told === false) continue;
    if (match.filterState.length > 0) byPlugin.push(route.name);
    else if (told === true) return { virtualHost, route, doubtful, byPlugin };
    else doubtful.push(route.name);
  }
  return { virtualHost, doubtful, byPlugin };
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, "");
}

/**
 * A name before suffixes, the longest suffix before shorter ones, then prefixes likewise, then `*`.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost
 */
export function chooseHost(virtualHosts: readonly VirtualHost[], host: string): VirtualHost | undefined {
  let best: { readonly rank: number; readonly length: number; readonly virtualHost: VirtualHost } | undefined;
  for (const virtualHost of virtualHosts)
    for (const domain of virtualHost.domains.map((text) => text.toLowerCase())) {
      const rank = hostRank(domain, host);
      if (rank === undefined) continue;
      const { length } = domain;
      if (best === undefined || rank < best.rank || (rank === best.rank && length > best.length))
        best = { rank, length, virtualHost };
    }
  return best?.virtualHost;
}

function hostRank(domain: string, host: string): number | undefined {
  if (domain === host) return 0;
  if (domain === "*") return 3;
  if (domain.startsWith("*")) return host.length >= domain.length && host.endsWith(domain.slice(1)) ? 1 : undefined;
  if (domain.endsWith("*")) return host.length >= domain.length && host.startsWith(domain.slice(0, -1)) ? 2 : undefined;
  return undefined;
}

/** What a plugin sets is left out. */
export function matchesRoute(match: RouteMatch, request: Request): Told {
  return all([
    matchesPath(match, pathOnly(request)),
    ...match.headers.map((header) => matchesHeader(header, request)),
    ...match.queryParameters.map((parameter) => matchesParameter(parameter, queryOf(request))),
  ]);
}

function matchesPath({ pathSpecifier, caseSensitive }: RouteMatch, path: string): Told {
  // Envoy's default is that case counts.
  const fold = (text: string) => (caseSensitive === false ? text.toLowerCase() : text);
  switch (pathSpecifier.case) {
    case "prefix":
      return fold(path).startsWith(fold(pathSpecifier.value));
    case "path":
      return fold(path) === fold(pathSpecifier.value);
    case "pathSeparatedPrefix": {
      const prefix = fold(pathSpecifier.value);
      return fold(path) === prefix || fold(path).startsWith(`${prefix}/`);
    }
    case "safeRegex":
      return matchesRegex(pathSpecifier.value.regex, path);
    default:
      return undefined;
  }
}

/** A header that is missing fulfils neither a match of its value nor the opposite, unless it counts as empty. */
export function matchesHeader(matcher: HeaderMatcher, request: Request): Told {
  const value = headerOf(request, matcher.name);
  const { headerMatchSpecifier: specifier, invertMatch, treatMissingHeaderAsEmpty } = matcher;
  const turned = (told: Told) => (invertMatch ? not(told) : told);
  if (specifier.case === undefined) return turned(value !== undefined);
  if (specifier.case === "presentMatch") return turned((value !== undefined) === specifier.value);
  if (specifier.case !== "stringMatch") return undefined;
  if (value === undefined && !treatMissingHeaderAsEmpty) return false;
  return turned(matchesString(specifier.value, value ?? ""));
}

function matchesParameter(
  { name, queryParameterMatchSpecifier: specifier }: QueryParameterMatcher,
  parameters: ReadonlyMap<string, string>,
): Told {
  const value = parameters.get(name);
  if (specifier.case === "presentMatch") return (value !== undefined) === specifier.value;
  if (value === undefined) return false;
  return specifier.case === "stringMatch" ? matchesString(specifier.value, value) : true;
}
