import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../../test/envoy-static.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const FRONTEND = "spiffe://cluster.local/ns/shop/sa/frontend";
const BACKEND = "spiffe://cluster.local/ns/stock/sa/backend";

/* A self-signed certificate with this URI: identity is read from it, trust is not what is tested. */
async function tlsContext(uri: string): Promise<object> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      keys,
      name: "CN=test",
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - HOUR_MS),
      notAfter: new Date(Date.now() + HOUR_MS),
      extensions: [new SubjectAlternativeNameExtension([{ type: "url", value: uri }], true)],
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

const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
/* Every computed label as a field of an access log line. */
const FIELDS = [
  "reporter",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "connection_security_policy",
];
const accessLog = [
  {
    name: "stdout",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
      log_format: {
        text_format_source: {
          inline_string: `labels ${FIELDS.map((name) => `%FILTER_STATE(wasm.weft.${name}:PLAIN)%`).join(" ")}\n`,
        },
      },
    },
  },
];

let upstream: Upstream;
let server: RunningEnvoy;
let client: RunningEnvoy;

beforeAll(async () => {
  upstream = await startUpstream((_, res) => res.end("ok"));
  const { wasm } = await buildPlugin("telemetry");
  const listener = (name: string, target: string) =>
    httpListener({
      name,
      filters: [wasmFilter({ wasm, name })],
      accessLog,
      routes: [{ match: { prefix: "/" }, route: { cluster: target } }],
    }) as { filter_chains: [object] };
  const inbound = listener("in", "app");
  const secured = {
    ...inbound.filter_chains[0],
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${TLS}.DownstreamTlsContext`,
        require_client_certificate: true,
        common_tls_context: await tlsContext(BACKEND),
      },
    },
  };
  server = await startEnvoy({
    resources: {
      clusters: [cluster("app", upstream.port)],
      listeners: [{ ...inbound, traffic_direction: "INBOUND", filter_chains: [secured] }],
    },
  });
  const target = "outbound|80||backend.stock.svc.cluster.local";
  const transport_socket = {
    name: "tls",
    typed_config: { "@type": `${TLS}.UpstreamTlsContext`, common_tls_context: await tlsContext(FRONTEND) },
  };
  client = await startEnvoy({
    resources: {
      clusters: [{ ...cluster(target, server.ports.get("in")!), transport_socket }],
      listeners: [{ ...listener("out", target), traffic_direction: "OUTBOUND" }],
    },
  });
});

afterAll(async () => {
  await client?.stop();
  await server?.stop();
  await upstream?.stop();
});

async function labels(envoy: RunningEnvoy): Promise<string> {
  for (let i = 0; i < 600; i++) {
    const line = /^labels .*$/m.exec(envoy.log())?.[0];
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no access log within a minute");
}

test("both sides know each other by their certificates", async () => {
  expect((await send({ port: client.ports.get("out")! })).status).toBe(200);
  expect(await labels(server)).toBe(
    `labels destination frontend shop ${FRONTEND} frontend-1 default ${BACKEND} mutual_tls`,
  );
  expect(await labels(client)).toBe(`labels source frontend-1 default ${FRONTEND} backend stock ${BACKEND} unknown`);
});
