import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListenerFilterChainMatchPredicateSchema,
  ListenerFilterSchema,
} from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import type { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import { HttpInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { OriginalDstSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { TlsInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";
import type { Init } from "./init.js";

type ListenerFilterInit = Init<typeof ListenerFilterSchema>;
type Predicate = MessageInitShape<typeof ListenerFilterChainMatchPredicateSchema>;
type ListenerInit = MessageInitShape<typeof ListenerSchema>;

/** What http_inspector says of a connection that speaks HTTP. */
export const HTTP_VERSIONS = ["http/1.0", "http/1.1", "h2c"];

/** The protocols that a sidecar offers in mesh TLS for HTTP. For TCP it offers none. */
export const MESH_HTTP_ALPN = ["h2", "http/1.1"];

/** Gives a connection that the rules of interception turned here the address that its caller meant. */
export const ORIGINAL_DST: ListenerFilterInit = {
  name: "envoy.filters.listener.original_dst",
  configType: { case: "typedConfig", value: pack(OriginalDstSchema, {}) },
};

/** Finds TLS with its server name and ALPN. On the ports of `except` it does not wait for the caller's first bytes. */
export function tlsInspector(except: readonly number[] = []): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: pack(TlsInspectorSchema, {}) },
    ...(except.length > 0 && { filterDisabled: anyPort(except) }),
  };
}

/** Finds HTTP in plaintext, on all ports but those of `except`. */
export function httpInspector(except: readonly number[] = []): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.http_inspector",
    configType: { case: "typedConfig", value: pack(HttpInspectorSchema, {}) },
    ...(except.length > 0 && { filterDisabled: anyPort(except) }),
  };
}

/** The same, on these ports alone. */
export function httpInspectorOn(ports: readonly number[]): ListenerFilterInit {
  return { ...httpInspector(), filterDisabled: { rule: { case: "notMatch", value: anyPort(ports) } } };
}

/** A predicate for the port that was called. */
function anyPort(ports: readonly number[]): Predicate {
  const rules = ports.map(
    (port): Predicate => ({ rule: { case: "destinationPortRange", value: { start: port, end: port + 1 } } }),
  );
  const [first] = rules;
  return rules.length === 1 && first !== undefined ? first : { rule: { case: "orMatch", value: { rules } } };
}

/**
 * How long the inspectors wait for the caller's first bytes before the connection is taken for plaintext TCP, because the
 * server may be the one that speaks first. Inbound it must be enough for a handshake of TLS to begin across a network
 * that loses a packet: taken for plaintext, such a connection would fail. Outbound the caller is on this machine, and
 * what is taken for TCP still arrives.
 */
const INBOUND_WAIT_MS = 1000;
const OUTBOUND_WAIT_MS = 300;

type Inspection = Pick<ListenerInit, "listenerFilters" | "listenerFiltersTimeout" | "continueOnListenerFiltersTimeout">;

/** Inspectors with a bounded wait. */
export function inspection(direction: "in" | "out", listenerFilters: readonly ListenerFilterInit[]): Inspection {
  if (listenerFilters.length === 0) return {};
  return {
    listenerFilters: [...listenerFilters],
    listenerFiltersTimeout: milliseconds(direction === "in" ? INBOUND_WAIT_MS : OUTBOUND_WAIT_MS),
    continueOnListenerFiltersTimeout: true,
  };
}
