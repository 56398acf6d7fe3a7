import type { Labels } from "./selector.js";

/**
 * How the traffic of a port is treated. `http2` is gRPC too. `tls` is TLS of the app's own, told apart by its server
 * name. `tcp` is not looked into, so that a server may speak first. `auto` is for ports that say nothing: HTTP where
 * the first bytes are, TCP else and after a short wait.
 */
export type Protocol = "http" | "http2" | "tls" | "tcp" | "auto";

/** Whether every request of the port is one of HTTP. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === "http" || protocol === "http2";
}

/** Whether requests of HTTP may come, so that the port has routes. */
export function mayBeHttp(protocol: Protocol): boolean {
  return isHttp(protocol) || protocol === "auto";
}

export interface ServicePort {
  readonly name: string;
  /** The port that callers use. */
  readonly port: number;
  /** The port of the app behind it. */
  readonly targetPort: number;
  /** Name of that port, which each pod gives a number of its own; absent: it is known by its number. */
  readonly targetPortName?: string;
  readonly protocol: Protocol;
}

/** One instance behind a service, written down in the service itself. */
export interface ServiceEndpoint {
  /** IP address; with DNS a host name too. */
  readonly address: string;
  /** Port name → the port at the address. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Labels;
  /** Share of the traffic; 1 when not said. */
  readonly weight: number;
  /** `region/zone/subzone`, the later parts may be missing. */
  readonly locality?: string;
  /** Of the identity that it shows, when it is in the mesh. */
  readonly serviceAccount?: string;
}

/** How it is known who answers for a service. */
export type Resolution =
  /** The workloads that the selector names. */
  | { readonly kind: "workloads" }
  /** The same, and callers choose one of them by its address: there is no address of the service. */
  | { readonly kind: "headless" }
  /** Fixed addresses. None when nothing stands behind it. */
  | { readonly kind: "static"; readonly endpoints: readonly ServiceEndpoint[] }
  /**
   * Names that Envoy asks DNS for. `strict` uses all addresses of an answer, `logical` the first one for the next
   * connection. Without endpoints the host itself is asked for.
   */
  | {
      readonly kind: "dns";
      readonly lookup: "strict" | "logical";
      readonly endpoints: readonly ServiceEndpoint[];
    }
  /** The address that the caller chose. */
  | { readonly kind: "original" }
  /** Another name for a host, which may be a service of the mesh. */
  | { readonly kind: "externalName"; readonly host: string };

/** What can be called by a host: a core/v1 Service, or one host of a ServiceEntry. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** `<name>.<namespace>.svc.cluster.local`, or any host of a ServiceEntry, `*.` in front included; services are held by it. */
  readonly host: string;
  /** In the order of the object. */
  readonly ports: readonly ServicePort[];
  /** Labels of the workloads behind it; empty: none. */
  readonly selector: Labels;
  /** Virtual addresses: IP addresses, of a ServiceEntry also blocks such as `10.1.0.0/16`. In the order of the object. */
  readonly addresses: readonly string[];
  /** Namespaces whose callers see it; `*` stands for all. Sorted. */
  readonly exportTo: readonly string[];
  /** Whether mutual TLS is to be expected. External services are called as they are. */
  readonly location: "internal" | "external";
  readonly resolution: Resolution;
  /** Names that a certificate of an endpoint may show, in the place of those that follow from its workloads. */
  readonly subjectAltNames: readonly string[];
}

/** The names by which callers of a namespace know the service. Only a core/v1 Service has short ones. */
export function namesOf(
  { host, name, namespace }: Pick<Service, "host" | "name" | "namespace">,
  caller: string,
): readonly string[] {
  if (host !== serviceHost(name, namespace)) return [host];
  const names = [host, `${name}.${namespace}`, `${name}.${namespace}.svc`];
  return namespace === caller ? [...names, name] : names;
}

/** Whether callers of a namespace see the service. */
export function isVisibleIn({ exportTo }: Pick<Service, "exportTo">, namespace: string): boolean {
  return exportTo.includes("*") || exportTo.includes(namespace);
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

/**
 * The same for a rule of traffic, whose host may be one outside of the cluster: as in Istio a name of two parts is not
 * a Service's short one.
 */
export function resolveRuleHost(host: string, namespace: string): string {
  return host.split(".").length === 2 ? host : resolveHost(host, namespace);
}
