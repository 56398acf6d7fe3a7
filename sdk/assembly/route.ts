import { clearRouteCache } from "./host/foreign";
import { writeProperty } from "./host/property";
import { Status } from "./host/status";

/** The route that the request takes. */
@unmanaged
export class Route {
  /**
   * Sends the request to this subset of the destination host (DestinationRule). Only while the request's headers are
   * handled; afterwards it does nothing. The plugin's manifest names `subsetRoutes` under `requires`, so that the mesh
   * makes the routes: they match the filter state `wasm.weft.subset`.
   *
   * ```ts
   * class Beta extends HttpContext<NoConfig> {
   *   onRequestHeaders(endOfStream: bool): Action {
   *     if (this.request.headers.has("x-beta")) this.route.subset = "v2";
   *     return Action.Continue;
   *   }
   * }
   * register<Beta, NoConfig>("beta");
   * ```
   */
  set subset(name: string) {
    if (writeProperty("weft.subset", name) == Status.Ok) clearRouteCache();
  }

  /** The route is chosen anew, by what headers and filter state are now. Header changes do so by themselves. */
  clear(): bool {
    return clearRouteCache() == Status.Ok;
  }
}

/** Values that this stream adds to metrics and access logs. */
@unmanaged
export class Labels {
  /** A manifest reads the value as `%FILTER_STATE(wasm.weft.<name>:PLAIN)%`. */
  set(name: string, value: string): bool {
    return writeProperty("weft." + name, value) == Status.Ok;
  }
}

/* Neither has state. */
export function currentRoute(): Route {
  return changetype<Route>(0);
}

export function currentLabels(): Labels {
  return changetype<Labels>(0);
}
