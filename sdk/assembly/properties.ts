import {
  booleanProperty,
  bytesProperty,
  hasProperty,
  integerProperty,
  numberProperty,
  stringProperty,
  writeProperty,
} from "./host/property";
import { Status } from "./host/status";

/**
 * Envoy's attributes: `properties.string("request.path")`, `properties.integer("response.code")`.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 */
export class Properties {
  /** A path whose segments contain dots: `path(["filter_state", "wasm.weft.subset"])`. */
  path(segments: string[]): string {
    return segments.join("\0");
  }

  /** Null where the attribute is not set or not known yet. */
  string(path: string): string | null {
    return stringProperty(path);
  }

  bytes(path: string): ArrayBuffer | null {
    return bytesProperty(path);
  }

  /** Also timestamps and durations, in nanoseconds. */
  integer(path: string, fallback: i64 = 0): i64 {
    return integerProperty(path, fallback);
  }

  number(path: string, fallback: f64 = 0): f64 {
    return numberProperty(path, fallback);
  }

  boolean(path: string, fallback: bool = false): bool {
    return booleanProperty(path, fallback);
  }

  has(path: string): bool {
    return hasProperty(path);
  }

  /** Envoy keeps the value for the rest of the stream as filter state `wasm.<key>`. */
  set(key: string, value: string): bool {
    return writeProperty(key, value) == Status.Ok;
  }
}

export const properties = new Properties();
