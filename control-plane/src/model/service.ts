import type { Labels } from "./selector.js";

/** How the traffic of a port is treated. `tcp` is everything that is not looked into, TLS of the app included. */
export type Protocol = "http" | "http2" | "tcp";

export interface ServicePort {
  readonly name: string;
  /** The port that callers use. */
  readonly port: number;
  /** The port of the app behind it. */
  readonly targetPort: number;
  readonly protocol: Protocol;
}

/** A core/v1 Service. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** `<name>.<namespace>.svc.cluster.local`; services are held by it. */
  readonly host: string;
  /** In the order of the object. */
  readonly ports: readonly ServicePort[];
  readonly selector: Labels;
}

export const CLUSTER_DOMAIN = "cluster.local";

/** The full name of a Service. */
export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}

/** Resolves a host as it stands in a rule of a namespace: a short name is a Service of that namespace. */
export function resolveHost(host: string, namespace: string): string {
  if (!host.includes(".")) return serviceHost(host, namespace);
  const parts = host.split(".");
  if (parts.length === 2) return serviceHost(parts[0] ?? "", parts[1] ?? "");
  if (parts.length === 3 && parts[2] === "svc") return `${host}.${CLUSTER_DOMAIN}`;
  return host;
}
