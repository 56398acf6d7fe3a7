import type { ProxyClient } from "../model/proxy.js";
import type { ChangedNames, ResourceType, ResourceView } from "../model/resource.js";
import type { TypeTimes } from "./type-times.js";

/** One proxy's connection to the source of its resources. */
export interface ProviderConnection {
  /** What the proxy should have now. */
  view(): ResourceView;
  /** The client names clusters. Those beyond its scope that it may have are in the view from now on. */
  demand(clusters: Iterable<string>): void;
  close(): void;
}

/** Where the server gets resources from. */
export interface ResourceProvider {
  /**
   * @param onChange called after the view has changed, with the names that did; never during `connect`.
   * @returns undefined if no such proxy is known.
   */
  connect(
    proxyKey: string,
    onChange: (names: ChangedNames) => void,
    protocol: ProxyClient["kind"],
  ): ProviderConnection | undefined;
}

/** The certificate that the client proved to have. The TLS layer has checked it against the roots. */
export interface PeerCertificate {
  readonly der: Uint8Array;
  /** All subject alternative names, as `tls.PeerCertificate.subjectaltname` writes them. */
  readonly subjectAltName: string;
}

export type Authentication =
  | { readonly ok: true; readonly proxyKey: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly message: string };

/** What the server tells about its proxies. */
export interface XdsObserver {
  /** The first stream of a proxy began, or its last one ended. */
  onConnect?(proxyKey: string): void;
  onDisconnect?(proxyKey: string): void;
  /** The proxy has these versions, by name: it accepted them now, or says that it kept them from an earlier stream. */
  onAck?(proxyKey: string, type: ResourceType, versions: ReadonlyMap<string, string>): void;
  /** The proxy refused a response with these versions. */
  onNack?(proxyKey: string, type: ResourceType, versions: ReadonlyMap<string, string>, message: string): void;
}

export interface XdsLogger {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Where one stream of a proxy stands. */
export interface ProxySync {
  readonly proxyKey: string;
  /** What the client calls itself. Not authenticated. */
  readonly nodeId: string;
  readonly protocol: ProxyClient["kind"];
  readonly connectedAtMs: number;
  readonly bytesSent: number;
  readonly responsesSent: number;
  /** The types that the client has asked for, in push order. */
  readonly types: readonly TypeSync[];
}

/** A response that the client refused. */
export interface Refusal {
  readonly nonce: string;
  readonly message: string;
  readonly names: readonly string[];
  /** The versions that were refused, by name. */
  readonly versions: ReadonlyMap<string, string>;
}

export interface TypeSync {
  readonly type: ResourceType;
  /** Names of which the client has, or has been sent, a version. */
  readonly sentVersions: number;
  /** A response is not answered yet. */
  readonly inFlight: boolean;
  /** Names with news that could not be sent yet. */
  readonly pending: number;
  readonly ackedNonce: string;
  readonly times: TypeTimes;
  readonly lastNack?: Refusal;
  /**
   * Of extensions: the version of each name that the client accepted last. Of secrets: the version that it has, empty
   * while that is not certain. Otherwise absent.
   */
  readonly ackedVersions?: ReadonlyMap<string, string>;
}
