import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MeshObject } from "../control-plane/src/model/mesh-object.js";
import type { ResourceType } from "../control-plane/src/model/resource.js";
import { mkPlugin, mkService, mkWorkload, ready } from "./builders.js";
import { createTranslatedMesh, type TranslatedMesh } from "./translated-mesh.js";

/**
 * What a proxy gets depends on its certificate, whatever it claims and asks for: names that it may not have are like
 * names that there are not.
 */

let mesh: TranslatedMesh;

const HTTP = { name: "http", port: 8080, targetPort: 8080, protocol: "http" } as const;
const service = (name: string, over: Parameters<typeof mkService>[1] = {}): MeshObject => ({
  kind: "Service",
  value: mkService(name, over),
});
const workload = (name: string, address: string, namespace = "default"): MeshObject => ({
  kind: "WorkloadEntry",
  value: mkWorkload(name, { address, namespace }),
});

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  mesh.setModules({ "default/guard": ready("guard"), "default/tap": ready("tap") });
  mesh.apply(
    service("frontend", { ports: [{ ...HTTP, port: 9090 }] }),
    service("backend"),
    service("hidden", { namespace: "other", exportTo: ["other"] }),
    service("outside", { namespace: "other" }),
    workload("frontend", "127.0.1.1"),
    workload("backend", "127.0.1.2"),
    workload("bounded", "127.0.1.3"),
    workload("hidden", "127.0.1.4", "other"),
    {
      kind: "WasmPlugin",
      value: mkPlugin("guard", {
        selector: { app: "backend" },
        callouts: [{ name: "c", host: "frontend", port: 9090, protocol: "http" }],
      }),
    },
    { kind: "WasmPlugin", value: mkPlugin("tap", { type: "network", selector: { app: "backend" } }) },
    {
      kind: "Sidecar",
      value: {
        namespace: "default",
        name: "bounded",
        selector: { app: "bounded" },
        egress: [{ namespace: "default", host: { kind: "any" } }],
        outbound: "REGISTRY_ONLY",
      },
    },
  );
});

afterAll(() => mesh?.stop());

const BACKEND = "backend.default.svc.cluster.local";
const HIDDEN = "hidden.other.svc.cluster.local";
const OUTSIDE = "outside.other.svc.cluster.local";

/** Who asks, for what, and what the answer is: a version, nothing, or a cluster without endpoints. */
const ROWS: readonly (readonly [string, ResourceType, string, "has" | "nothing" | "no endpoints"])[] = [
  ["frontend", "listener", "inbound|9090", "has"],
  ["frontend", "listener", "inbound|8080", "nothing"],
  ["backend", "listener", "inbound|8080", "has"],
  ["frontend", "cluster", "inbound|9090||frontend.default.svc.cluster.local", "has"],
  ["frontend", "cluster", `inbound|8080||${BACKEND}`, "nothing"],
  ["frontend", "cluster", `outbound|8080||${BACKEND}`, "has"],
  ["frontend", "endpoints", `outbound|8080||${BACKEND}`, "has"],
  ["frontend", "cluster", `outbound|8080||${OUTSIDE}`, "has"],
  ["frontend", "cluster", `outbound|8080||${HIDDEN}`, "nothing"],
  ["frontend", "endpoints", `outbound|8080||${HIDDEN}`, "no endpoints"],
  ["bounded", "cluster", `outbound|8080||${BACKEND}`, "has"],
  ["bounded", "cluster", `outbound|8080||${OUTSIDE}`, "nothing"],
  ["bounded", "endpoints", `outbound|8080||${OUTSIDE}`, "no endpoints"],
  ["backend", "extension", "weft/in/8080/default", "has"],
  ["frontend", "extension", "weft/in/8080/default", "nothing"],
  ["backend", "extension", "weft/network/default.tap", "has"],
  ["frontend", "extension", "weft/network/default.tap", "nothing"],
  ["frontend", "extension", "default.guard", "nothing"],
  ["backend", "cluster", "callout|default|guard|c", "has"],
  ["frontend", "cluster", "callout|default|guard|c", "nothing"],
  ["frontend", "endpoints", "callout|default|guard|c", "no endpoints"],
  ["frontend", "routes", "outbound|15001", "has"],
  ["frontend", "routes", "outbound|15001 default/bounded", "nothing"],
  ["frontend", "secret", "ROOTCA", "has"],
  ["frontend", "secret", "kubernetes://some-secret", "nothing"],
  ["frontend", "secret", "../../key.pem", "nothing"],
];

describe("a subscription gives a proxy what it may have", () => {
  test.each(ROWS)("%s asks for %s %s: %s", async (who, type, name, expected) => {
    // It says that it is somebody else, which nobody believes.
    const client = await mesh.connect(who, { nodeId: "sidecar~127.0.1.2~backend.default~default.svc.cluster.local" });
    client.request(type, { subscribe: [name] });
    const { versions, removed } = await client.next(type);
    client.close();
    if (expected === "nothing") {
      expect(removed).toEqual([name]);
      expect([...versions]).toEqual([]);
    } else {
      expect([...versions.keys()]).toEqual([name]);
      expect(versions.get(name) === "none").toBe(expected === "no endpoints");
    }
  });
});

test("a wildcard gives a proxy its own listeners and clusters only", async () => {
  const client = await mesh.connect("frontend", { nodeId: "sidecar~127.0.1.2~backend.default~default" });
  client.request("cluster");
  client.request("listener");
  expect([...(await client.next("listener")).versions.keys()].sort()).toEqual(["inbound|9090", "outbound|15001"]);
  const clusters = [...(await client.next("cluster")).versions.keys()].sort();
  expect(clusters).toEqual([
    "inbound|9090||frontend.default.svc.cluster.local",
    `outbound|8080||${BACKEND}`,
    `outbound|8080||${OUTSIDE}`,
    "outbound|9090||frontend.default.svc.cluster.local",
  ]);
  client.close();
});

test("versions that a client claims to have from earlier give it nothing", async () => {
  const client = await mesh.connect("bounded");
  const claimed = {
    [`outbound|8080||${HIDDEN}`]: "1",
    [`outbound|8080||${OUTSIDE}`]: "1",
    "callout|default|guard|c": "1",
  };
  client.request("cluster", { subscribe: ["*"], initialResourceVersions: claimed });
  for (const type of ["listener", "routes", "extension"] as const) client.request(type, { subscribe: ["*"] });
  const seen: string[] = [];
  while (seen.length < 3) seen.push(...(await client.next("cluster")).removed);
  expect(seen.sort()).toEqual(Object.keys(claimed).sort());
  expect([...client.held.keys()].filter((key) => key.includes(".other."))).toEqual([]);
  client.close();
});

test("names beyond the limits end the stream, and nobody else's", async () => {
  const calm = await mesh.connect("frontend");
  const hostile = await mesh.connect("backend");
  const names = Array.from({ length: 9 }, (_, i) => `${i}${"x".repeat(1024 * 1024)}`);
  hostile.request("endpoints", { subscribe: names });
  expect(await hostile.ended).toMatchObject({
    code: 8,
    details: expect.stringContaining("characters of subscribed names"),
  });
  calm.request("cluster");
  expect((await calm.next("cluster")).versions.size).toBeGreaterThan(0);
  calm.close();
});
