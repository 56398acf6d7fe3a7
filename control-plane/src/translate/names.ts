import type { Direction } from "../model/plugin.js";
import type { Phase } from "../model/plugin-manifest.js";

/** The one outbound port of a sidecar without interception; also the name under which its routes go. */
export const OUTBOUND_PORT = 15001;

/** `outbound|8080|v1|backend.default.svc.cluster.local`, as Istio names it, so that outside tools understand us. */
export function outboundCluster(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** No cluster has this name, so that Envoy answers itself where a destination is not there. */
export const MISSING_CLUSTER = "outbound|missing";

/** The cluster of the app itself, behind its own sidecar; named after the service that it answers for. */
export function inboundCluster(port: number, host: string): string {
  return `inbound|${port}||${host}`;
}

export function inboundListener(port: number): string {
  return `inbound|${port}`;
}

/** Of a sidecar with interception, as Istio names them: all that leaves and all that arrives comes here first. */
export const VIRTUAL_OUTBOUND = "virtualOutbound";
export const VIRTUAL_INBOUND = "virtualInbound";
export const INBOUND_PORT = 15006;

/** What was called, at the address that the caller chose. */
export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
/** Nobody: connections to it are closed and counted. */
export const BLACK_HOLE_CLUSTER = "BlackHoleCluster";
/** The app, at a port that no service names. */
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";

/** The listener for a port of an address, where the address may be any (`0.0.0.0`). */
export function capturedListener(address: string, port: number): string {
  return `${address}_${port}`;
}

/** The routes for what is called on a port, with interception. */
export function portRoutes(port: number): string {
  return `outbound|${port}`;
}

export const OUTBOUND_LISTENER = `outbound|${OUTBOUND_PORT}`;
export const OUTBOUND_ROUTES = `outbound|${OUTBOUND_PORT}`;

/** Where a sidecar answers the DNS questions of its app: by UDP, and by TCP. */
export const DNS_LISTENER = "dns";
export const DNS_TCP_LISTENER = "dns-tcp";
export const DNS_PORT = 15053;

/** The cluster of what a plugin may call under a name of its own. The SDK's `callout` makes the same name. */
export function calloutCluster(pluginKey: string, callout: string): string {
  return `callout|${pluginKey.replace("/", "|")}|${callout}`;
}

/** The cluster of a server of public keys for tokens. */
export function jwksCluster(namespace: string, { tls, host, port }: JwksServer): string {
  return `jwks|${namespace}|${tls ? "https" : "http"}|${host}|${port}`;
}

interface JwksServer {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

/** The cluster of what logs and spans are sent to. */
export function telemetryCluster(provider: string): string {
  return `telemetry|${provider}`;
}

/** The ECDS name of a place in a connection manager's chain where plugins of a phase stand. */
export function slotName(direction: Direction, port: number, phase: Phase): string {
  return `weft/${direction === "client" ? "out" : "in"}/${port}/${phase}`;
}

/**
 * The ECDS name of a place before a TCP proxy where the policies of one action stand. Envoy has no chain of network
 * filters that could be swapped as a whole, so each action has its own.
 */
export function tcpPolicySlotName(port: number, action: TcpPolicyAction): string {
  return `weft/in/${port}/tcp-${action}`;
}

export type TcpPolicyAction = "deny" | "allow";

/** No port has this number: it stands for those that no service names. */
export const ANY_PORT = 0;

/** What the name of such a place says; undefined for any other name. */
export function tcpPolicySlot(name: string): { readonly port: number; readonly action: TcpPolicyAction } | undefined {
  const [, port, action] = /^weft\/in\/(\d+)\/tcp-(deny|allow)$/.exec(name) ?? [];
  return port === undefined ? undefined : { port: Number(port), action: action as TcpPolicyAction };
}

/**
 * The ECDS name of a place for the plugins of some routes, after those of the phases. It is the same in all connection
 * managers of the callers' side, and does nothing but for routes that ask for it.
 */
export function routeSlotName(slot: number): string {
  return `${ROUTE_SLOT_PREFIX}${slot}`;
}

export const ROUTE_SLOT_PREFIX = "weft/out/route-";

/** The prefix of a connection manager's stats. */
export function managerStatPrefix(direction: Direction, port: number): string {
  return `${direction === "client" ? "outbound" : "inbound"}_${port}`;
}

/** The stat prefix of the connection manager that has a slot; undefined for a slot of a NETWORK plugin or of routes. */
export function slotStatPrefix(slot: string): string | undefined {
  const [, side, port] = /^weft\/(in|out)\/(\d+)\/\w+$/.exec(slot) ?? [];
  return side === undefined ? undefined : managerStatPrefix(side === "out" ? "client" : "server", Number(port));
}

/** The ECDS name of a NETWORK plugin, the same wherever in a proxy it stands. */
export function networkSlotName(pluginKey: string): string {
  return `${NETWORK_SLOT_PREFIX}${pluginFilterName(pluginKey)}`;
}

export const NETWORK_SLOT_PREFIX = "weft/network/";

/** The name of a plugin's filter. Envoy names it in NACKs and in the plugin's own stats. */
export function pluginFilterName(pluginKey: string): string {
  return pluginKey.replace("/", ".");
}

/** The secret with a proxy's own certificate: file names only, so it is the same for all. */
export const IDENTITY_SECRET = "default";
/** The secret with the certificates that the mesh trusts. */
export const TRUST_SECRET = "ROOTCA";

/** The secret with the certificates of public servers, which plugins' callouts trust. */
export const PUBLIC_TRUST_SECRET = "PUBLICCA";

/** A server name of the mesh ends so; the inbound listener tells mesh TLS from an app's own by it. */
export const MESH_SNI_SUFFIX = "weft.mesh";

export function meshServerName(host: string): string {
  return `${host}.${MESH_SNI_SUFFIX}`;
}

/** The key under which Envoy keeps the property `weft.subset` that a plugin sets to choose a subset. */
export const SUBSET_FILTER_STATE = "wasm.weft.subset";

/** The namespace of our own metadata on clusters and endpoints. */
export const METADATA_NAMESPACE = "weft.mesh";

/** Filters of the outbound side that routes configure, by the name under which they do. */
export const FAULT_FILTER = "envoy.filters.http.fault";
export const CORS_FILTER = "envoy.filters.http.cors";
