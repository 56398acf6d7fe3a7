import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { compareStrings } from "../model/compare.js";
import type { ProxyClient } from "../model/proxy.js";
import { claimedProxy } from "./claimed-identity.js";
import type { StreamOptions } from "./delta-stream.js";
import {
  ADS_SERVICE,
  bind,
  type Call,
  createTlsCredentials,
  createTransport,
  endCall,
  type Listener,
  shutDown,
  type TlsOptions,
} from "./grpc.js";
import type {
  Authentication,
  PeerCertificate,
  ProxySync,
  ResourceProvider,
  XdsLogger,
  XdsObserver,
} from "./provider.js";
import { type EndCode, INTERNAL_ERROR, Session } from "./session.js";

export interface XdsServerOptions {
  /** Address to listen on. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Default: 0, a free port. */
  readonly port?: number;
  readonly tls: TlsOptions;
  /**
   * One more port, of 127.0.0.1, without TLS, on which every proxy is who it says; 0 is a free one. For tools and
   * benchmarks on this machine. Default: none.
   */
  readonly plaintextPort?: number;
  /** Says which proxy has this certificate. Called once for each stream. */
  readonly authenticate: (certificate: PeerCertificate) => Authentication;
  readonly provider: ResourceProvider;
  readonly observer?: XdsObserver;
  readonly logger: XdsLogger;
  /** Default: 10,000. */
  readonly maxStreams?: number;
  /** Connections, with streams or without. Default: 20,000. */
  readonly maxConnections?: number;
  /** Streams of one proxy at a time. More than one, because a lost one is noticed late. Default: 8. */
  readonly maxStreamsPerProxy?: number;
  /** Largest request. A proxy that reconnects lists all that it has. Default: 16 MiB. */
  readonly maxReceiveBytes?: number;
  /**
   * A connection is closed when it reaches about this age, so that proxies come back with their current certificate and
   * spread over the replicas. Default: 30 minutes.
   */
  readonly maxConnectionAgeMs?: number;
  /** A connection without streams is closed after so long. Default: 5 minutes. */
  readonly maxConnectionIdleMs?: number;
  readonly stream?: Omit<StreamOptions, "accepted">;
  /** What else is served on this port; each says itself who may call it. Default: nothing. */
  readonly services?: readonly OtherService[];
}

export interface OtherService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface XdsServer {
  /** @throws Error if the address cannot be bound; `code` is `XDS_BIND_FAILED`. */
  start(): Promise<{ readonly port: number; readonly plaintextPort?: number }>;
  /**
   * Takes another certificate and other roots for connections from now on. Streams that are open go on.
   *
   * @throws Error if TLS cannot use them; the server then goes on with what it had.
   */
  updateTls(tls: TlsOptions): void;
  /**
   * Ends all streams and stops listening.
   *
   * @param graceMs how long connections may take to close before they are cut. Default: 1,000.
   * @param spreadMs over which time the ends of streams are spread, so that proxies do not all come to other replicas at
   *   once. Default: 0.
   */
  close(graceMs?: number, spreadMs?: number): Promise<void>;
  /** The state of every stream, by proxy and then by age. */
  proxies(): readonly ProxySync[];
  /** Whether a proxy has a stream. */
  isConnected(proxyKey: string): boolean;
  /** The state of a proxy's newest stream; undefined when it has none. */
  proxy(proxyKey: string): ProxySync | undefined;
}

type Admission =
  | { readonly ok: true; readonly proxyKey: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: EndCode; readonly message: string };

/** Says which proxy a call is from; the message is the first one, where the identity needs it. */
type Identify = (call: Call, protocol: ProxyClient["kind"], message?: Buffer) => Admission;

const SHUTTING_DOWN = "the control plane is shutting down";

