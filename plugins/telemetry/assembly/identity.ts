/** Istio's word for what is not known. */
export const UNKNOWN = "unknown";

/** A workload and its namespace. */
export class Workload {
  constructor(
    readonly name: string,
    readonly namespace: string,
  ) {}
}

/** From a node id, `sidecar~<ip>~<name>.<namespace>~<domain>`. */
export function workloadOfNode(id: string): Workload {
  const parts = id.split("~");
  if (parts.length != 4) return new Workload(UNKNOWN, UNKNOWN);
  const dot = parts[2].lastIndexOf(".");
  if (dot < 1 || dot == parts[2].length - 1) return new Workload(UNKNOWN, UNKNOWN);
  return new Workload(parts[2].substring(0, dot), parts[2].substring(dot + 1));
}

/** From a SPIFFE id, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
export function workloadOfPrincipal(uri: string): Workload {
  const parts = uri.split("/");
  const isOurs = parts.length == 7 && parts[0] == "spiffe:" && parts[3] == "ns" && parts[5] == "sa";
  return isOurs && parts[4] != "" && parts[6] != "" ? new Workload(parts[6], parts[4]) : new Workload(UNKNOWN, UNKNOWN);
}

/** Where a request goes, from a cluster's name. */
export class Destination {
  constructor(
    readonly service: string,
    readonly subset: string,
  ) {}
}

/** From `outbound|<port>|<subset>|<host>` or `inbound|<port>||<host>`. */
export function destinationOfCluster(name: string): Destination {
  const parts = name.split("|");
  if (parts.length != 4) return new Destination(UNKNOWN, UNKNOWN);
  return new Destination(parts[3] == "" ? UNKNOWN : parts[3], parts[2] == "" ? UNKNOWN : parts[2]);
}
