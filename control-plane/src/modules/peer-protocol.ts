import type { ServiceDefinition } from "@grpc/grpc-js";

const passThrough = (bytes: Buffer): Buffer => bytes;

/**
 * How control planes give each other the images of plugins: the digest in UTF-8 is asked for, and the encoded image
 * comes in pieces. It needs no schema, so there is none to keep in step between replicas of two versions.
 */
export const FETCH = {
  path: "/weft.modules.v1.Modules/Fetch",
  requestStream: false,
  responseStream: true,
  requestSerialize: passThrough,
  requestDeserialize: passThrough,
  responseSerialize: passThrough,
  responseDeserialize: passThrough,
} as const;

export const MODULES_SERVICE: ServiceDefinition = { Fetch: FETCH };

/** A piece of an image in one message. */
export const PIECE_BYTES = 256 * 1024;

/**
 * Whether a certificate, whose chain TLS has verified, is the control plane's: its one URI is this SPIFFE id.
 *
 * @param subjectAltName as Node.js tells it, for example `URI:spiffe://…, DNS:localhost`
 */
export function isControlPlane(subjectAltName: string | undefined, controlPlaneId: string): boolean {
  const uris = (subjectAltName ?? "").split(", ").filter((name) => name.startsWith("URI:"));
  return uris.length === 1 && uris[0] === `URI:${controlPlaneId}`;
}
