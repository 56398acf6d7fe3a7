import { expect, it } from "vitest";
import { healthOf, parseStats } from "./health-stats.js";

const SITE = {
  filterName: "default.hello",
  managers: ["inbound_8080", "outbound_15001"],
  failureSeries: ["hello_failures_total", "late_failures_total"],
};

it("picks what tells of one plugin, where it stands", () => {
  const stats = parseStats(
    JSON.stringify({
      stats: [
        { name: "http.inbound_8080.downstream_rq_completed", value: 10 },
        { name: "http.inbound_8080.downstream_rq_5xx", value: 1 },
        { name: "http.outbound_15001.downstream_rq_completed", value: 20 },
        { name: "http.outbound_15001.downstream_rq_5xx", value: 2 },
        { name: "http.inbound_9090.downstream_rq_completed", value: 400 },
        { name: "wasm.default.hello.vm_reload_success", value: 3 },
        { name: "wasm.default.hello.vm_reload_backoff", value: 4 },
        { name: "wasm.default.hello.vm_reload_failure", value: 5 },
        { name: "wasm.default.hello-two.vm_reload_success", value: 100 },
        { name: "wasmcustom.hello_failures_total", value: 6 },
        { name: "wasmcustom.hello_failures_total;reason=timeout", value: 7 },
        { name: "wasmcustom.late_failures_total.reason.no.such.host", value: 8 },
        { name: "wasmcustom.hello_failures_total_failures_total", value: 100 },
        { name: "wasmcustom.other_failures_total", value: 100 },
        { name: "wasmcustom.hello", value: 100 },
        { histograms: {} },
      ],
    }),
  );
  expect(stats && healthOf(stats, SITE)).toEqual({ requests: 30, errors: 3, vmFailures: 12, pluginFailures: 21 });
});

it("counts nothing where Envoy has counted nothing", () => {
  expect(healthOf(new Map(), SITE)).toEqual({ requests: 0, errors: 0, vmFailures: 0, pluginFailures: 0 });
});

it.each(["", "{", "[]", "null", '{"stats": {}}', "cluster_manager.cds: 1"])("finds no stats in %j", (text) => {
  expect(parseStats(text)).toBeUndefined();
});
