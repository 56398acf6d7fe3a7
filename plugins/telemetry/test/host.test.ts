import { load } from "@weft/sdk/host";
import { beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";

/* A proxy that is not the mesh's: what is known comes from certificates, the node and the cluster's name. */
const OUTBOUND = {
  xds: {
    listener_direction: 2n,
    cluster_name: "outbound|80|v1|b.stock.svc.cluster.local",
    node: { id: "sidecar~127.0.0.1~f-1.shop~shop.svc.cluster.local" },
  },
  upstream: {
    uri_san_peer_certificate: "spiffe://t/ns/stock/sa/b",
    uri_san_local_certificate: "spiffe://t/ns/shop/sa/f",
  },
};
const SERIES =
  ";reporter=source;source_workload=f-1;source_workload_namespace=shop;source_principal=spiffe://t/ns/shop/sa/f" +
  ";source_app=unknown;source_version=unknown;source_canonical_service=unknown;source_canonical_revision=unknown" +
  ";destination_workload=b;destination_workload_namespace=stock;destination_principal=spiffe://t/ns/stock/sa/b" +
  ";destination_app=unknown;destination_version=unknown;destination_canonical_service=unknown" +
  ";destination_canonical_revision=unknown;destination_service=b.stock.svc.cluster.local;destination_service_name=b" +
  ";destination_service_namespace=stock" +
  ";request_protocol=http;response_code=200;response_flags=-;connection_security_policy=unknown";

let wasm: Uint8Array;
beforeAll(async () => {
  ({ wasm } = await buildPlugin("telemetry"));
});

const start = (config: object, properties: object = OUTBOUND) =>
  load(wasm, { rootId: "telemetry", config, properties: properties as never });

test("a stream adds to its series, and defines a metric only once", async () => {
  const host = await start({});
  for (let i = 0; i < 3; i++) await host.request({ path: "/" });
  expect(host.metrics.value(`istio_requests_total${SERIES}`)).toBe(3n);
  host.close();
});

test("what is not counted or shown is left out", async () => {
  const host = await start({ metrics: ["istio_requests_total"], omitLabels: ["response_flags", "source_app"] });
  await host.request({ path: "/" });
  const name = SERIES.replace(";response_flags=-", "").replace(";source_app=unknown", "");
  expect(host.metrics.value(`istio_requests_total${name}`)).toBe(1n);
  expect(host.metrics.value(`istio_request_bytes${name}`)).toBeUndefined();
  host.close();
});

test("operations are a label of the series", async () => {
  const host = await start({ operations: [{ name: "read", pathPrefix: "/items", method: "GET" }] });
  await host.request({ path: "/items/1" });
  await host.request({ path: "/other" });
  const name = (operation: string) =>
    `istio_requests_total${SERIES.replace(";response_code", `;request_operation=${operation};response_code`)}`;
  expect(host.metrics.value(name("read"))).toBe(1n);
  expect(host.metrics.value(name("unknown"))).toBe(1n);
  host.close();
});

test("beyond maxSeries all share one, and are counted", async () => {
  const host = await start({ maxSeries: 2 });
  for (const status of [200, 201, 202, 203, 200]) await host.request({ path: "/" }, () => ({ status }));
  const other = SERIES.replaceAll(/=[^;]*/g, "=other").replace("reporter=other", "reporter=source");
  expect(host.metrics.value(`istio_requests_total${SERIES}`)).toBe(2n);
  expect(host.metrics.value(`istio_requests_total${other}`)).toBe(2n);
  expect(host.metrics.value("weft_telemetry_series_overflow_total")).toBe(2n);
  host.close();
});

test("labels of the user's are limited too", async () => {
  const host = await start({ metrics: [], labels: [{ name: "tier", requestHeader: "x-tier", maxValues: 2 }] });
  for (const tier of ["a", "b", "c", "a", "d"]) await host.request({ path: "/", headers: { "x-tier": tier } });
  expect(host.metrics.value("weft_telemetry_label_overflow_total")).toBe(2n);
  host.close();
});

test.each<[config: object, reason: RegExp]>([
  [{ metrics: ["istio_requests"] }, /metrics: istio_requests is none of istio_requests_total/],
  [{ omitLabels: ["tier"] }, /omitLabels: tier is no standard label/],
  [{ filterState: ["tier"] }, /filterState: tier is no standard label/],
  [{ labels: [{ name: "a-b", value: "x" }] }, /name/],
  [{ labels: [{ name: "a" }] }, /label a has 0 of requestHeader, responseHeader, value and paths; it must have one/],
  [{ labels: [{ name: "a", value: "x", requestHeader: "y" }] }, /label a has 2 of/],
  [{ labels: [{ name: "a", paths: ["x"] }] }, /label a: the template x must begin with \//],
  [{ operations: [{ name: "a;b" }] }, /name/],
  [{ maxSeries: 0 }, /maxSeries/],
])("the configuration %j is refused", async (config, reason) => {
  await expect(start(config)).rejects.toThrow(reason);
});
