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
  ["tls", "tcp"],
  ["https", "tcp"],
  ["kubernetes.io/wss", "tcp"],
  ["mongo", "tcp"],
  ["mysql", "tcp"],
  ["postgres", "tcp"],
  ["redis", "tcp"],
]);

const HINT = "set appProtocol, or name the port http, http2, grpc, tcp, tls or https, or one of these with -suffix";

/**
 * The protocol of a Service's port: by `appProtocol`, else by the port's name up to a `-`. Where neither says, the port
 * is TCP, which any protocol survives, and a warning says so.
 */
export function portProtocol(field: Field, name: string, appProtocol: string | undefined): Protocol {
  const { path, problems } = field;
  if (appProtocol !== undefined) {
    const known = APP_PROTOCOLS.get(appProtocol.toLowerCase());
    if (known !== undefined) return known;
    const message = `${show(appProtocol)} is not known, so the port is treated as TCP`;
    problems.warning([...path, "appProtocol"], "UnknownProtocol", message, HINT);
    return "tcp";
  }
  const prefix = name.startsWith("grpc-web") ? "grpc-web" : (name.split("-")[0] ?? "");
  const known = APP_PROTOCOLS.get(prefix);
  if (known !== undefined) return known;
  const message = "neither appProtocol nor the port's name says its protocol, so it is treated as TCP";
  problems.warning(name === "" ? path : [...path, "name"], "UnknownProtocol", message, HINT);
  return "tcp";
}
