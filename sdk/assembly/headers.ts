import {
  addHeader,
  firstHeader,
  HeaderMap,
  headerEntries,
  headerValues,
  removeHeader,
  replaceHeader,
} from "./host/header-map";
import { Status } from "./host/status";

export class HeaderPair {
  constructor(
    readonly name: string,
    readonly value: string,
  ) {}
}

/** A view on one of the stream's header maps. Names are compared without case. */
export class Headers {
  constructor(private readonly map: HeaderMap) {}

  /** The first value; null where the header is missing. Present but empty is "". */
  get(name: string): string | null {
    return firstHeader(this.map, name);
  }

  /** Every value, in order; empty where the header is missing. */
  all(name: string): string[] {
    return headerValues(this.map, name);
  }

  has(name: string): bool {
    return firstHeader(this.map, name) !== null;
  }

  /** All headers in order, pseudo headers such as `:path` among them. */
  pairs(): HeaderPair[] {
    const entries = headerEntries(this.map);
    const pairs: HeaderPair[] = [];
    for (let i = 0; i + 1 < entries.length; i += 2) pairs.push(new HeaderPair(entries[i], entries[i + 1]));
    return pairs;
  }

  /** Sets one value in place of all there are. False: headers cannot be changed any more in this phase. */
  set(name: string, value: string): bool {
    return replaceHeader(this.map, name, value) == Status.Ok;
  }

  /** Adds a value to those there are. */
  add(name: string, value: string): bool {
    return addHeader(this.map, name, value) == Status.Ok;
  }

  remove(name: string): bool {
    return removeHeader(this.map, name) == Status.Ok;
  }
}
