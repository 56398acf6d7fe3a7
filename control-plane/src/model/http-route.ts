import type { Labels } from "./selector.js";
import type { StringMatch } from "./string-match.js";

/** How a path is compared, without its query. `path` is a prefix of whole elements: `/a` has `/a/b`, but not `/ab`. */
export type UriMatch = StringMatch | { readonly kind: "path"; readonly value: string };

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  /** Absent: the header must be present. */
  readonly match?: StringMatch;
  /** The opposite must hold. A header that is missing has no value, so it holds then. */
  readonly invert?: true;
}

export interface QueryParamMatch {
  /** Case counts. */
  readonly name: string;
  /** Absent: the parameter must be present. */
  readonly match?: StringMatch;
}

/** All parts that are given must hold. */
export interface HttpMatch {
  /** Becomes part of the name of the route. */
  readonly name?: string;
  readonly uri?: UriMatch;
  /** For `exact` and `prefix`. */
  readonly ignoreUriCase?: true;
  readonly method?: StringMatch;
  readonly scheme?: StringMatch;
  readonly authority?: StringMatch;
  readonly headers: readonly HeaderMatch[];
  readonly queryParams: readonly QueryParamMatch[];
  /** Port of the service that is called. */
  readonly port?: number;
  /** Labels that the caller has. */
  readonly sourceLabels?: Labels;
  /** Namespace of the caller. */
  readonly sourceNamespace?: string;
  /** Envoy counts requests of the match under it. */
  readonly statPrefix?: string;
}

/** A service, or a subset of it. */
export interface Target {
  /** Resolved to a full name. */
  readonly host: string;
  readonly subset?: string;
  /** Port of the service; absent: its only one, else the one that was called. */
  readonly port?: number;
}

/** Where a share of the requests goes. */
export interface Destination extends Target {
  /** The share is this weight among the weights of the route. */
  readonly weight: number;
  /** Changes beside those of the route. */
  readonly headers?: HeaderOperations;
  /** What was named is not there, or may not be called from here: its share is answered with 500. */
  readonly missing?: true;
}

/** Names are lower case. Values are Envoy's formats: `%REQ(x)%` is a command, and `%%` is a per cent sign. */
export interface HeaderChanges {
  readonly set: readonly HeaderValue[];
  readonly add: readonly HeaderValue[];
  readonly remove: readonly string[];
}

export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}

export interface HeaderOperations {
  /** Takes the place of the host that was called. */
  readonly authority?: string;
  readonly request?: HeaderChanges;
  readonly response?: HeaderChanges;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  /** Envoy's conditions, not empty; absent means the mesh's default. */
  readonly retryOn?: readonly string[];
  /** Status codes to retry on; `retriable-status-codes` is among the conditions then. */
  readonly statusCodes?: readonly number[];
  /** Before the first retry; it doubles. Absent: Envoy's default of 25 ms. */
  readonly backoffMs?: number;
  /** Whether to go to other localities after failures in the nearest. Default false. */
  readonly remoteLocalities?: boolean;
  /** Whether hosts that were tried are left out. Default true. */
  readonly avoidPreviousHosts?: boolean;
}

/** `prefix` takes the place of what the match's `prefix` or `path` found, and of the whole path otherwise. */
export type PathRewrite =
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "full"; readonly value: string }
  | { readonly kind: "regex"; readonly regex: string; readonly substitution: string };

export interface Rewrite {
  readonly path?: PathRewrite;
  readonly authority?: string;
}

/** What is not given stays as it was called. */
export interface Redirect {
  readonly path?: Exclude<PathRewrite, { readonly kind: "regex" }>;
  readonly authority?: string;
  readonly scheme?: string;
  /** `scheme` is the scheme's own port, `request` the one that was called. Absent: as the authority says. */
  readonly port?: number | "scheme" | "request";
  readonly status: 301 | 302 | 303 | 307 | 308;
}

export interface DirectResponse {
  readonly status: number;
  readonly body?: { readonly kind: "text" | "base64"; readonly value: string };
}

/** Percentages are 0 to 100, with fractions. */
export interface Fault {
  readonly delay?: { readonly percentage: number; readonly delayMs: number };
  readonly abort?: {
    readonly percentage: number;
    /** An HTTP status, or the number of a gRPC status. */
    readonly status: { readonly kind: "http" | "grpc"; readonly code: number };
  };
}

/** Gets a copy of requests; its answers are dropped. */
export interface Mirror extends Target {
  /** 0 to 100, with fractions. */
  readonly percentage: number;
}

/** https://fetch.spec.whatwg.org/#http-cors-protocol */
export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatch[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly allowCredentials?: boolean;
  /** Whether preflights of other origins go to the service. */
  readonly forwardUnmatchedPreflights: boolean;
}

/** What becomes of a request. */
export type HttpAction =
  | { readonly kind: "forward"; readonly destinations: readonly Destination[] }
  | { readonly kind: "redirect"; readonly redirect: Redirect }
  | { readonly kind: "respond"; readonly response: DirectResponse };

/** What a rule does beside its action. */
export interface HttpRouteOptions {
  /** Where it stands in its object, if not at its place here, because rules before it have no place in the mesh. */
  readonly position?: number;
  readonly name?: string;
  /** Any of them; empty matches every request. */
  readonly matches: readonly HttpMatch[];
  readonly rewrite?: Rewrite;
  readonly fault?: Fault;
  readonly mirrors?: readonly Mirror[];
  readonly headers?: HeaderOperations;
  readonly cors?: CorsPolicy;
  /** Of a request with all its retries. Absent and 0: no limit. */
  readonly timeoutMs?: number;
  /** Absent: the mesh's default. */
  readonly retries?: RetryPolicy;
  /** Which of the slots for plugins of routes runs. Absent: none. */
  readonly pluginSlot?: number;
}

/** A rule for HTTP, whichever API it was written in. */
export interface HttpRoute extends HttpRouteOptions {
  readonly action: HttpAction;
}
