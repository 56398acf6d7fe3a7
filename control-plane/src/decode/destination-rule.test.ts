import { describe, expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const rule = (spec: string) => objectOf("DestinationRule", spec, "{name: x, namespace: n}");

test.each([
  ["backend", "backend.n.svc.cluster.local"],
  ["backend.other", "backend.other"],
  ["backend.other.svc", "backend.other.svc.cluster.local"],
  ["backend.other.svc.cluster.local", "backend.other.svc.cluster.local"],
  ["api.example.com", "api.example.com"],
  ["'*.example.com'", "*.example.com"],
  ["'*'", "*"],
])("host %s is %s", (host, full) => {
  expect(accepted(rule(`{host: ${host}}`)).value).toEqual({
    namespace: "n",
    name: "x",
    host: full,
    subsets: [],
    exportTo: ["*"],
  });
});

test.each([
  ["['*']", ["*"]],
  ["[., other]", ["n", "other"]],
])("exportTo %s is %s", (exportTo, namespaces) => {
  expect(accepted(rule(`{host: b, exportTo: ${exportTo}}`)).value).toMatchObject({ exportTo: namespaces });
});

test("subsets", () => {
  const { value } = accepted(
    rule("{host: b, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {}}}, {name: all}]}"),
  );
  expect(value).toMatchObject({
    subsets: [
      { name: "v1", labels: { version: "v1" }, policy: { loadBalancer: {}, ports: [] } },
      { name: "all", labels: {} },
    ],
  });
});

describe("a trafficPolicy", () => {
  test.each<[string, object]>([
    ["{}", {}],
    ["{loadBalancer: {simple: UNSPECIFIED}}", { loadBalancer: {} }],
    ...["ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "PASSTHROUGH"].map((kind): [string, object] => [
      `{loadBalancer: {simple: ${kind}}}`,
      { loadBalancer: { algorithm: { kind } } },
    ]),
    ["{loadBalancer: {simple: LEAST_CONN}}", { loadBalancer: { algorithm: { kind: "LEAST_REQUEST" } } }],
    [
      "{loadBalancer: {consistentHash: {httpHeaderName: X-User}}}",
      { loadBalancer: { algorithm: { kind: "consistentHash", key: { kind: "header", name: "x-user" }, table: RING } } },
    ],
    [
      "{loadBalancer: {consistentHash: {httpQueryParameterName: q, minimumRingSize: 7}}}",
      hash({ kind: "query", name: "q" }, { kind: "ring", minimumSize: 7 }),
    ],
    [
      "{loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 9}}}}",
      hash({ kind: "sourceIp" }, { kind: "ring", minimumSize: 9 }),
    ],
    [
      "{loadBalancer: {consistentHash: {httpCookie: {name: c, path: /, ttl: 0s}, maglev: {tableSize: 101}}}}",
      hash({ kind: "cookie", name: "c", path: "/", ttlMs: 0 }, { kind: "maglev", size: 101 }),
    ],
    [
      "{loadBalancer: {warmup: {duration: 30s, minimumPercent: 12.5, aggression: 1.5}}}",
      { loadBalancer: { warmup: { durationMs: 30_000, minimumPercent: 12.5, aggression: 1.5 } } },
    ],
    ["{loadBalancer: {warmupDurationSecs: 10s}}", { loadBalancer: { warmup: { durationMs: 10_000 } } }],
    ["{loadBalancer: {localityLbSetting: {enabled: false}}}", { loadBalancer: { locality: { kind: "off" } } }],
    [
      "{loadBalancer: {localityLbSetting: {failover: [{from: eu, to: us}]}}, outlierDetection: {}}",
      { loadBalancer: { locality: { kind: "failover", regions: [{ from: "eu", to: "us" }] } }, outlierDetection: {} },
    ],
    [
      "{loadBalancer: {localityLbSetting: {failoverPriority: [version, zone=a]}}, outlierDetection: {}}",
      {
        loadBalancer: {
          locality: { kind: "labels", priority: [{ label: "version" }, { label: "zone", value: "a" }] },
        },
        outlierDetection: {},
      },
    ],
    [
      "{loadBalancer: {localityLbSetting: {distribute: [{from: eu/*, to: {eu/a: 80, '*': 20}}]}}}",
      {
        loadBalancer: {
          locality: {
            kind: "distribute",
            rules: [
              {
                from: "eu/*",
                to: [
                  { locality: "eu/a", percent: 80 },
                  { locality: "*", percent: 20 },
                ],
              },
            ],
          },
        },
      },
    ],
    [
      `{connectionPool: {tcp: {maxConnections: 1, connectTimeout: 30ms, maxConnectionDuration: 1h, idleTimeout: 0s,
        tcpKeepalive: {probes: 3, time: 7200s, interval: 75s}}}}`,
      {
        connectionPool: {
          maxConnections: 1,
          connectTimeoutMs: 30,
          maxConnectionDurationMs: 3_600_000,
          tcpIdleTimeoutMs: 0,
          keepalive: { probes: 3, timeMs: 7_200_000, intervalMs: 75_000 },
        },
      },
    ],
    [
      `{connectionPool: {http: {http1MaxPendingRequests: 1, http2MaxRequests: 2, maxRequestsPerConnection: 3,
        maxRetries: 4, idleTimeout: 5s, maxConcurrentStreams: 6, h2UpgradePolicy: UPGRADE}}}`,
      {
        connectionPool: {
          maxPendingRequests: 1,
          maxRequests: 2,
          maxRequestsPerConnection: 3,
          maxRetries: 4,
          httpIdleTimeoutMs: 5000,
          maxConcurrentStreams: 6,
          upgradeToHttp2: true,
        },
      },
    ],
    [
      "{connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE, useClientProtocol: true}}}",
      { connectionPool: { useClientProtocol: true } },
    ],
    // 0 says nothing, as in Istio.
    ["{connectionPool: {tcp: {maxConnections: 0}, http: {maxRetries: 0}}}", { connectionPool: {} }],
    [
      `{outlierDetection: {splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 1,
        consecutiveGatewayErrors: 2, consecutive5xxErrors: 0, interval: 3s, baseEjectionTime: 4s,
        maxEjectionPercent: 50, minHealthPercent: 60}}`,
      {
        outlierDetection: {
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailures: 1,
          consecutiveGatewayErrors: 2,
          consecutive5xxErrors: 0,
          intervalMs: 3000,
          baseEjectionTimeMs: 4000,
          maxEjectionPercent: 50,
          minHealthPercent: 60,
        },
      },
    ],
    ["{tls: {mode: DISABLE}}", { tls: { mode: "DISABLE" } }],
    [
      "{tls: {mode: ISTIO_MUTUAL, subjectAltNames: ['spiffe://a/b']}}",
      { tls: { mode: "ISTIO_MUTUAL", subjectAltNames: ["spiffe://a/b"] } },
    ],
    ["{tls: {mode: SIMPLE}}", { tls: { mode: "SIMPLE", subjectAltNames: [], trust: { kind: "public" } } }],
    [
      "{tls: {mode: SIMPLE, caCertificates: system, sni: a.b}}",
      { tls: { mode: "SIMPLE", sni: "a.b", subjectAltNames: [], trust: { kind: "public" } } },
    ],
    [
      "{tls: {mode: SIMPLE, insecureSkipVerify: true}}",
      { tls: { mode: "SIMPLE", subjectAltNames: [], trust: { kind: "nobody" } } },
    ],
    [
      "{tls: {mode: MUTUAL, caCertificates: /ca, clientCertificate: /cert, privateKey: /key}}",
      {
        tls: {
          mode: "MUTUAL",
          subjectAltNames: [],
          trust: { kind: "file", path: "/ca" },
          certificate: { chainPath: "/cert", keyPath: "/key" },
        },
      },
    ],
    [
      "{retryBudget: {percent: 12.5, minRetryConcurrency: 1}}",
      { retryBudget: { percent: 12.5, minRetryConcurrency: 1 } },
    ],
    [
      "{portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]}",
      { ports: [{ port: 80, loadBalancer: { algorithm: { kind: "RANDOM" } } }] },
    ],
  ])("%s is read", (policy, expected) => {
    const { value, warnings } = accepted(rule(`{host: b, trafficPolicy: ${policy}}`));
    expect(value).toMatchObject({ policy: { ports: [], ...expected } });
    expect((value as { policy: object }).policy).toEqual({ ports: [], ...expected });
    expect(warnings).toEqual([]);
  });

  test.each([
    ["{loadBalancer: {simple: RANDOM, warmup: {duration: 1s}}}", ["NoEffect spec.trafficPolicy.loadBalancer.warmup"]],
    [
      "{outlierDetection: {consecutiveLocalOriginFailures: 3}}",
      ["NoEffect spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures"],
    ],
    [
      "{retryBudget: {}, connectionPool: {http: {maxRetries: 3}}}",
      ["NoEffect spec.trafficPolicy.connectionPool.http.maxRetries"],
    ],
    [
      "{loadBalancer: {localityLbSetting: {failoverPriority: [version]}}}",
      ["NoEffect spec.trafficPolicy.loadBalancer.localityLbSetting"],
    ],
    [
      "{loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}",
      ["NoEffect spec.trafficPolicy.loadBalancer.localityLbSetting"],
    ],
  ])("%s is accepted with a warning", (policy, warnings) => {
    expect(accepted(rule(`{host: b, trafficPolicy: ${policy}}`)).warnings).toEqual(warnings);
  });

  const lb = "spec.trafficPolicy.loadBalancer";
  const pool = "spec.trafficPolicy.connectionPool";
  const tls = "spec.trafficPolicy.tls";
  test.each([
    ["{tunnel: {targetHost: a, targetPort: 1}}", ["UnsupportedField spec.trafficPolicy.tunnel"]],
    ["{proxyProtocol: {version: V1}}", ["UnsupportedField spec.trafficPolicy.proxyProtocol"]],
    ["{loadBalancer: {simple: FASTEST}}", [`InvalidValue ${lb}.simple`]],
    ["{loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}}", [`Contradiction ${lb}.consistentHash`]],
    ["{loadBalancer: {consistentHash: {}}}", [`InvalidValue ${lb}.consistentHash`]],
    ["{loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: a}}}", [`InvalidValue ${lb}.consistentHash`]],
    ["{loadBalancer: {consistentHash: {useSourceIp: false}}}", [`InvalidValue ${lb}.consistentHash.useSourceIp`]],
    ["{loadBalancer: {consistentHash: {httpHeaderName: 'a b'}}}", [`InvalidName ${lb}.consistentHash.httpHeaderName`]],
    [
      "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}}",
      [`InvalidValue ${lb}.consistentHash.maglev.tableSize`],
    ],
    [
      "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {}, ringHash: {}}}}",
      [`Contradiction ${lb}.consistentHash`],
    ],
    ["{loadBalancer: {warmup: {aggression: 2.0}}}", [`MissingField ${lb}.warmup.duration`]],
    ["{loadBalancer: {warmup: {duration: 1s, aggression: 0.5}}}", [`OutOfRange ${lb}.warmup.aggression`]],
    ["{loadBalancer: {warmup: {duration: 1s, minimumPercent: 101}}}", [`OutOfRange ${lb}.warmup.minimumPercent`]],
    [
      "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 90}}]}}}",
      [`WeightSum ${lb}.localityLbSetting.distribute[0].to`],
    ],
    [
      "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {'*': 100}}], failover: [{from: a, to: b}]}}}",
      [`Contradiction ${lb}.localityLbSetting`],
    ],
    [
      "{loadBalancer: {localityLbSetting: {failover: [{from: a/b, to: c}]}}}",
      [`InvalidValue ${lb}.localityLbSetting.failover[0].from`],
    ],
    [
      "{loadBalancer: {localityLbSetting: {failover: [{from: a, to: a}]}}}",
      [`InvalidValue ${lb}.localityLbSetting.failover[0]`],
    ],
    ["{connectionPool: {tcp: {maxConnections: -1}}}", [`OutOfRange ${pool}.tcp.maxConnections`]],
    ["{connectionPool: {tcp: {connectTimeout: 0s}}}", [`OutOfRange ${pool}.tcp.connectTimeout`]],
    ["{connectionPool: {tcp: {tcpKeepalive: {time: 1500ms}}}}", [`InvalidDuration ${pool}.tcp.tcpKeepalive.time`]],
    [
      "{connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}}",
      [`Contradiction ${pool}.http.h2UpgradePolicy`],
    ],
    ["{connectionPool: {maxConnections: 1}}", [`UnknownField ${pool}.maxConnections`]],
    [
      "{outlierDetection: {consecutiveErrors: 5}}",
      ["UnknownField spec.trafficPolicy.outlierDetection.consecutiveErrors"],
    ],
    [
      "{outlierDetection: {maxEjectionPercent: 101}}",
      ["OutOfRange spec.trafficPolicy.outlierDetection.maxEjectionPercent"],
    ],
    ["{tls: {}}", [`MissingField ${tls}.mode`]],
    ["{tls: {mode: MUTUAL}}", [`MissingField ${tls}.clientCertificate`, `MissingField ${tls}.privateKey`]],
    ["{tls: {mode: SIMPLE, credentialName: x}}", [`UnsupportedField ${tls}.credentialName`]],
    ["{tls: {mode: SIMPLE, caCertificates: ca.pem}}", [`InvalidValue ${tls}.caCertificates`]],
    ["{tls: {mode: SIMPLE, clientCertificate: /a}}", [`Contradiction ${tls}.clientCertificate`]],
    ["{tls: {mode: ISTIO_MUTUAL, sni: a}}", [`Contradiction ${tls}.sni`]],
    [
      "{tls: {mode: SIMPLE, insecureSkipVerify: true, caCertificates: /a}}",
      [`Contradiction ${tls}.insecureSkipVerify`],
    ],
    ["{retryBudget: {percent: 101}}", ["OutOfRange spec.trafficPolicy.retryBudget.percent"]],
    ["{portLevelSettings: [{}]}", ["MissingField spec.trafficPolicy.portLevelSettings[0].port"]],
    [
      "{portLevelSettings: [{port: {number: 80}, retryBudget: {}}]}",
      ["UnknownField spec.trafficPolicy.portLevelSettings[0].retryBudget"],
    ],
    [
      "{portLevelSettings: [{port: {number: 80}}, {port: {number: 80}}]}",
      ["DuplicateName spec.trafficPolicy.portLevelSettings[1].port"],
    ],
  ])("%s is refused", (policy, problems) => {
    expect(refused(rule(`{host: b, trafficPolicy: ${policy}}`))).toEqual(problems);
  });
});

