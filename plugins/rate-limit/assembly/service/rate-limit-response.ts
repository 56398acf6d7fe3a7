import { ProtoReader } from "@weft/sdk";

/** envoy.service.ratelimit.v3.RateLimitResponse.Code */
export enum Code {
  Unknown = 0,
  Ok = 1,
  OverLimit = 2,
}

/** Far beyond what a service has to say; the rest is left out. */
const MAX_STATUSES = 64;
const MAX_HEADERS = 32;
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86400;
/** More than a century: what is beyond it is a mistake of the service. */
const MAX_RESET_SECONDS: u64 = 4_000_000_000;

/** What the service says of one descriptor. */
export class DescriptorStatus {
  code: Code = Code.Unknown;
  /** Requests per window; 0: the service has no limit for the descriptor. */
  limit: u32 = 0;
  /** Length of the window; 0: not known. Months have 30 days, years 365, as in the service. */
  windowSeconds: u64 = 0;
  remaining: u32 = 0;
  /** Nanoseconds until the window ends. */
  resetNs: u64 = 0;
}

/** envoy.service.ratelimit.v3.RateLimitResponse, as far as the plugin acts on it. */
export class RateLimitResponse {
  code: Code = Code.Unknown;
  /** In the order of the request's descriptors. */
  readonly statuses: DescriptorStatus[] = [];
  /** For the client: name, value, name, value. */
  readonly headers: string[] = [];

  /**
   * Whether the descriptor with this index refuses the request. The overall code decides, as a service may count without
   * refusing; which descriptors are meant, their own codes say. Where they do not, all are.
   */
  isOver(index: i32, descriptors: i32): bool {
    if (this.code != Code.OverLimit) return false;
    if (this.statuses.length != descriptors || !this.hasOverLimit) return true;
    return this.statuses[index].code == Code.OverLimit;
  }

  private get hasOverLimit(): bool {
    for (let i = 0; i < this.statuses.length; i++) if (this.statuses[i].code == Code.OverLimit) return true;
    return false;
  }
}

/** Null where the message says neither OK nor OVER_LIMIT: nobody can act on it. */
export function decodeResponse(message: ArrayBuffer): RateLimitResponse | null {
  const response = new RateLimitResponse();
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field == 1) response.code = <Code>(<i32>reader.varint());
    else if (reader.field == 2 && response.statuses.length < MAX_STATUSES) {
      response.statuses.push(decodeStatus(reader.bytes()));
    } else if (reader.field == 3 && response.headers.length < 2 * MAX_HEADERS) {
      decodeHeader(reader.bytes(), response.headers);
    }
  }
  return response.code == Code.Ok || response.code == Code.OverLimit ? response : null;
}

function decodeStatus(message: ArrayBuffer): DescriptorStatus {
  const status = new DescriptorStatus();
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field == 1) status.code = <Code>(<i32>reader.varint());
    else if (reader.field == 2) decodeLimit(reader.bytes(), status);
    else if (reader.field == 3) status.remaining = <u32>reader.varint();
    else if (reader.field == 4) status.resetNs = decodeDuration(reader.bytes());
  }
  return status;
}

function decodeLimit(message: ArrayBuffer, status: DescriptorStatus): void {
  let unit: u64 = 0;
  let multiplier: u32 = 1;
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field == 1) status.limit = <u32>reader.varint();
    else if (reader.field == 2) unit = reader.varint();
    else if (reader.field == 4) multiplier = decodeUInt32Value(reader.bytes());
  }
  status.windowSeconds = secondsOfUnit(unit) * multiplier;
}

/* envoy.service.ratelimit.v3.RateLimitResponse.RateLimit.Unit */
function secondsOfUnit(unit: u64): u64 {
  switch (<i32>min<u64>(unit, 8)) {
    case 1:
      return 1;
    case 2:
      return 60;
    case 3:
      return 3600;
    case 4:
      return DAY;
    case 5:
      return 30 * DAY;
    case 6:
      return 365 * DAY;
    case 7:
      return 7 * DAY;
    default:
      return 0;
  }
}

function decodeUInt32Value(message: ArrayBuffer): u32 {
  let value: u32 = 0;
  const reader = new ProtoReader(message);
  while (reader.next()) if (reader.field == 1) value = <u32>reader.varint();
  return max<u32>(value, 1);
}

/* google.protobuf.Duration; one that is negative is over. */
function decodeDuration(message: ArrayBuffer): u64 {
  let seconds: i64 = 0;
  let nanos: i32 = 0;
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field == 1) seconds = <i64>reader.varint();
    else if (reader.field == 2) nanos = <i32>reader.varint();
  }
  if (seconds < 0 || nanos < 0) return 0;
  return min<u64>(seconds, MAX_RESET_SECONDS) * SECOND + nanos;
}

/* envoy.config.core.v3.HeaderValue. A service names headers only, never a pseudo-header. */
function decodeHeader(message: ArrayBuffer, into: string[]): void {
  let name = "";
  let value = "";
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field == 1) name = reader.string().toLowerCase();
    else if (reader.field == 2 || reader.field == 3) value = reader.string();
  }
  if (name == "" || name.startsWith(":")) return;
  into.push(name);
  into.push(value);
}
