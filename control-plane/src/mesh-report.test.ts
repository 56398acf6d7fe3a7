import { expect, it } from "vitest";
import { type MeshReportInput, meshReport } from "./mesh-report.js";
import type { ProxyStatus } from "./proxy-status.js";

const stream = (proxy: string, nodeId = "node"): ProxyStatus => ({
  proxy,
  nodeId,
  protocol: "incremental",
  connectedAt: "2024-01-01T00:00:00.000Z",
  inSync: true,
  bytesSent: 0,
  responsesSent: 0,
  types: [],
});
const input = (over: Partial<MeshReportInput>): MeshReportInput => ({
  controlPlane: { pid: 1, xds: "127.0.0.1:15012", startedAtMs: 0 },
  streams: [],
  workloads: new Map(),
  goneAtMs: new Map(),
  handovers: [],
  identity: { workloads: [], warnings: [] },
  ...over,
});

it("counts the newest stream of each proxy, in the order of their names", () => {
  const { proxies } = meshReport(input({ streams: [stream("b"), stream("a", "old"), stream("a", "new")] }));
  expect(proxies.map(({ proxy, nodeId }) => [proxy, nodeId])).toEqual([
    ["a", "new"],
    ["b", "node"],
  ]);
});

it("says who should have a proxy and has none, and since when", () => {
  const workloads = new Map([
    ["came", { hasSidecar: true }],
    ["left", { hasSidecar: true }],
    ["never", { hasSidecar: true }],
    ["plain", { hasSidecar: false }],
  ]);
  const goneAtMs = new Map([
    ["left", 7],
    ["came", 5],
  ]);
  const { absent } = meshReport(input({ streams: [stream("came")], workloads, goneAtMs }));
  expect(absent).toEqual([{ proxy: "left", goneAtMs: 7 }, { proxy: "never" }]);
});

it("tells the end of a proxy's newest certificate, and what is wrong with certificates", () => {
  const signed = { workload: "a", root: "r", isConnected: true };
  const warnings = [{ severity: "warning", certificate: "a", message: "ends", hint: "see" }] as const;
  const workloads = [
    { ...signed, notAfterMs: 9 },
    { ...signed, notAfterMs: 7 },
  ];
  const report = meshReport(input({ streams: [stream("a"), stream("b")], identity: { workloads, warnings } }));
  expect(report.proxies.map(({ certificateEndsMs }) => certificateEndsMs)).toEqual([9, undefined]);
  expect(report.warnings).toEqual(warnings);
});
