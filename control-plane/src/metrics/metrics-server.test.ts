import { afterEach, expect, it } from "vitest";
import { createControlPlaneMetrics } from "./control-plane-metrics.js";
import { type MetricsServer, serveMetrics } from "./metrics-server.js";

let server: MetricsServer | undefined;
afterEach(() => server?.close());

async function serve(problem: () => string | undefined): Promise<string> {
  server = await serveMetrics({
    host: "127.0.0.1",
    port: 0,
    metrics: createControlPlaneMetrics("0"),
    checks: [
      { name: "sources", problem },
      { name: "xds", problem: () => undefined },
    ],
  });
  return `http://${server.address}`;
}

it("says which check is not met, until it is", async () => {
  let problem: string | undefined = "not all is read yet";
  const url = await serve(() => problem);
  const early = await fetch(`${url}/readyz`);
  expect([early.status, await early.text()]).toEqual([503, "no sources: not all is read yet\nok xds\n"]);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  problem = undefined;
  const late = await fetch(`${url}/readyz?verbose`);
  expect([late.status, await late.text()]).toEqual([200, "ok sources\nok xds\n"]);
});

it.each([
  ["GET", "/", 404],
  ["GET", "/status", 404],
  ["GET", "/identity", 404],
  ["GET", "/constructor", 404],
  ["POST", "/metrics", 405],
  ["POST", "/rollouts/abort", 404],
  ["DELETE", "/healthz", 405],
  ["HEAD", "/healthz", 200],
])("answers %s %s with %d", async (method, path, status) => {
  const url = await serve(() => undefined);
  expect((await fetch(`${url}${path}`, { method })).status).toBe(status);
});

it("shows a counter from its beginning, and each event in seconds", async () => {
  const metrics = createControlPlaneMetrics("1.2.3");
  expect(await metrics.text()).toContain('weft_xds_nacks_total{type="cluster"} 0');
  metrics.nacked("cluster");
  metrics.pushed(20);
  metrics.propagated([{ cause: "", proxies: 1, rejected: 0, tookMs: 2000 }]);
  const text = await metrics.text();
  expect(text).toContain('weft_xds_nacks_total{type="cluster"} 1');
  expect(text).toContain("weft_push_duration_seconds_sum 0.02");
  expect(text).toContain('weft_push_duration_seconds_bucket{le="0.025"} 1');
  expect(text).toContain("weft_propagation_duration_seconds_sum 2");
  expect(text).toContain('weft_build_info{version="1.2.3"');
  expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
});
