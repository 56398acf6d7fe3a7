import type { JwtKeys, RequestAuthentication } from "../model/request-authentication.js";
import { jwksCluster } from "./names.js";
import type { ServerSite } from "./server-clusters.js";

/** Where a RequestAuthentication's keys are fetched. Equal servers of one namespace share a cluster. */
export function jwksSites({ namespace, rules }: RequestAuthentication): readonly ServerSite[] {
  return rules.flatMap(({ keys }) => (keys.kind === "remote" ? jwksSite(namespace, keys) : []));
}

/** The site behind the name of a cluster of keys. */
export function jwksSiteNamed(cluster: string): ServerSite {
  const [, namespace = "", scheme, host = "", port] = cluster.split("|");
  return jwksSite(namespace, { tls: scheme === "https", host, port: Number(port) });
}

function jwksSite(
  namespace: string,
  { tls, host, port }: Pick<JwtKeys & { kind: "remote" }, "tls" | "host" | "port">,
): ServerSite {
  return {
    cluster: jwksCluster(namespace, { tls, host, port }),
    namespace,
    server: { host, port, protocol: "http", ...(tls ? { tls: {} } : {}) },
  };
}
