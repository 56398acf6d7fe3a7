import type { Protocol } from "../model/service.js";
import { type Field, show } from "./fields.js";

/** https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol and the names that Istio reads. */
const APP_PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["http", "http"],
  ["grpc-web", "http"],
  ["kubernetes.io/ws", "http"],
  ["http2", "http2"],
  ["grpc", "http2"],
  ["kubernetes.io/h2c", "http2"],
  ["tcp", "tcp"],
  ["tls", "tls"],
  ["https", "tls"],
  ["kubernetes.io/wss", "tls"],
  ["mongo", "tcp"],
  ["mysql", "tcp"],
  ["postgres", "tcp"],
  ["postgresql", "tcp"],
  ["redis", "tcp"],
  ["smtp", "tcp"],
  ["ftp", "tcp"],
  ["ssh", "tcp"],
  ["imap", "tcp"],
  ["pop3", "tcp"],
  ["amqp", "tcp"],
]);

/**
 * Ports of protocols in which the server speaks first, or that are binary from the first byte. Where nothing says what
 * such a port speaks, waiting for the caller's first bytes would only delay it. Istio leaves the first four alone too.
 */
const TCP_PORTS: ReadonlySet<number> = new Set([
  25, 53, 3306, 27017, 21, 22, 110, 143, 465, 587, 993, 995, 5432, 5672, 6379,
]);

const HINT = "set appProtocol, or name the port http, http2, grpc, tcp, tls or https, or one of these with -suffix";

/** What a port says of its protocol. */
export interface PortFacts {
  readonly name: string;
  readonly port: number;
  readonly appProtocol?: string | undefined;
}

/**
 * The protocol of a Service's port: by `appProtocol`, else by the port's name up to a `-`, else by a number that is
 * known for its protocol. Where nothing says, it is found out from each connection's first bytes, and a warning says so.
 */
export function portProtocol(field: Field, { name, port, appProtocol }: PortFacts): Protocol {
  const { path, problems } = field;
  if (appProtocol !== undefined) {
    const known = protocolNamed(appProtocol);
    if (known !== undefined) return known;
    const message = `${show(appProtocol)} is not known, so the port is treated as TCP`;
    problems.warning([...path, "appProtocol"], "UnknownProtocol", message, HINT);
    return "tcp";
  }
  const prefix = name.startsWith("grpc-web") ? "grpc-web" : (name.split("-")[0] ?? "");
  const known = APP_PROTOCOLS.get(prefix);
  if (known !== undefined) return known;
  if (TCP_PORTS.has(port)) return "tcp";
  const message =
    "neither appProtocol nor the port's name says its protocol, so it is found out from the first bytes of each connection";
  problems.warning(name === "" ? path : [...path, "name"], "UnknownProtocol", message, HINT);
  return "auto";
}

/** The protocol of a word, in any case; undefined for one that nobody knows. */
export function protocolNamed(word: string): Protocol | undefined {
  return APP_PROTOCOLS.get(word.toLowerCase());
}
