import { writeProperty } from "./host/property";
import { Status } from "./host/status";
import { callForeignFunction } from "./host/stream";

/** The route that the request takes. */
export class Route {
  /**
   * Sends the request to this subset of the destination host (DestinationRule). Only while the request's headers are
   * handled. The plugin's manifest names `subsetRoutes` under `requires`, so that the mesh makes the routes: they
   * match the filter state `wasm.weft.subset`.
   */
  set subset(name: string) {
    if (writeProperty("weft.subset", name) == Status.Ok) callForeignFunction("clear_route_cache");
  }
}

/** Values that this stream adds to metrics and access logs. */
export class Labels {
  /** A manifest reads the value as `%FILTER_STATE(wasm.weft.<name>:PLAIN)%`. */
  set(name: string, value: string): bool {
    return writeProperty("weft." + name, value) == Status.Ok;
  }
}

export const currentRoute = new Route();
export const currentLabels = new Labels();
