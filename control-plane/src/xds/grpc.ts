import { createServer, type Socket } from "node:net";
import { createSecureContext } from "node:tls";
import {
  experimental,
  Metadata,
  type Server,
  type ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import type { EndCode, Transport } from "./session.js";

/** A stream of undecoded messages. */
export type Call = ServerDuplexStream<Buffer, Buffer>;

/** Messages pass through as bytes: the codec is ours. */
const passThrough = (bytes: Buffer): Buffer => bytes;

function bidirectional(method: string) {
  return {
    path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  } as const;
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#aggregated-discovery-service */
export const ADS_SERVICE: ServiceDefinition = {
  DeltaAggregatedResources: bidirectional("DeltaAggregatedResources"),
  StreamAggregatedResources: bidirectional("StreamAggregatedResources"),
};

export function endCall(call: Call, code: EndCode, message: string): void {
  call.emit("error", { code: status[code], details: message, metadata: new Metadata() });
}

export function createTransport(call: Call, end: Transport["end"]): Transport {
  return {
    write: (message) => call.write(message),
    pause: () => call.pause(),
    resume: () => call.resume(),
    end,
  };
}

export interface TlsOptions {
  /** Roots of the clients' certificates, PEM. A client without a certificate of theirs is refused by TLS. */
  readonly rootCert: string;
  /** The server's own key and chain, PEM. */
  readonly keyCertPairs: readonly [{ readonly privateKey: string; readonly certificateChain: string }];
}

/** Server credentials that can be replaced while connections are open; those keep what they began with. */
export interface TlsCredentials {
  readonly credentials: ServerCredentials;
  /** For connections from now on. Throws, and changes nothing, when TLS cannot use them. */
  update(tls: TlsOptions): void;
}

export function createTlsCredentials(first: TlsOptions): TlsCredentials {
  const authorities = new Set<(update: { readonly caCertificate: Buffer }) => void>();
  const identities = new Set<(update: { readonly certificate: Buffer; readonly privateKey: Buffer }) => void>();
  let current = contextOf(first);
  const provider = {
    // The library listens only after it has added the listener, hence not at once.
    addCaCertificateListener: (listener: (update: { caCertificate: Buffer }) => void) => {
      authorities.add(listener);
      process.nextTick(() => listener({ caCertificate: current.ca }));
    },
    removeCaCertificateListener: (listener: (update: { caCertificate: Buffer }) => void) =>
      void authorities.delete(listener),
    addIdentityCertificateListener: (listener: (update: { certificate: Buffer; privateKey: Buffer }) => void) => {
      identities.add(listener);
      process.nextTick(() => listener({ certificate: current.cert, privateKey: current.key }));
    },
    removeIdentityCertificateListener: (listener: (update: { certificate: Buffer; privateKey: Buffer }) => void) =>
      void identities.delete(listener),
  };
  return {
    credentials: experimental.createCertificateProviderServerCredentials(provider, provider, true),
    update: (tls) => {
      current = contextOf(tls);
      for (const listener of authorities) listener({ caCertificate: current.ca });
      for (const listener of identities) listener({ certificate: current.cert, privateKey: current.key });
    },
  };
}

function contextOf({ rootCert, keyCertPairs: [pair] }: TlsOptions) {
  const context = {
    ca: Buffer.from(rootCert),
    cert: Buffer.from(pair.certificateChain),
    key: Buffer.from(pair.privateKey),
  };
  // What TLS cannot use would make the library drop every connection.
  createSecureContext(context);
  return context;
}

/** The socket that a server listens on. */
export interface Listener {
  readonly port: number;
  /** Cuts the connection of a call a little later, when its status has been sent. */
  cut(peer: string): void;
  close(): void;
  /** Ends what connections are left, at once. */
  cutAll(): void;
}

const CUT_AFTER_MS = 250;

/** Where a server listens. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** More are closed as soon as they are open. */
  readonly maxConnections: number;
}

/** @throws Error (code XDS_BIND_FAILED) if the address cannot be had. */
export function bind(
  server: Server,
  { host, port, maxConnections }: ListenOptions,
  credentials: ServerCredentials,
): Promise<Listener> {
  const injector = server.createConnectionInjector(credentials);
  const connections = new Map<string, Socket>();
  const sockets = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    connections.set(peer, socket);
    socket.once("close", () => connections.delete(peer));
    injector.injectConnection(socket);
  });
  sockets.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    sockets.once("error", (cause) => {
      const message = `the xDS server cannot listen on ${host}:${port}: ${cause.message}`;
      reject(Object.assign(new Error(message, { cause }), { code: "XDS_BIND_FAILED" }));
    });
    sockets.listen(port, host, () => {
      const address = sockets.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : port,
        cut: (peer) => void setTimeout(() => connections.get(peer)?.destroy(), CUT_AFTER_MS).unref(),
        close: () => void sockets.close(),
        cutAll: () => {
          for (const socket of connections.values()) socket.destroy();
        },
      });
    });
  });
}

/** The library does not always say that it has shut down. */
const SHUTDOWN_LIMIT_MS = 1_000;

/** Waits until all connections are closed; cuts them after the grace period, and does not wait for long then. */
export function shutDown(server: Server, listener: Listener | undefined, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    let limit: NodeJS.Timeout | undefined;
    const cut = setTimeout(() => {
      limit = setTimeout(resolve, SHUTDOWN_LIMIT_MS);
      server.forceShutdown();
      listener?.cutAll();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      clearTimeout(limit);
      // It knows nothing of connections that have not become ones of HTTP/2.
      listener?.cutAll();
      resolve();
    });
  });
}
