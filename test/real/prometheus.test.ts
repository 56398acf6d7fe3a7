import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startUpstream, type Upstream } from "../envoy-static.js";
import { prometheusMissing, type RunningPrometheus, startPrometheus } from "./prometheus.js";

const missing = prometheusMissing();

describe.skipIf(missing)(`Prometheus for tests${missing ? ` (skipped: ${missing})` : ""}`, () => {
  let upstream: Upstream;
  let prometheus: RunningPrometheus;
  let shown = 1;

  beforeAll(async () => {
    upstream = await startUpstream((_, response) =>
      response.end(`requests{code="200"} ${shown}\nrequests{code="404"} 2\n`),
    );
    prometheus = await startPrometheus({
      scrapeTargets: [{ job: "mesh", port: upstream.port, path: "/stats", labels: { pod: "a" } }],
    });
  });
  afterAll(async () => {
    await prometheus?.stop();
    await upstream?.stop();
  });

  it("scrapes, and answers queries with labels in a fixed order", async () => {
    await prometheus.scraped();
    const labels = { job: "mesh", pod: "a", instance: `127.0.0.1:${upstream.port}`, __name__: "requests" };
    expect(await prometheus.query("requests")).toEqual([
      { labels: { ...labels, code: "200" }, value: 1 },
      { labels: { ...labels, code: "404" }, value: 2 },
    ]);
    shown = 5;
    await prometheus.scraped();
    expect(await prometheus.query("sum(requests)")).toEqual([{ labels: {}, value: 7 }]);
  });

  it("gives a scalar, infinity, and the error of a wrong expression", async () => {
    expect(await prometheus.query("scalar(vector(3))")).toEqual([{ labels: {}, value: 3 }]);
    expect(await prometheus.query("vector(-1/0)")).toEqual([{ labels: {}, value: -Infinity }]);
    await expect(prometheus.query("sum(")).rejects.toThrow("unclosed left parenthesis");
  });
});
