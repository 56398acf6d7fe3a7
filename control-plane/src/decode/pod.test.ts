import { describe, expect, it } from "vitest";
import type { Pod } from "../model/pod.js";
import { decodeObject } from "./decode.js";

const SIDECAR = { name: "weft-proxy", ports: [{ name: "http", containerPort: 15090 }] };
const INJECTED = { "weft.mesh/status": JSON.stringify({ version: 1, capturesDns: true }) };

function podOf(over: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  const raw = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "shop", uid: "u1", labels: { app: "web" }, ...over.metadata },
    spec: {
      nodeName: "n1",
      serviceAccountName: "web",
      containers: [{ name: "app", ports: [{ name: "http", containerPort: 8080 }, { containerPort: 9090 }] }],
      ...over.spec,
    },
    status: { phase: "Running", podIP: "10.0.0.7", ...over.status },
    fieldOfTomorrow: { a: 1 },
  };
  const result = decodeObject(raw);
  if (!result.ok || result.object.kind !== "Pod") throw new Error(JSON.stringify(result));
  expect(result.warnings).toEqual([]);
  return result.object.value;
}

it("a Pod is a workload without a sidecar, where nobody put one into it", () => {
  expect(podOf()).toEqual({
    namespace: "shop",
    name: "web-1",
    node: "n1",
    workload: {
      namespace: "shop",
      name: "web-1",
      uid: "u1",
      address: "10.0.0.7",
      labels: { app: "web" },
      serviceAccount: "web",
      ports: {},
      weight: 1,
      hasSidecar: false,
      interception: "redirect",
      capturesDns: false,
      pod: { ports: { http: 8080 }, node: "n1" },
    },
  });
});

describe("its sidecar", () => {
  const injected = { metadata: { annotations: INJECTED }, spec: { initContainers: [SIDECAR], containers: [] } };

  it("is known by the annotation and the container together", () => {
    expect(podOf(injected).workload).toMatchObject({ hasSidecar: true, interception: "redirect", capturesDns: true });
    expect(podOf({ ...injected, spec: { containers: [SIDECAR] } }).workload).toMatchObject({ hasSidecar: true });
  });

  it.each<[string, Parameters<typeof podOf>[0]]>([
    ["only the annotation", { metadata: { annotations: INJECTED } }],
    ["only the container", { spec: { initContainers: [SIDECAR] } }],
    ["the node's network", { ...injected, spec: { ...injected.spec, hostNetwork: true } }],
  ])("is none with %s", (_, over) => expect(podOf(over).workload).toMatchObject({ hasSidecar: false }));

  it("is there also when the annotation is no JSON", () => {
    const metadata = { annotations: { "weft.mesh/status": "{" } };
    expect(podOf({ ...injected, metadata }).workload).toMatchObject({ hasSidecar: true, capturesDns: false });
  });

  it("has ports that are none of the app's", () => {
    expect(podOf(injected).workload?.pod?.ports).toEqual({});
  });
});

it.each<[string, Parameters<typeof podOf>[0], boolean]>([
  ["that runs", {}, true],
  ["that starts and has an address", { status: { phase: "Pending" } }, true],
  ["that is about to end", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, true],
  ["without an address yet", { status: { phase: "Pending", podIP: undefined } }, false],
  ["with an address that is none", { status: { podIP: "nowhere" } }, false],
  ["that has succeeded", { status: { phase: "Succeeded" } }, false],
  ["that has failed", { status: { phase: "Failed" } }, false],
])("a Pod %s: a workload is %s", (_, over, expected) => expect(podOf(over).workload !== undefined).toBe(expected));

it("says of a part that is of another form than it knows nothing", () => {
  const spec = { containers: "x", initContainers: [1, { ports: "x" }], nodeName: 3, serviceAccountName: null };
  expect(podOf({ spec, status: { podIP: "fd00::1" } })).toMatchObject({
    node: "",
    workload: { address: "fd00::1", serviceAccount: "default", pod: { ports: {}, node: "" } },
  });
});

it("where no cluster is, a Pod is of a kind that nobody reads", () => {
  const result = decodeObject({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }, { standalone: true });
  expect(result).toMatchObject({ ok: false, diagnostics: [{ severity: "warning", reason: "UnsupportedKind" }] });
});

it.each([
  [{ "topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1" }, "eu/eu-1"],
  [{ "topology.kubernetes.io/region": "eu" }, "eu"],
  [{ "topology.kubernetes.io/zone": "eu-1" }, undefined],
  [{}, undefined],
])("a Node with the labels %j is at %s", (labels, locality) => {
  const result = decodeObject({ apiVersion: "v1", kind: "Node", metadata: { name: "n1", labels } });
  expect(result).toMatchObject({ ok: true, ref: { kind: "Node", namespace: "", name: "n1" } });
  expect(result.ok && result.object.kind === "Node" && result.object.value.locality).toBe(locality);
});
