import {
  Metadata,
  type Server,
  ServerCredentials,
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

export function createTransport(call: Call): Transport {
  return {
    write: (message) => call.write(message),
    pause: () => call.pause(),
    resume: () => call.resume(),
    end: (code, message) => endCall(call, code, message),
  };
}

export interface TlsOptions {
  /** Roots of the clients' certificates, PEM. A client without a certificate of theirs is refused by TLS. */
  readonly rootCert: string;
  /** The server's own keys and chains, PEM. */
  readonly keyCertPairs: readonly { readonly privateKey: string; readonly certificateChain: string }[];
}

/** @throws Error (code XDS_BIND_FAILED) if the address cannot be had. */
export function bind(server: Server, address: string, tls: TlsOptions): Promise<{ readonly port: number }> {
  const pairs = tls.keyCertPairs.map((pair) => ({
    private_key: Buffer.from(pair.privateKey),
    cert_chain: Buffer.from(pair.certificateChain),
  }));
  const credentials = ServerCredentials.createSsl(Buffer.from(tls.rootCert), pairs, true);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) resolve({ port });
      else {
        const message = `the xDS server cannot listen on ${address}: ${cause.message}`;
        reject(Object.assign(new Error(message, { cause }), { code: "XDS_BIND_FAILED" }));
      }
    });
  });
}

/** Waits until all connections are closed; cuts them after the grace period. */
export function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
