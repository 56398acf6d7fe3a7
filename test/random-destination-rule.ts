import type { DestinationRule } from "../control-plane/src/model/destination-rule.js";
import type { LocalityBalancing } from "../control-plane/src/model/locality-balancing.js";
import type { Algorithm, PolicyByPort, TrafficPolicy } from "../control-plane/src/model/traffic-policy.js";
import { mkDestinationRule } from "./builders.js";

type Pick = <T>(list: readonly T[]) => T;

const ALGORITHMS: readonly Algorithm[] = [
  { kind: "ROUND_ROBIN" },
  { kind: "PASSTHROUGH" },
  { kind: "consistentHash", key: { kind: "header", name: "x-user" }, table: { kind: "ring" } },
  { kind: "consistentHash", key: { kind: "sourceIp" }, table: { kind: "maglev" } },
];

const LOCALITIES: readonly LocalityBalancing[] = [
  { kind: "off" },
  { kind: "failover", regions: [{ from: "eu", to: "us" }] },
  { kind: "labels", priority: [{ label: "version" }] },
  { kind: "distribute", rules: [{ from: "eu/*", to: [{ locality: "*", percent: 100 }] }] },
];

function randomPolicy(pick: Pick, random: () => number): TrafficPolicy {
  const some = <T>(value: T): T | undefined => (random() < 0.4 ? value : undefined);
  const parts = {
    loadBalancer: some({
      ...(random() < 0.5 && { algorithm: pick(ALGORITHMS) }),
      ...(random() < 0.5 && { locality: pick(LOCALITIES) }),
    }),
    connectionPool: some({ maxConnections: pick([1, 2]), tcpIdleTimeoutMs: pick([1000, 2000]) }),
    outlierDetection: some({ consecutive5xxErrors: pick([1, 2]) }),
    tls: some(
      pick([
        { mode: "DISABLE" },
        { mode: "ISTIO_MUTUAL", subjectAltNames: [] },
        { mode: "SIMPLE", subjectAltNames: [], trust: { kind: "public" } },
      ] as const),
    ),
    retryBudget: some({ percent: pick([10, 30]) }),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

function randomPolicyByPort(pick: Pick, random: () => number): PolicyByPort {
  const { retryBudget: _, ...own } = randomPolicy(pick, random);
  return { ...randomPolicy(pick, random), ports: random() < 0.3 ? [{ port: pick([8080, 8081]), ...own }] : [] };
}

/** A rule for one of some apps, or for several at once; subsets, policies and who it is for are random. */
export function randomDestinationRule(pick: Pick, random: () => number, apps: readonly string[]): DestinationRule {
  const app = pick(apps);
  const subsets = mkDestinationRule(app, pick([[], ["v1"], ["v1", "v2"]])).subsets;
  return mkDestinationRule(app, [], {
    namespace: pick(["default", "default", "other", "weft-system"]),
    ...(random() < 0.2 && { host: pick(["*.default.svc.cluster.local", "*"]) }),
    ...(random() < 0.5 && { policy: randomPolicyByPort(pick, random) }),
    exportTo: pick([["*"], ["*"], ["default"], ["other"], []]),
    subsets: subsets.map((subset) =>
      random() < 0.3 ? { ...subset, policy: randomPolicyByPort(pick, random) } : subset,
    ),
  });
}
