import { expect, it } from "vitest";
import type { EndpointSlice } from "../model/endpoint-slice.js";
import { decodeObject } from "./decode.js";

function sliceOf(over: object = {}): EndpointSlice {
  const raw = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-x", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    ...over,
  };
  const result = decodeObject(raw);
  if (!result.ok || result.object.kind !== "EndpointSlice") throw new Error(JSON.stringify(result));
  expect(result.warnings).toEqual([]);
  return result.object.value;
}

const endpoint = (over: object = {}) => ({
  addresses: ["10.0.0.7"],
  conditions: { ready: true, serving: true, terminating: false },
  targetRef: { kind: "Pod", namespace: "shop", name: "web-1" },
  nodeName: "n1",
  zone: "z1",
  ...over,
});

it("tells the Service, the ports by name, and who answers", () => {
  expect(sliceOf({ endpoints: [endpoint()] })).toEqual({
    namespace: "shop",
    name: "web-x",
    host: "web.shop.svc.cluster.local",
    family: "IPv4",
    ports: { http: 8080 },
    endpoints: [{ address: "10.0.0.7", isLeaving: false, pod: "shop/web-1" }],
  });
});

it.each<[string, object | undefined, "ready" | "leaving" | "out"]>([
  ["nothing said", {}, "ready"],
  ["no conditions", undefined, "ready"],
  ["ready", { ready: true }, "ready"],
  [
    "ready though it ends, as publishNotReadyAddresses wants it",
    { ready: true, serving: true, terminating: true },
    "ready",
  ],
  ["not ready", { ready: false, serving: false, terminating: false }, "out"],
  ["ending, and still answering", { ready: false, serving: true, terminating: true }, "leaving"],
  ["ending, and deaf", { ready: false, serving: false, terminating: true }, "out"],
])("an endpoint with %s", (_, conditions, expected) => {
  const [found] = sliceOf({ endpoints: [endpoint({ conditions })] }).endpoints;
  expect(found === undefined ? "out" : found.isLeaving ? "leaving" : "ready").toBe(expected);
});

it.each<[string, object, object]>([
  [
    "an endpoint that is no pod",
    { endpoints: [endpoint({ targetRef: undefined })] },
    { endpoints: [{ address: "10.0.0.7" }] },
  ],
  ["an endpoint without an address", { endpoints: [endpoint({ addresses: [] })] }, { endpoints: [] }],
  [
    "names in the place of addresses",
    { addressType: "FQDN", endpoints: [endpoint({ addresses: ["a.b"] })] },
    { endpoints: [] },
  ],
  [
    "IPv6",
    { addressType: "IPv6", endpoints: [endpoint({ addresses: ["fd00::7"] })] },
    { family: "IPv6", endpoints: [{ address: "fd00::7" }] },
  ],
  [
    "a port of UDP, and one without a name",
    { ports: [{ name: "dns", port: 53, protocol: "UDP" }, { port: 80 }] },
    { ports: { "": 80 } },
  ],
  ["lists that are none", { ports: null, endpoints: "x" }, { ports: {}, endpoints: [] }],
  ["no Service", { metadata: { name: "a", namespace: "shop" } }, { host: "" }],
])("a slice with %s", (_, over, expected) => expect(sliceOf(over)).toMatchObject(expected));
