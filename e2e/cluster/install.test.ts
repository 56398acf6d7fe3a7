import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployment, service } from "./support/app.js";
import { apply, createNamespace, get, kubectl, load, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh, ROOT_NAMESPACE } from "./support/mesh.js";

const NAMESPACE = "install";
const PLAIN = "install-plain";

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await createNamespace(PLAIN);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server" }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
    ...deployment({ namespace: PLAIN, name: "client" }),
    ...deployment({ namespace: PLAIN, name: "server" }),
    service(PLAIN, "server"),
  );
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
  await rolledOut(PLAIN, "deployment/server", "deployment/client");
});
afterAll(async () => {
  await removeNamespace(NAMESPACE);
  await removeNamespace(PLAIN);
});

const podsOf = async (namespace: string) => (await get("pods", "-n", namespace)).items;
const sidecarsOf = (pod: { spec: { initContainers?: { name: string }[] } }) =>
  (pod.spec.initContainers ?? []).map(({ name }) => name);

describe("a mesh that helm installed", () => {
  it("is ready, and says so", async () => {
    const { status } = await get("-n", ROOT_NAMESPACE, "deployment", "weft-control-plane");
    expect(status.readyReplicas).toBe(status.replicas);
  });

  it("gives sidecars to pods of namespaces that take part, and to no others", async () => {
    for (const pod of await podsOf(NAMESPACE)) {
      expect(sidecarsOf(pod)).toEqual(expect.arrayContaining(["weft-init", "weft-proxy"]));
      expect(pod.metadata.annotations["weft.mesh/status"]).toBeDefined();
    }
    for (const pod of await podsOf(PLAIN)) expect(sidecarsOf(pod)).toEqual([]);
  });

  it("had the kubelet ask for each sidecar's certificate, and signed it", async () => {
    const { items } = await get("podcertificaterequests", "-n", NAMESPACE);
    expect(items.length).toBeGreaterThanOrEqual(2);
    for (const { spec, status } of items) {
      expect(spec.signerName).toBe("weft.mesh/workload");
      expect(status.conditions.map(({ type }: { type: string }) => type)).toEqual(["Issued"]);
    }
  });

  it("lets pods reach each other with and without sidecars, in all directions", async () => {
    for (const from of [NAMESPACE, PLAIN])
      for (const to of [NAMESPACE, PLAIN]) {
        const url = `http://server.${to}.svc.cluster.local/`;
        expect([from, to, await load(from, "deployment/client", { url, count: 5 })]).toEqual([
          from,
          to,
          { "200 server": 5 },
        ]);
      }
  });

  it("runs nothing beside the app but Envoy", async () => {
    const [pod] = await podsOf(NAMESPACE);
    expect(pod.spec.containers.map(({ name }: { name: string }) => name)).toEqual(["app"]);
    const proxy = pod.spec.initContainers.find(({ name }: { name: string }) => name === "weft-proxy");
    expect([proxy.image, proxy.restartPolicy]).toEqual(["envoyproxy/envoy:v1.40.0", "Always"]);
    await kubectl("wait", "-n", NAMESPACE, `pod/${pod.metadata.name}`, "--for=condition=Ready", "--timeout=60s");
  });
});
