import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployment } from "./support/app.js";
import { apply, get, helm, kubectl, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh, RELEASE, ROOT_NAMESPACE } from "./support/mesh.js";

const NAMESPACE = "uninstall";

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
});
afterAll(() => removeNamespace(NAMESPACE));

describe("helm uninstall", () => {
  it("stops nobody from making pods, and leaves nothing of the mesh but what it says", async () => {
    await helm("uninstall", RELEASE, "-n", ROOT_NAMESPACE, "--wait", "--timeout=120s");
    for (const kind of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "clusterroles"]) {
      const { items } = await get(kind);
      const ours = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
      expect([kind, ours.filter((name: string) => name.startsWith("weft"))]).toEqual([kind, []]);
    }
    expect(
      (await get("deployments,services,configmaps", "-n", ROOT_NAMESPACE, "-l", "app.kubernetes.io/part-of=weft"))
        .items,
    ).toEqual([]);
    await apply(...deployment({ namespace: NAMESPACE, name: "app" }));
    await rolledOut(NAMESPACE, "deployment/app");
    const [pod] = (await get("pods", "-n", NAMESPACE)).items;
    expect(pod.spec.initContainers ?? []).toEqual([]);
    await kubectl("get", "crd", "wasmplugins.weft.mesh");
  });

  it("is no farewell: what is installed again works", async () => {
    await installMesh();
    await kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/app");
    await rolledOut(NAMESPACE, "deployment/app");
    const { items } = await get("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running");
    const sidecars = items.flatMap((pod: { spec: { initContainers?: { name: string }[] } }) => pod.spec.initContainers);
    expect(sidecars.map((container: { name: string } | undefined) => container?.name)).toContain("weft-proxy");
  });
});
