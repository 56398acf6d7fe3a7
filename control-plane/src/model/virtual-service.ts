/** How a string is compared. `regex` is RE2 and must match the whole value. */
export type StringMatch =
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string };

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  /** Absent: the header must be present. */
  readonly match?: StringMatch;
}

/** All parts that are given must hold. */
export interface HttpMatch {
  readonly uri?: StringMatch;
  readonly method?: StringMatch;
  readonly headers: readonly HeaderMatch[];
}

export interface Destination {
  /** Resolved to a full name. */
  readonly host: string;
  readonly subset?: string;
  /** Port of the service; absent when it has only one. */
  readonly port?: number;
  /** Share in percent; the weights of a route add up to 100. */
  readonly weight: number;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  /** Envoy's comma-separated conditions; absent means the mesh's default. */
  readonly retryOn?: string;
}

export interface HttpRoute {
  readonly name?: string;
  /** Any of them; empty matches every request. */
  readonly matches: readonly HttpMatch[];
  readonly destinations: readonly Destination[];
  /** Absent: no limit. */
  readonly timeoutMs?: number;
  /** Absent: the mesh's default. */
  readonly retries?: RetryPolicy;
}

/** A VirtualService for traffic inside the mesh. */
export interface VirtualService {
  readonly namespace: string;
  readonly name: string;
  /** Resolved to full names. */
  readonly hosts: readonly string[];
  /** The first that matches decides. */
  readonly http: readonly HttpRoute[];
}
