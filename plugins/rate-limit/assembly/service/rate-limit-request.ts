import { ProtoWriter } from "@weft/sdk";
import { LimitConfig, Unit } from "../config";
import { Descriptor } from "../descriptor";

/**
 * envoy.service.ratelimit.v3.RateLimitRequest, with a descriptor for each limit that the request is for, in that order.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/service/ratelimit/v3/rls.proto
 */
export function encodeRequest(
  domain: string,
  descriptors: Descriptor[],
  limits: LimitConfig[],
  /** Each descriptor carries the limit's requests and unit, which go before those that the service has. */
  sendLimits: bool,
  /** What the request counts for; 0 is left out, and the service takes it for 1. */
  hitsAddend: u32 = 0,
): ArrayBuffer {
  const request = new ProtoWriter().string(1, domain);
  for (let i = 0; i < descriptors.length; i++) {
    const descriptor = descriptors[i];
    request.message(2, encodeDescriptor(descriptor, limits[descriptor.limit], sendLimits));
  }
  if (hitsAddend > 0) request.varint(3, hitsAddend);
  return request.finish();
}

/* envoy.extensions.common.ratelimit.v3.RateLimitDescriptor */
function encodeDescriptor(descriptor: Descriptor, limit: LimitConfig, sendLimits: bool): ProtoWriter {
  const entries = descriptor.entries;
  const message = new ProtoWriter();
  // A descriptor without entries is no limit to the service.
  if (entries.length == 0) message.message(1, encodeEntry("generic_key", limit.name));
  for (let i = 0; i < entries.length; i++) message.message(1, encodeEntry(entries[i].key, entries[i].value));
  if (sendLimits) message.message(2, encodeOverride(limit));
  return message;
}

function encodeEntry(key: string, value: string): ProtoWriter {
  return new ProtoWriter().string(1, key).string(2, value);
}

function encodeOverride(limit: LimitConfig): ProtoWriter {
  const message = new ProtoWriter().varint(1, limit.requests).varint(2, unitNumber(limit.unit));
  // google.protobuf.UInt32Value. Services older than the field would not know it.
  if (limit.units != 1) message.message(3, new ProtoWriter().varint(1, limit.units));
  return message;
}

/* envoy.type.v3.RateLimitUnit */
function unitNumber(unit: Unit): u64 {
  if (unit == Unit.second) return 1;
  if (unit == Unit.minute) return 2;
  return unit == Unit.hour ? 3 : 4;
}
