import { clientCertificate, clusterParts, Identity, identityOf, Workload, workloadOfPrincipal } from "./identity";
import { UNKNOWN } from "./text";

/** Who called whom. */
export class Party {
  readonly sourceValues: string[];
  readonly destinationValues: string[];
  readonly serviceValues: string[];

  constructor(
    readonly isOutbound: bool,
    source: Workload,
    sourcePrincipal: string,
    destination: Workload,
    destinationPrincipal: string,
    host: string,
    subset: string,
    /** Whether the caller showed a certificate. */
    readonly isMutual: bool,
  ) {
    this.sourceValues = workloadValues(source, sourcePrincipal);
    this.destinationValues = workloadValues(destination, destinationPrincipal);
    this.serviceValues = serviceValues(host, subset);
  }
}

/**
 * `where` is an identity of the mesh's metadata; its kind says of what: `out` an endpoint that was called, `in` the app
 * behind this proxy, `own` this proxy where nothing was called, followed by the cluster. Without metadata it is
 * `bare;<direction>;<cluster>;<peer's SPIFFE id>;<own SPIFFE id>`. `certificate` is what the caller showed: the header
 * x-forwarded-client-cert, or `-` for a certificate without that header. `own` is this proxy's identity.
 */
export function partyOf(where: string, certificate: string, own: Identity): Party {
  const parts = where.split(";");
  if (parts[0] == "bare") return bareParty(parts, certificate, own.workload);
  const told = identityOf(parts);
  if (parts[0] == "in") return inbound(told, certificate);
  if (parts[0] == "out") {
    const principal = told.principal == "" ? "" : own.principal;
    return new Party(true, own.workload, principal, told.workload, told.principal, told.host, told.subset, false);
  }
  const cluster = clusterParts(parts.length > 10 ? parts[10] : "");
  return new Party(true, told.workload, "", new Workload(), "", cluster[0], cluster[1], false);
}

function inbound(told: Identity, certificate: string): Party {
  const isMutual = certificate != "";
  const client = clientCertificate(certificate);
  const principal = isMutual ? told.principal : "";
  return new Party(false, client.workload, client.principal, told.workload, principal, told.host, "", isMutual);
}

function bareParty(parts: string[], certificate: string, own: Workload): Party {
  const isOutbound = parts[1] == "2";
  const cluster = clusterParts(parts[2]);
  const peer = workloadOfPrincipal(parts[3]);
  if (isOutbound) return new Party(true, own, parts[4], peer, parts[3], cluster[0], cluster[1], false);
  const client = clientCertificate(certificate);
  const isTold = client.principal != "";
  const caller = isTold ? client.workload : peer;
  const principal = isTold ? client.principal : parts[3];
  return new Party(false, caller, principal, own, parts[4], cluster[0], "", certificate != "" || principal != "");
}

function workloadValues(workload: Workload, principal: string): string[] {
  return [
    workload.name,
    workload.namespace,
    principal.startsWith("spiffe://") ? principal : UNKNOWN,
    workload.app,
    workload.version,
    workload.canonicalService,
    workload.canonicalRevision,
  ];
}

/** The host, its Service's name and namespace where it is one's, and the subset. */
function serviceValues(host: string, subset: string): string[] {
  const labels = host.split(".");
  const isService = labels.length > 2 && labels[2] == "svc";
  return [host, isService ? labels[0] : host, isService ? labels[1] : UNKNOWN, subset];
}
