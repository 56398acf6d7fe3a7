import { deflateSync, inflateSync } from "node:zlib";
import { readFields, textField, varintField } from "../protobuf.js";
import type { ForeignFunction } from "../services.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";

/* Filter state that other filters of Envoy read; only these keys can be set from outside. */
const KNOWN_STATE = new Set([
  "envoy.filters.listener.original_dst.local_ip",
  "envoy.filters.listener.original_dst.remote_ip",
  "envoy.network.application_protocols",
  "envoy.network.upstream_server_name",
  "envoy.network.upstream_subject_alt_names",
  "envoy.network.proxy_protocol_options",
  "envoy.network.transport_socket.original_dst_address",
  "envoy.string",
  "envoy.tcp_proxy.cluster",
  "envoy.tcp_proxy.per_connection_idle_timeout_ms",
  "envoy.upstream.dynamic_host",
  "envoy.upstream.dynamic_port",
  "envoy.hashable_string",
]);

const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/**
 * Foreign functions of stock Envoy that the host has itself. The others (sign, verify_signature, expr_*) are for the
 * test to answer: option `foreign`.
 */
export function builtInForeign(vm: Vm, name: string): ForeignFunction | undefined {
  switch (name) {
    case "clear_route_cache":
      return () => {
        vm.effective.clearRouteCache();
        return undefined;
      };
    case "declare_property":
      return (argument) => declareProperty(vm, argument);
    case "set_envoy_filter_state":
      return (argument) => setFilterState(vm, argument);
    case "compress":
      return (argument) => deflateSync(argument);
    case "uncompress":
      return (argument) => inflate(argument);
    default:
      return undefined;
  }
}

function inflate(argument: Uint8Array): Uint8Array | number {
  try {
    return inflateSync(argument, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch {
    return Status.SerializationFailure;
  }
}

function declareProperty(vm: Vm, argument: Uint8Array): number {
  const fields = readFields(argument);
  const { root } = vm.effective;
  if (fields === undefined || root === undefined) return Status.BadArgument;
  const name = textField(fields, 1);
  if (root.declared.has(name)) return Status.BadArgument;
  root.declared.set(name, { readonly: varintField(fields, 2) !== 0n });
  return Status.Ok;
}

function setFilterState(vm: Vm, argument: Uint8Array): number {
  const fields = readFields(argument);
  if (fields === undefined) return Status.BadArgument;
  const path = textField(fields, 1);
  if (!KNOWN_STATE.has(path)) return Status.NotFound;
  const state = vm.effective.filterState();
  if (state === undefined) return Status.NotFound;
  state.set(path, { value: Buffer.from(textField(fields, 2), "latin1"), readonly: false });
  return Status.Ok;
}
