import { EntryConfig, HeaderMatch, IfMissing, LimitConfig, Match, Source } from "./config";
import { pathOf, queryParameter } from "./path";

/** One key and value of a descriptor, as the rate limit service knows them. */
export class Entry {
  constructor(
    readonly key: string,
    readonly value: string,
  ) {}
}

/** What tells the requests of one limit apart: each descriptor has a bucket of its own. */
export class Descriptor {
  constructor(
    /** Index of the limit in the configuration. */
    readonly limit: i32,
    /** In the order of the configuration; empty where all requests share a bucket. */
    readonly entries: Entry[],
  ) {}
}

/** What limits may ask about a request. */
export abstract class RequestView {
  /** All values of a header, joined by commas; null where it is missing. */
  abstract header(name: string): string | null;
  /** SPIFFE id in the peer's certificate. */
  abstract sourceIdentity(): string | null;
  /** Address and port. */
  abstract sourceAddress(): string | null;
}

/** The request's descriptor for a limit; null where the limit is not for it. */
export function describe(limit: LimitConfig, index: i32, request: RequestView): Descriptor | null {
  if (!matches(limit.match, request)) return null;
  const configured = limit.descriptor;
  const entries: Entry[] = [];
  for (let i = 0; i < configured.length; i++) {
    const entry = configured[i];
    let value = valueOf(entry, request);
    if (value === null) {
      if (entry.ifMissing == IfMissing.skip) return null;
      value = "";
    }
    entries.push(new Entry(keyOf(entry), value));
  }
  return new Descriptor(index, entries);
}

export function matches(match: Match, request: RequestView): bool {
  if (match.path != "" || match.pathPrefix != "") {
    const path = pathOf(text(request.header(":path")));
    if (match.path != "" && path != match.path) return false;
    if (!path.startsWith(match.pathPrefix)) return false;
  }
  if (match.methods.length > 0 && !match.methods.includes(text(request.header(":method")))) return false;
  for (let i = 0; i < match.headers.length; i++) {
    const header = match.headers[i];
    if (hasHeader(header, request.header(header.name)) == header.invert) return false;
  }
  return true;
}

function hasHeader(match: HeaderMatch, value: string | null): bool {
  if (value === null) return false;
  if (match.exact != "" && value != match.exact) return false;
  return value.startsWith(match.prefix);
}

function text(value: string | null): string {
  return value === null ? "" : value;
}

function valueOf(entry: EntryConfig, request: RequestView): string | null {
  switch (entry.from) {
    case Source.header:
      return request.header(entry.name);
    case Source.path:
      return pathOf(text(request.header(":path")));
    case Source.method:
      return request.header(":method");
    case Source.sourceIdentity:
      return request.sourceIdentity();
    case Source.sourceAddress:
      return withoutPort(request.sourceAddress());
    case Source.query:
      return queryParameter(text(request.header(":path")), entry.name);
    default:
      return entry.value;
  }
}

/* The keys of Envoy's own rate limit actions, where it has them. */
function keyOf(entry: EntryConfig): string {
  if (entry.key != "") return entry.key;
  switch (entry.from) {
    case Source.path:
      return "path";
    case Source.method:
      return "method";
    case Source.sourceIdentity:
      return "source_identity";
    case Source.sourceAddress:
      return "remote_address";
    case Source.constant:
      return "generic_key";
    default:
      return entry.name;
  }
}

/** "10.0.0.1:80" and "[::1]:80" without what follows the last colon and without brackets. */
export function withoutPort(address: string | null): string | null {
  if (address === null) return null;
  const colon = address.lastIndexOf(":");
  if (colon < 0) return address;
  if (address.charCodeAt(0) == 91 && address.charCodeAt(colon - 1) == 93) return address.substring(1, colon - 1);
  return address.substring(0, colon);
}
