import { HeaderPair, pairsOf } from "./headers";
import {
  booleanProperty,
  bytesProperty,
  entriesProperty,
  fetchProperty,
  integerProperty,
  numberProperty,
  stringProperty,
  writeProperty,
  writePropertyBytes,
} from "./host/property";
import { Status } from "./host/status";

/**
 * Envoy's attributes. What is read as another type than it has is null or the fallback. A read costs 1.2 µs: keep what
 * you need again. `request.*` is known in onRequestHeaders and onLog, `response.*` and `upstream.*` from the response's
 * headers on.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 *
 * ```ts
 * function describe(): string {
 *   const path = properties.string("request.path");
 *   const code = properties.integer("response.code", -1);
 *   return (path === null ? "no path" : path) + " " + code.toString();
 * }
 * ```
 */
@unmanaged
export class Properties {
  /** A path whose segments contain dots: `path(["filter_state", "wasm.weft.subset"])`. */
  path(segments: string[]): string {
    return segments.join("\0");
  }

  /** Null where the attribute is not set or not known yet. */
  string(path: string): string | null {
    return stringProperty(path);
  }

  /** As it is encoded; null where the attribute is not set or not known yet. */
  bytes(path: string): ArrayBuffer | null {
    return bytesProperty(path);
  }

  /** Signed and unsigned integers. */
  integer(path: string, fallback: i64 = 0): i64 {
    return integerProperty(path, fallback);
  }

  /** A double. Integers are read by `integer`. */
  number(path: string, fallback: f64 = 0): f64 {
    return numberProperty(path, fallback);
  }

  /** For example `connection.mtls`. */
  boolean(path: string, fallback: bool = false): bool {
    return booleanProperty(path, fallback);
  }

  /** Nanoseconds since 1970, for example `request.time`. */
  timestamp(path: string, fallback: i64 = 0): i64 {
    return integerProperty(path, fallback);
  }

  /** Nanoseconds, for example `request.duration`. */
  duration(path: string, fallback: i64 = 0): i64 {
    return integerProperty(path, fallback);
  }

  /** For example `request.headers`. */
  map(path: string): HeaderPair[] | null {
    const entries = entriesProperty(path);
    return entries === null ? null : pairsOf(entries);
  }

  /** The items of a list; null where it is not set. */
  list(path: string): string[] | null {
    const entries = entriesProperty(path);
    if (entries === null) return null;
    const items: string[] = [];
    for (let i = 0; i < entries.length; i += 2) items.push(entries[i]);
    return items;
  }

  /** Whether the attribute is set and known by now. */
  has(path: string): bool {
    return fetchProperty(path);
  }

  /**
   * Envoy keeps the value for the rest of the stream as filter state `wasm.<key>`. Later filters, access logs and this
   * plugin can read it: `properties.string(key)` where the key has no dots. False: there is no stream.
   */
  set(key: string, value: string): bool {
    return writeProperty(key, value) == Status.Ok;
  }

  /** As `set`, with bytes. */
  setBytes(key: string, value: ArrayBuffer): bool {
    return writePropertyBytes(key, value) == Status.Ok;
  }
}

/* It has no state. */
export const properties = changetype<Properties>(0);
