import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { CERTIFICATE_ANSWERS, type CertificateAnswer } from "../identity/kubernetes/answer.js";
import { RESOURCE_TYPES, type ResourceType } from "../model/resource.js";
import type { Propagated } from "../status/propagation.js";
import { type MetricSources, observedSeries } from "./observed-series.js";

/** What the control plane counts of itself, in the form that Prometheus reads. No series is named by a proxy or an object. */
export interface ControlPlaneMetrics {
  /** A change reached all proxies that it is for. */
  propagated(done: readonly Propagated[]): void;
  /** One proxy has answered for all that a change brought it, so long after the change was known. */
  pushed(tookMs: number): void;
  acked(type: ResourceType): void;
  nacked(type: ResourceType): void;
  /** A pod has asked for a certificate and has its answer. */
  answered(answer: CertificateAnswer): void;
  /** What gauges are read from, at each scrape. Until then there are none. */
  observe(sources: MetricSources): void;
  readonly contentType: string;
  /** All of it in the text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
  text(): Promise<string>;
}

/** From one proxy on the same machine to a mesh that is loaded far beyond what it should be. Seconds. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** @param version of the control plane */
export function createControlPlaneMetrics(version: string): ControlPlaneMetrics {
  const registry = new Registry();
  const registers = [registry];
  // Under the names that dashboards of Node's programs know: process_* and nodejs_*, the event loop's lag among them.
  collectDefaultMetrics({ register: registry });

  new Gauge({
    name: "weft_build_info",
    help: "Which control plane this is; the value is always 1",
    labelNames: ["version", "node_version"],
    registers,
  }).set({ version, node_version: process.versions.node }, 1);
  const acks = new Counter({
    name: "weft_xds_acks_total",
    help: "Responses that proxies accepted",
    labelNames: ["type"],
    registers,
  });
  const nacks = new Counter({
    name: "weft_xds_nacks_total",
    help: "Responses that proxies refused",
    labelNames: ["type"],
    registers,
  });
  // A counter that begins with its first event hides it from rate().
  for (const counter of [acks, nacks]) for (const type of RESOURCE_TYPES) counter.inc({ type }, 0);
  const answers = new Counter({
    name: "weft_pod_certificate_requests_total",
    help: "Requests of pods for a certificate that this replica answered as the leader",
    labelNames: ["answer"],
    registers,
  });
  for (const answer of CERTIFICATE_ANSWERS) answers.inc({ answer: answer.toLowerCase() }, 0);
  const push = new Histogram({
    name: "weft_push_duration_seconds",
    help: "From a change until one proxy has answered for all that it brought",
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const propagation = new Histogram({
    name: "weft_propagation_duration_seconds",
    help: "From a change until the last proxy that it is for has answered",
    buckets: LATENCY_BUCKETS,
    registers,
  });

  let sources: MetricSources | undefined;
  const gauges = new Map<string, Gauge>();
  /** Series of what is no more must go, and not stay at their last value. */
  const observe = () => {
    if (sources === undefined) return;
    for (const { name, help, labelNames, samples } of observedSeries(sources)) {
      const gauge = gauges.get(name) ?? new Gauge({ name, help, labelNames: [...labelNames], registers });
      gauges.set(name, gauge);
      gauge.reset();
      for (const { labels, value } of samples) gauge.set(labels, value);
    }
  };
  let rendering: Promise<string> | undefined;
  return {
    propagated(done) {
      for (const { tookMs } of done) propagation.observe(tookMs / 1000);
    },
    pushed: (tookMs) => push.observe(tookMs / 1000),
    acked: (type) => acks.inc({ type }),
    nacked: (type) => nacks.inc({ type }),
    answered: (answer) => answers.inc({ answer: answer.toLowerCase() }),
    observe(given) {
      sources = given;
    },
    contentType: registry.contentType,
    text() {
      // Whoever asks while an answer is made shares it.
      rendering ??= Promise.resolve()
        .then(observe)
        .then(() => registry.metrics())
        .finally(() => {
          rendering = undefined;
        });
      return rendering;
    },
  };
}