const RING = { kind: "ring" };

function hash(key: object, table: object): object {
  return { loadBalancer: { algorithm: { kind: "consistentHash", key, table } } };
}

test.each([
  ["{}", ["MissingField spec.host"]],
  ["{host: '*example.com'}", ["InvalidHost spec.host"]],
  ["{host: 'a.*.com'}", ["UnsupportedValue spec.host"]],
  ["{host: 10.0.0.1}", ["UnsupportedValue spec.host"]],
  ["{host: Backend}", ["InvalidHost spec.host"]],
  ["{host: b, exportTo: [A]}", ["InvalidName spec.exportTo[0]"]],
  ["{host: b, exportTo: ['~', a]}", ["InvalidValue spec.exportTo"]],
  ["{host: b, workloadSelector: {matchLabels: {a: b}}}", ["UnsupportedField spec.workloadSelector"]],
  ["{host: b, subsets: [{labels: {a: b}}]}", ["MissingField spec.subsets[0].name"]],
  ["{host: b, subsets: [{name: V1}]}", ["InvalidName spec.subsets[0].name"]],
  ["{host: b, subsets: [{name: v1}, {name: v1}]}", ["DuplicateName spec.subsets[1].name"]],
  ["{host: b, subsets: [{name: v1, labels: {version: 1.0}}]}", ["WrongType spec.subsets[0].labels.version"]],
])("%s is refused", (spec, problems) => {
  expect(refused(rule(spec))).toEqual(problems);
});
