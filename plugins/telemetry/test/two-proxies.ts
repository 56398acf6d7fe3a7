/*
 * A caller's and a callee's Envoy with mutual TLS between them, as the mesh configures them for the plugin: direction
 * and identity on the listeners, identity on the endpoint, certificates with two names, the sidecar's stats_config.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { STATS_CONFIG } from "../../../control-plane/src/injection/stats.js";
import {
  cluster,
  httpListener,
  type RunningEnvoy,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../../test/envoy-static.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const NOBODY = "outbound|80|v2|nobody.stock.svc.cluster.local";
const CLUSTER = "outbound|80||backend.stock.svc.cluster.local";

export const FRONTEND = "spiffe://cluster.local/ns/shop/sa/frontend";
export const BACKEND = "spiffe://cluster.local/ns/stock/sa/backend";

const AS_BACKEND = `backend-1;stock;backend;v1;backend;v1;${BACKEND};backend.stock.svc.cluster.local;`;
const INBOUND_IDENTITY = `in;${AS_BACKEND}`;
const ENDPOINT_IDENTITY = `out;${AS_BACKEND}`;

export interface TwoProxies {
  readonly client: RunningEnvoy;
  readonly server: RunningEnvoy;
  /** Where to send requests. */
  readonly port: number;
  stop(): Promise<void>;
}

export interface TwoProxiesOptions {
  readonly wasm: Uint8Array;
  readonly configuration?: object;
  /** Access loggers of both. */
  readonly accessLog?: readonly object[];
  readonly handle?: Parameters<typeof startUpstream>[0];
}

/* A self-signed certificate with these names: identity is read from it, trust is not what is tested. */
async function tlsContext(...uris: string[]): Promise<object> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const names = uris.map((value) => ({ type: "url" as const, value }));
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      keys,
      name: "CN=test",
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - HOUR_MS),
      notAfter: new Date(Date.now() + HOUR_MS),
      extensions: [new SubjectAlternativeNameExtension(names, true)],
    },
    webcrypto as never,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    tls_certificates: [
      {
        certificate_chain: { inline_string: certificate.toString("pem") },
        private_key: { inline_string: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` },
      },
    ],
    validation_context: { trust_chain_verification: "ACCEPT_UNTRUSTED" },
  };
}

export function serverTls(): Promise<object> {
  return tlsContext(BACKEND, "weft://cluster.local/ns/stock/workload/backend-1").then((common_tls_context) => ({
    name: "tls",
    typed_config: { "@type": `${TLS}.DownstreamTlsContext`, require_client_certificate: true, common_tls_context },
  }));
}

export function clientTls(): Promise<object> {
  return tlsContext(FRONTEND, "weft://cluster.local/ns/shop/workload/frontend-1").then((common_tls_context) => ({
    name: "tls",
    typed_config: { "@type": `${TLS}.UpstreamTlsContext`, common_tls_context },
  }));
}

/** The mesh's metadata, as the control plane gives it to listeners and endpoints. */
export function identity(text: string): object {
  return { filter_metadata: { "weft.mesh": { identity: text } } };
}

interface Listener {
  filter_chains: [{ filters: [{ typed_config: object }] }];
}

export async function startTwoProxies(options: TwoProxiesOptions): Promise<TwoProxies> {
  const { wasm, configuration = {}, accessLog = [] } = options;
  const started: (RunningEnvoy | Upstream)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.reverse()) await each.stop();
  };
  try {
    const upstream = await startUpstream(options.handle ?? ((_, res) => res.end("ok")));
    started.push(upstream);
    const filters = [wasmFilter({ wasm, name: "telemetry", configuration })];
    const listener = (name: string, routes: readonly object[]): Listener =>
      httpListener({ name, filters, accessLog, routes }) as Listener;
    const inbound = listener("in", [
      { match: { prefix: "/" }, route: { cluster: "inbound|80||backend.stock.svc.cluster.local" } },
    ]);
    const [chain] = inbound.filter_chains;
    Object.assign(chain.filters[0].typed_config, {
      forward_client_cert_details: "SANITIZE_SET",
      set_current_client_cert_details: { uri: true },
    });
    const server = await startEnvoy({
      statsConfig: STATS_CONFIG,
      resources: {
        clusters: [cluster("inbound|80||backend.stock.svc.cluster.local", upstream.port)],
        listeners: [
          {
            ...inbound,
            traffic_direction: "INBOUND",
            metadata: identity(INBOUND_IDENTITY),
            filter_chains: [{ ...chain, transport_socket: await serverTls() }],
          },
        ],
      },
    });
    started.push(server);
    const target = cluster(CLUSTER, server.ports.get("in") ?? 0) as {
      load_assignment: { endpoints: [{ lb_endpoints: [object] }] };
    };
    Object.assign(target.load_assignment.endpoints[0].lb_endpoints[0], { metadata: identity(ENDPOINT_IDENTITY) });
    const client = await startEnvoy({
      statsConfig: STATS_CONFIG,
      resources: {
        clusters: [
          { ...target, transport_socket: await clientTls() },
          { name: NOBODY, type: "STATIC", load_assignment: { cluster_name: NOBODY } },
        ],
        listeners: [
          {
            ...listener("out", [
              { match: { prefix: "/direct" }, direct_response: { status: 418 } },
              { match: { prefix: "/nowhere" }, route: { cluster: NOBODY } },
              { match: { prefix: "/" }, route: { cluster: CLUSTER } },
            ]),
            traffic_direction: "OUTBOUND",
            metadata: identity(`own;frontend-1;shop;frontend;unknown;frontend;latest;${FRONTEND};;`),
          },
        ],
      },
    });
    started.push(client);
    return { client, server, port: client.ports.get("out") ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
