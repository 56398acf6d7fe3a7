import type { Destination } from "./http-route.js";
import type { Labels } from "./selector.js";

/** All parts that are given must hold. */
export interface TcpMatch {
  /** Port of the service that is called. */
  readonly port?: number;
  /** Networks, as `10.0.0.0/8`, of the address that is called; empty: any. */
  readonly destinationSubnets: readonly string[];
  /** Labels that the caller has. */
  readonly sourceLabels?: Labels;
  /** Namespace of the caller. */
  readonly sourceNamespace?: string;
}

export interface TlsMatch extends TcpMatch {
  /** Server names, at least one; `*.example.com` is any below it. */
  readonly sniHosts: readonly string[];
}

/** A connection's destination; nothing of HTTP is in it. */
export type TcpDestination = Pick<Destination, "host" | "subset" | "port" | "weight" | "missing">;

/** A rule for connections that are passed on as they are. */
export interface TcpRoute {
  /** As of a rule for HTTP. */
  readonly position?: number;
  /** Any of them; empty matches every connection. */
  readonly matches: readonly TcpMatch[];
  readonly destinations: readonly TcpDestination[];
}

/** A rule for TLS that is passed on without being opened. */
export interface TlsRoute {
  readonly position?: number;
  /** Any of them; at least one. */
  readonly matches: readonly TlsMatch[];
  readonly destinations: readonly TcpDestination[];
}