/** The aggregated discovery service over TLS with client certificates. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const { logger, observer = {}, provider, maxStreams = 10_000, maxStreamsPerProxy = 8 } = options;
  const sessions = new Set<Session>();
  /** The same by proxy, each proxy's in the order in which they began. */
  const sessionsByProxy = new Map<string, Set<Session>>();
  const stream: StreamOptions = { ...options.stream, accepted: new WeakSet() };
  const tls = createTlsCredentials(options.tls);
  let listener: Listener | undefined;
  let plaintextListener: Listener | undefined;
  let closing = false;

  const certified: Identify = (call) => {
    const certificate = call.getAuthContext().sslPeerCertificate;
    if (certificate === undefined) {
      return { ok: false, code: "UNAUTHENTICATED", message: "the connection has no client certificate" };
    }
    const { raw: der, subjectaltname: subjectAltName = "" } = certificate;
    const identity = options.authenticate({ der, subjectAltName });
    return identity.ok ? identity : { ok: false, code: "UNAUTHENTICATED", message: identity.message };
  };

  const claimed: Identify = (_call, protocol, message) => {
    const proxyKey = message && claimedProxy(protocol, message);
    if (proxyKey !== undefined) return { ok: true, proxyKey, expiresAtMs: Number.MAX_SAFE_INTEGER };
    return { ok: false, code: "UNAUTHENTICATED", message: "the node id names no sidecar" };
  };

  const admit = (identify: () => Admission): Admission => {
    if (closing) return { ok: false, code: "UNAVAILABLE", message: SHUTTING_DOWN };
    if (sessions.size >= maxStreams) {
      return { ok: false, code: "RESOURCE_EXHAUSTED", message: `this replica has ${maxStreams} streams, its limit` };
    }
    const identity = identify();
    if (!identity.ok) return identity;
    const { proxyKey } = identity;
    if ((sessionsByProxy.get(proxyKey)?.size ?? 0) >= maxStreamsPerProxy) {
      const message = `${proxyKey} has ${maxStreamsPerProxy} streams already, the limit: do two proxies share a name?`;
      return { ok: false, code: "RESOURCE_EXHAUSTED", message };
    }
    return identity;
  };

  /** A connection keeps its certificate: a proxy whose certificate is not good enough must come back on a new one. */
  const end = (call: Call, code: EndCode, message: string): void => {
    endCall(call, code, message);
    // One that shuts down must not be asked again: on another connection another replica answers.
    if (code === "UNAUTHENTICATED" || closing) listener?.cut(call.getPeer());
  };

  const register = (call: Call, session: Session): void => {
    const { proxyKey } = session;
    const ofProxy = sessionsByProxy.get(proxyKey) ?? new Set();
    let over = false;
    const leave = (): void => {
      if (over) return;
      over = true;
      session.close();
      sessions.delete(session);
      ofProxy.delete(session);
      if (ofProxy.size === 0) sessionsByProxy.delete(proxyKey);
      logger.info("a proxy's stream ended", { proxy: proxyKey, peer: call.getPeer() });
      if (ofProxy.size === 0) observer.onDisconnect?.(proxyKey);
    };
    sessions.add(session);
    sessionsByProxy.set(proxyKey, ofProxy.add(session));
    logger.info("a proxy's stream began", { proxy: proxyKey, peer: call.getPeer() });
    if (ofProxy.size === 1) observer.onConnect?.(proxyKey);
    for (const event of ["cancelled", "close", "finish", "error"]) call.on(event, leave);
    call.on("end", () => {
      leave();
      call.end();
    });
  };

  const begin = (call: Call, protocol: ProxyClient["kind"], identify: Identify, first?: Buffer): void => {
    const admission = admit(() => identify(call, protocol, first));
    if (!admission.ok) {
      const { code, message } = admission;
      logger.warn(`refused a stream: ${message}`, { peer: call.getPeer(), code });
      end(call, code, message);
      return;
    }
    const { proxyKey, expiresAtMs } = admission;
    const transport = createTransport(call, (code, message) => end(call, code, message));
    const session = new Session(transport, { proxyKey, expiresAtMs, provider, observer, logger, stream, protocol });
    if (!session.start()) return;
    register(call, session);
    call.on("drain", () => session.drained());
    call.on("data", (message: Buffer) => session.receive(message));
    if (first !== undefined) session.receive(first);
  };

  const tryToBegin = (...[call, ...how]: Parameters<typeof begin>): void => {
    try {
      begin(call, ...how);
    } catch (error) {
      logger.error("a stream could not begin", { peer: call.getPeer(), error });
      endCall(call, "INTERNAL", INTERNAL_ERROR);
    }
  };
  const serve = (protocol: ProxyClient["kind"]) => (call: Call) => tryToBegin(call, protocol, certified);
  const servePlaintext = (protocol: ProxyClient["kind"]) => (call: Call) => {
    call.once("data", (first: Buffer) => tryToBegin(call, protocol, claimed, first));
  };

  const ageMs = options.maxConnectionAgeMs ?? 30 * 60_000;
  const serverOptions = {
    "grpc.max_receive_message_length": options.maxReceiveBytes ?? 16 * 1024 * 1024,
    "grpc.max_connection_age_ms": ageMs,
    "grpc.max_connection_age_grace_ms": Math.min(30_000, ageMs),
    "grpc.max_connection_idle_ms": options.maxConnectionIdleMs ?? 5 * 60_000,
    // A proxy needs one, and another one while it reconnects.
    "grpc.max_concurrent_streams": 16,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // The first request of a proxy is larger than the window that HTTP/2 begins with.
    "grpc-node.flow_control_window": 1024 * 1024,
  };
  const server = new Server(serverOptions);
  server.addService(ADS_SERVICE, {
    DeltaAggregatedResources: serve("incremental"),
    StreamAggregatedResources: serve("state-of-the-world"),
  });
  for (const { definition, implementation } of options.services ?? []) server.addService(definition, implementation);
  const plaintextServer = new Server(serverOptions);
  plaintextServer.addService(ADS_SERVICE, {
    DeltaAggregatedResources: servePlaintext("incremental"),
    StreamAggregatedResources: servePlaintext("state-of-the-world"),
  });

  return {
    start: async () => {
      const { host = "127.0.0.1", port = 0, plaintextPort, maxConnections = 20_000 } = options;
      listener = await bind(server, { host, port, maxConnections }, tls.credentials);
      if (plaintextPort === undefined) return { port: listener.port };
      const where = { host: "127.0.0.1", port: plaintextPort, maxConnections };
      plaintextListener = await bind(plaintextServer, where, ServerCredentials.createInsecure());
      return { port: listener.port, plaintextPort: plaintextListener.port };
    },
    updateTls: tls.update,
    close: async (graceMs = 1_000, spreadMs = 0) => {
      closing = true;
      listener?.close();
      plaintextListener?.close();
      const leaving = [...sessions];
      for (const [index, session] of leaving.entries()) {
        session.end("UNAVAILABLE", SHUTTING_DOWN);
        if (spreadMs > 0 && index < leaving.length - 1)
          await new Promise((done) => setTimeout(done, spreadMs / leaving.length));
      }
      await Promise.all([shutDown(server, listener, graceMs), shutDown(plaintextServer, plaintextListener, graceMs)]);
    },
    isConnected: (proxyKey) => sessionsByProxy.has(proxyKey),
    proxy: (proxyKey) => [...(sessionsByProxy.get(proxyKey) ?? [])].at(-1)?.sync(),
    proxies: () =>
      [...sessions]
        .map((session) => session.sync())
        .sort((a, b) => compareStrings(a.proxyKey, b.proxyKey) || a.connectedAtMs - b.connectedAtMs),
  };
}
