import { describe, expect, it } from "vitest";
import type { ReportedCertificate } from "../identity/identity-report.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type MetricSources, observedSeries } from "./observed-series.js";

const SOURCES: MetricSources = {
  streams: () => [],
  objects: () => [],
  diagnostics: () => [],
  modules: () => new Map(),
  rollouts: () => [],
  identity: () => ({
    trustDomain: "cluster.local",
    rotation: { phase: "none", obstacles: [] },
    authorities: [],
    controlPlane: [],
    workloads: [],
    warnings: [],
  }),
  isLeader: () => false,
};

/** The samples of one series, as `label value` by value. */
function samples(name: string, over: Partial<MetricSources> = {}): Readonly<Record<string, number>> {
  const series = observedSeries({ ...SOURCES, ...over }).find((one) => one.name === name);
  return Object.fromEntries((series?.samples ?? []).map(({ labels, value }) => [Object.values(labels).join(), value]));
}

describe("the gauges", () => {
  it("count a proxy once, however many streams it has", () => {
    const streams = () => [
      { proxyKey: "default/a", protocol: "incremental" as const },
      { proxyKey: "default/a", protocol: "incremental" as const },
      { proxyKey: "default/b", protocol: "state-of-the-world" as const },
    ];
    expect(samples("weft_connected_proxies", { streams })).toEqual({ "": 2 });
    expect(samples("weft_xds_streams", { streams })).toEqual({ incremental: 2, "state-of-the-world": 1 });
  });

  it("count an object with errors once, by its kind, and not one with warnings", () => {
    const problem = (severity: Diagnostic["severity"], kind: string, name: string): Diagnostic => ({
      severity,
      reason: "X",
      object: { kind, namespace: "default", name },
      message: "",
      hint: "",
    });
    const diagnostics = () => [
      problem("error", "VirtualService", "a"),
      problem("error", "VirtualService", "a"),
      problem("error", "WasmPlugin", "a"),
      problem("warning", "Service", "a"),
      { severity: "error" as const, reason: "Y", file: "mesh.yaml", message: "", hint: "" },
    ];
    expect(samples("weft_rejected_objects", { diagnostics })).toEqual({ VirtualService: 1, WasmPlugin: 1 });
    expect(samples("weft_diagnostics", { diagnostics })).toEqual({ error: 4, warning: 1 });
  });

  it("tell every state of plugins and rollouts, also those that none is in", () => {
    expect(samples("weft_plugins")).toEqual({ pending: 0, ready: 0, failed: 0 });
    expect(samples("weft_plugin_rollouts", { rollouts: () => [{ state: "RolledBack" }] })).toEqual({
      progressing: 0,
      paused: 0,
      completed: 0,
      rolled_back: 1,
      aborted: 0,
    });
  });

  it("tell of each role the end that comes first; a retiring root and a renewed certificate do not count", () => {
    const certificate = (role: ReportedCertificate["role"], notAfterMs: number, state?: ReportedCertificate["state"]) =>
      ({ role, notAfterMs, notBeforeMs: 0, name: "", fingerprint: "", ...(state && { state }) }) as ReportedCertificate;
    const workload = (name: string, notAfterMs: number) => ({
      workload: name,
      root: "r",
      notAfterMs,
      isConnected: true,
    });
    const report = {
      ...SOURCES.identity(),
      authorities: [
        certificate("root", 9000, "signing"),
        certificate("intermediate", 8000, "signing"),
        certificate("root", 7000, "next"),
        certificate("root", 1000, "retiring"),
      ],
      controlPlane: [certificate("leaf", 5000), certificate("intermediate", 6000)],
      workloads: [workload("a", 2000), workload("a", 4000), workload("b", 4500)],
    };
    expect(samples("weft_certificate_expiration_timestamp_seconds", { identity: () => report })).toEqual({
      root: 7,
      intermediate: 6,
      control_plane: 5,
      workload: 4,
    });
  });
});
