import { CLUSTER_DOMAIN, resolveHost, type Service, type ServicePort } from "./service.js";

/** TLS to a callout's server. */
export interface CalloutTls {
  /** The name that the server must have; absent: the callout's host. */
  readonly sni?: string;
  /** PEM of the certificates to trust; absent: the public roots. */
  readonly caCertificates?: string;
}

/** A server that a plugin may call, under a name of its own. */
export interface Callout {
  /** A DNS label, unique within the plugin. */
  readonly name: string;
  /** As the object has it: a Service, by its short or its full name, a DNS name or an IPv4 address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: "http" | "http2";
  /** Absent: mTLS of the mesh to a Service with sidecars, plaintext to anything else. */
  readonly tls?: CalloutTls;
}

/** What a callout's host turns out to be among the services that there are. */
export type CalloutTarget =
  | { readonly kind: "service"; readonly service: Service; readonly port: ServicePort }
  /** Of the mesh by its name, but there is no such Service, or not with this port. */
  | { readonly kind: "missing"; readonly host: string }
  | { readonly kind: "dns"; readonly host: string }
  | { readonly kind: "address"; readonly host: string };

/**
 * A host is a Service where there is one of this name. `a.b` may be a Service's or a public name, so without such a
 * Service it is looked up in DNS; names of one part, and those in the mesh's domain, are Services and nothing else.
 */
export function calloutTarget(
  { host, port }: Pick<Callout, "host" | "port">,
  namespace: string,
  services: ReadonlyMap<string, Service>,
): CalloutTarget {
  if (isAddress(host)) return { kind: "address", host };
  const full = resolveHost(host, namespace);
  const service = services.get(full);
  const servicePort = service?.ports.find((candidate) => candidate.port === port);
  if (service !== undefined && servicePort !== undefined) {
    const name = nameInDns(service);
    return name === undefined ? { kind: "service", service, port: servicePort } : { kind: "dns", host: name };
  }
  if (service !== undefined) return { kind: "missing", host: full };
  const isPublic = host === "localhost" || host.split(".").length === 2 || !full.endsWith(`.svc.${CLUSTER_DOMAIN}`);
  return isPublic ? { kind: "dns", host } : { kind: "missing", host: full };
}

/** The name under which DNS knows a service that the control plane has no endpoints of. */
function nameInDns({ host, resolution }: Service): string | undefined {
  switch (resolution.kind) {
    case "dns":
      return resolution.endpoints[0]?.address ?? host;
    case "original":
      return host;
    case "externalName":
      return resolution.host;
    default:
      return undefined;
  }
}

/** Digits and dots: an address or nothing, for no top-level domain is a number. */
export function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host);
}
