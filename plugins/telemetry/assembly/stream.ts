import { Headers, properties } from "@weft/sdk";
import { Identity, identityOf, Workload, workloadOfNode } from "./identity";
import { NOT_GRPC } from "./labels";

/*
 * What is read of a stream that has ended. A call that returns bytes costs more than a microsecond, so each is made only
 * where its answer is needed.
 */
const OUTBOUND: i64 = 2;
/* Literals, because the SDK encodes those only once. */
const ENDPOINT = "xds\0upstream_host_metadata\0filter_metadata\0weft.mesh\0identity";
const LISTENER = "xds\0listener_metadata\0filter_metadata\0weft.mesh\0identity";
const CLIENT_CERTIFICATE = "request.headers.x-forwarded-client-cert";
const NOTHING = new ArrayBuffer(0);
const LETTER_I: u8 = 105;
const LETTER_B: u8 = 98;

/** The first argument of `partyOf`, as UTF-8. */
export function readWhere(): ArrayBuffer {
  const endpoint = properties.bytes(ENDPOINT);
  if (endpoint !== null) return endpoint;
  const listener = properties.bytes(LISTENER);
  if (listener === null) return bare();
  // The identity of an inbound listener is also the destination's.
  if (isInbound(listener)) return listener;
  return String.UTF8.encode(String.UTF8.decode(listener) + ";" + text("xds.cluster_name"));
}

/** The second argument of `partyOf`, as UTF-8. */
export function readCertificate(where: ArrayBuffer): ArrayBuffer {
  if (!isInbound(where) && !isBare(where)) return NOTHING;
  const header = properties.bytes(CLIENT_CERTIFICATE);
  if (header !== null) return header;
  return properties.boolean("connection.mtls") ? String.UTF8.encode("-") : NOTHING;
}

/** The third argument of `partyOf`. */
export function readOwn(): Identity {
  const listener = properties.string(LISTENER);
  if (listener !== null) return identityOf(listener.split(";"));
  const node = properties.string("xds.node.id");
  return new Identity(node === null ? new Workload() : workloadOfNode(node), "", "", "");
}

/** The gRPC status; -1: none; NOT_GRPC. */
export function readGrpcStatus(headers: Headers): i64 {
  const type = headers.get("content-type");
  if (type === null || !type.startsWith("application/grpc")) return NOT_GRPC;
  return properties.integer("response.grpc_status", -1);
}

function bare(): ArrayBuffer {
  const direction = properties.integer("xds.listener_direction");
  const side = direction == OUTBOUND ? "upstream" : "connection";
  const names = [
    "bare",
    direction.toString(),
    text("xds.cluster_name"),
    text(side + ".uri_san_peer_certificate"),
    text(side + ".uri_san_local_certificate"),
  ];
  return String.UTF8.encode(names.join(";"));
}

function text(path: string): string {
  const value = properties.string(path);
  return value === null ? "" : value;
}

function isInbound(where: ArrayBuffer): bool {
  return startsWith(where, LETTER_I);
}

function isBare(where: ArrayBuffer): bool {
  return startsWith(where, LETTER_B);
}

function startsWith(bytes: ArrayBuffer, letter: u8): bool {
  return bytes.byteLength > 0 && load<u8>(changetype<usize>(bytes)) == letter;
}
