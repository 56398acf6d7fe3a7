import { createHash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import type { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import type { Resource, ResourceType } from "../model/resource.js";

/** The message as an Any. */
export function pack<T extends DescMessage>(schema: T, init: MessageInitShape<T>): Any {
  return anyPack(schema, create(schema, init));
}

/** An extension's name with its configuration. */
export function typedExtension<T extends DescMessage>(
  name: string,
  schema: T,
  init: MessageInitShape<T>,
): MessageInitShape<typeof TypedExtensionConfigSchema> {
  return { name, typedConfig: pack(schema, init) };
}

/** A short hash of content, the same wherever it is computed. 80 bits: two contents of one name will not collide. */
export function contentHash(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 20);
}

/** Encodes a resource; its version is the hash of its bytes. */
export function encodeResource<T extends DescMessage>(
  type: ResourceType,
  name: string,
  schema: T,
  init: MessageInitShape<T>,
): Resource {
  const bytes = toBinary(schema, create(schema, init));
  return { type, name, version: contentHash(bytes), bytes };
}
