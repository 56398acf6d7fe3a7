import type { Destination, HttpRoute, HttpRouteOptions } from "./http-route.js";
import type { TcpRoute, TlsRoute } from "./tcp-route.js";

/** A rule whose requests the rules of another VirtualService decide on, one without hosts. */
export interface DelegateRoute extends HttpRouteOptions {
  readonly delegate: { readonly namespace: string; readonly name: string };
}

/** A VirtualService for traffic inside the mesh. */
export interface VirtualService {
  readonly namespace: string;
  readonly name: string;
  /** Resolved to full names; `*.foo.com` and `*` stand for many. Empty: the rules are for others to delegate to. */
  readonly hosts: readonly string[];
  /** Namespaces whose callers follow it; `*` stands for all. Sorted. */
  readonly exportTo: readonly string[];
  /** The first that matches decides, of these and of the following two. */
  readonly http: readonly (HttpRoute | DelegateRoute)[];
  readonly tcp: readonly TcpRoute[];
  readonly tls: readonly TlsRoute[];
}

/** Where a rule itself sends requests. */
export function destinationsOf(rule: HttpRoute | DelegateRoute): readonly Destination[] {
  return "action" in rule && rule.action.kind === "forward" ? rule.action.destinations : [];
}
