import { Workload as NodeWorkload } from "@weft/sdk";
import { UNKNOWN } from "./text";

/** Who a workload is, as far as this proxy knows. */
export class Workload {
  name: string = UNKNOWN;
  namespace: string = UNKNOWN;
  app: string = UNKNOWN;
  version: string = UNKNOWN;
  canonicalService: string = UNKNOWN;
  canonicalRevision: string = UNKNOWN;
}

/** What the mesh's metadata says of a listener or an endpoint. */
export class Identity {
  constructor(
    readonly workload: Workload,
    /** SPIFFE id; empty: it shows none. */
    readonly principal: string,
    /** The service's host; empty: none. */
    readonly host: string,
    readonly subset: string,
  ) {}
}

/**
 * From `<kind>;name;namespace;app;version;canonical service;canonical revision;SPIFFE id;host;subset`, of which the
 * caller has looked at the kind. What is missing is unknown.
 */
export function identityOf(parts: string[]): Identity {
  const workload = new Workload();
  workload.name = at(parts, 1);
  workload.namespace = at(parts, 2);
  workload.app = at(parts, 3);
  workload.version = at(parts, 4);
  workload.canonicalService = at(parts, 5);
  workload.canonicalRevision = at(parts, 6);
  return new Identity(
    workload,
    parts.length > 7 ? parts[7] : "",
    parts.length > 8 ? parts[8] : "",
    parts.length > 9 ? parts[9] : "",
  );
}

/** From a node id, `sidecar~<ip>~<name>.<namespace>~<domain>`. */
export function workloadOfNode(id: string): Workload {
  const workload = new Workload();
  const own = NodeWorkload.ofNode(id);
  if (own === null) return workload;
  workload.name = own.name;
  workload.namespace = own.namespace;
  return workload;
}

/** From a SPIFFE id, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`: the account stands for the name. */
export function workloadOfPrincipal(uri: string): Workload {
  const workload = new Workload();
  const parts = uri.split("/");
  const isOurs = parts.length == 7 && parts[0] == "spiffe:" && parts[3] == "ns" && parts[5] == "sa";
  if (!isOurs || parts[4] == "" || parts[6] == "") return workload;
  workload.namespace = parts[4];
  workload.name = parts[6];
  return workload;
}

/** What a client's certificate says. */
export class ClientCertificate {
  constructor(
    readonly principal: string,
    readonly workload: Workload,
  ) {}
}

/**
 * From the header x-forwarded-client-cert of a proxy that sets it: `By=…;Hash=…;URI=spiffe://…;URI=weft://<trust
 * domain>/ns/<namespace>/workload/<name>`, a pod's with `/uid/<uid>` after it. Of several certificates the last is the client's.
 */
export function clientCertificate(header: string): ClientCertificate {
  const fields = header.substring(header.lastIndexOf(",") + 1).split(";");
  let principal = "";
  let name = "";
  for (let i = 0; i < fields.length; i++) {
    if (!fields[i].startsWith("URI=")) continue;
    const uri = fields[i].substring(4);
    if (principal == "" && uri.startsWith("spiffe://")) principal = uri;
    const parts = uri.split("/");
    if (parts.length >= 7 && parts[0] == "weft:" && parts[3] == "ns" && parts[5] == "workload") name = parts[6];
  }
  const workload = workloadOfPrincipal(principal);
  if (name != "" && workload.namespace != UNKNOWN) workload.name = name;
  return new ClientCertificate(principal, workload);
}

/** The host and the subset of `outbound|<port>|<subset>|<host>` or `inbound|<port>||<host>`; any other has neither. */
export function clusterParts(cluster: string): string[] {
  const parts = cluster.split("|");
  return parts.length == 4 ? [parts[3], parts[2]] : ["", ""];
}

function at(parts: string[], index: i32): string {
  return index < parts.length && parts[index] != "" ? parts[index] : UNKNOWN;
}
