import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { type ResourceType, TYPE_URLS } from "../model/resource.js";
import { malformed, readFields, readStringField, tag } from "./codec.js";
import type { SentResource } from "./delta-stream.js";
import type { WorldRequest } from "./state-of-the-world-stream.js";

/** Wire format of the state-of-the-world protocol, by hand like that of the incremental one. */

/** A DiscoveryRequest; its type may be one that we do not serve. */
export interface WorldWireRequest extends Omit<WorldRequest, "type"> {
  readonly typeUrl: string;
  readonly nodeId: string;
}

/** @throws Error (code XDS_MALFORMED_REQUEST) if these are not the bytes of such a message. */
export function decodeWorldRequest(bytes: Uint8Array): WorldWireRequest {
  try {
    return readRequest(new BinaryReader(bytes));
  } catch (cause) {
    throw malformed("DiscoveryRequest", cause);
  }
}

function readRequest(reader: BinaryReader): WorldWireRequest {
  let version = "";
  let nodeId = "";
  let typeUrl = "";
  let responseNonce = "";
  let error: string | undefined;
  const names: string[] = [];
  readFields(reader, {
    1: () => {
      version = reader.string();
    },
    2: () => {
      nodeId = readStringField(reader.bytes(), 1);
    },
    3: () => names.push(reader.string()),
    4: () => {
      typeUrl = reader.string();
    },
    5: () => {
      responseNonce = reader.string();
    },
    6: () => {
      error = readStringField(reader.bytes(), 2);
    },
  });
  return { typeUrl, nodeId, version, responseNonce, names, ...(error === undefined ? {} : { error }) };
}

/** What stands before the bytes of a resource in a response; made once for all streams. */
const heads = new WeakMap<Uint8Array, Uint8Array>();

function headOf(type: ResourceType, bytes: Uint8Array): Uint8Array {
  const known = heads.get(bytes);
  if (known !== undefined) return known;
  const any = new BinaryWriter().uint32(tag(1)).string(TYPE_URLS[type]).uint32(tag(2)).uint32(bytes.length).finish();
  const head = new BinaryWriter()
    .uint32(tag(2))
    .uint32(any.length + bytes.length)
    .raw(any)
    .finish();
  heads.set(bytes, head);
  return head;
}

/** A DiscoveryResponse, in one buffer. */
export function encodeWorldResponse(
  type: ResourceType,
  nonce: string,
  version: string,
  resources: readonly SentResource[],
): Buffer {
  const fields = new BinaryWriter().uint32(tag(1)).string(version).uint32(tag(4)).string(TYPE_URLS[type]);
  const parts: Uint8Array[] = [fields.uint32(tag(5)).string(nonce).finish()];
  for (const { bytes } of resources) parts.push(headOf(type, bytes), bytes);
  return Buffer.concat(parts);
}
