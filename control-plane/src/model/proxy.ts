import type { Workload } from "./workload.js";

/** A sidecar as the control plane knows it: from its authenticated identity, never from what it claims of itself. */
export interface Proxy {
  /** `<namespace>/<workload name>`. */
  readonly key: string;
  readonly workload: Workload;
  /** Absent: incremental, and nothing asked for. */
  readonly client?: ProxyClient;
}

/** How a proxy gets its resources. */
export type ProxyClient =
  /** It can ask for clusters beyond its scope, and has asked for these. */
  | { readonly kind: "incremental"; readonly demanded: ReadonlySet<string> }
  /** It cannot ask for more than it was sent. */
  | { readonly kind: "state-of-the-world" };
