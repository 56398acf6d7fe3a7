import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type ResourceType, TYPE_URLS } from "../model/resource.js";
import type { SentResource } from "./delta-stream.js";
import type { DeltaRequest } from "./subscription.js";

/**
 * Wire format of the incremental protocol, by hand. The first request of a stream describes every extension that Envoy
 * has (61 KB), which nobody reads; and the bytes of resources are shared by all streams, so that a response is a copy of
 * finished pieces. Field numbers: envoy/service/discovery/v3/discovery.proto
 */

/** A DeltaDiscoveryRequest; its type may be one that we do not serve. */
export interface WireRequest extends Omit<DeltaRequest, "type"> {
  readonly typeUrl: string;
  /** What the client calls itself, for logs only. Empty in all but the first request of a stream. */
  readonly nodeId: string;
}

/** @throws Error (code XDS_MALFORMED_REQUEST) if these are not the bytes of such a message. */
export function decodeDeltaRequest(bytes: Uint8Array): WireRequest {
  try {
    return readRequest(new BinaryReader(bytes));
  } catch (cause) {
    throw malformed("DeltaDiscoveryRequest", cause);
  }
}

/** The error (code XDS_MALFORMED_REQUEST) of bytes that are not such a message. */
export function malformed(message: string, cause: unknown): Error {
  return Object.assign(new Error(`the request is not a ${message}`, { cause }), { code: "XDS_MALFORMED_REQUEST" });
}

function readRequest(reader: BinaryReader): WireRequest {
  let typeUrl = "";
  let nodeId = "";
  let responseNonce = "";
  let error: string | undefined;
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialResourceVersions = new Map<string, string>();
  readFields(reader, {
    1: () => {
      nodeId = readStringField(reader.bytes(), 1);
    },
    2: () => {
      typeUrl = reader.string();
    },
    3: () => subscribe.push(reader.string()),
    4: () => unsubscribe.push(reader.string()),
    5: () => {
      const entry = reader.bytes();
      initialResourceVersions.set(readStringField(entry, 1), readStringField(entry, 2));
    },
    6: () => {
      responseNonce = reader.string();
    },
    7: () => {
      error = readStringField(reader.bytes(), 2);
    },
  });
  return {
    typeUrl,
    nodeId,
    responseNonce,
    subscribe,
    unsubscribe,
    initialResourceVersions,
    ...(error === undefined ? {} : { error }),
  };
}

/** Calls the reader of each length-delimited field that has one and skips everything else. */
export function readFields(reader: BinaryReader, fields: Readonly<Record<number, () => void>>): void {
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const read = wireType === WireType.LengthDelimited ? fields[number] : undefined;
    if (read === undefined) reader.skip(wireType, number);
    else read();
  }
}

/** The last value of a string field in a message; empty if it is not there. */
export function readStringField(message: Uint8Array, number: number): string {
  const reader = new BinaryReader(message);
  let value = "";
  readFields(reader, {
    [number]: () => {
      value = reader.string();
    },
  });
  return value;
}

/** What stands before the bytes of a resource in a response. */
interface Head {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** By the bytes of the resource. Made once for all streams; the bytes themselves are not copied. */
const heads = new WeakMap<Uint8Array, Head>();

function headOf(type: ResourceType, resource: SentResource): Uint8Array {
  const known = heads.get(resource.bytes);
  if (known !== undefined && known.name === resource.name && known.version === resource.version) return known.bytes;
  const typeUrl = new BinaryWriter()
    .uint32(tag(1))
    .string(TYPE_URLS[type])
    .uint32(tag(2))
    .uint32(resource.bytes.length);
  const any = typeUrl.finish();
  // The Any comes last, so that the resource's bytes end the frame.
  const fields = new BinaryWriter()
    .uint32(tag(3))
    .string(resource.name)
    .uint32(tag(1))
    .string(resource.version)
    .uint32(tag(2))
    .uint32(any.length + resource.bytes.length)
    .raw(any)
    .finish();
  const bytes = new BinaryWriter()
    .uint32(tag(2))
    .uint32(fields.length + resource.bytes.length)
    .raw(fields)
    .finish();
  heads.set(resource.bytes, { name: resource.name, version: resource.version, bytes });
  return bytes;
}

/** The tag of a length-delimited field. */
export function tag(field: number): number {
  return (field << 3) | WireType.LengthDelimited;
}

/** A DeltaDiscoveryResponse, in one buffer. */
export function encodeDeltaResponse(
  type: ResourceType,
  nonce: string,
  resources: readonly SentResource[],
  removed: readonly string[],
): Buffer {
  const writer = new BinaryWriter().uint32(tag(4)).string(TYPE_URLS[type]).uint32(tag(5)).string(nonce);
  for (const name of removed) writer.uint32(tag(6)).string(name);
  const parts: Uint8Array[] = [writer.finish()];
  for (const resource of resources) parts.push(headOf(type, resource), resource.bytes);
  return Buffer.concat(parts);
}
