import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployment, service } from "./support/app.js";
import { apply, get, kubectl, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh } from "./support/mesh.js";

const NAMESPACE = "jobs";

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await apply(...deployment({ namespace: NAMESPACE, name: "server" }), service(NAMESPACE, "server"));
  await rolledOut(NAMESPACE, "deployment/server");
});
afterAll(() => removeNamespace(NAMESPACE));

describe("a Job in the mesh", () => {
  it("reaches a Service from its first moment on, and completes although its sidecar never ends by itself", async () => {
    const url = `http://server.${NAMESPACE}.svc.cluster.local/`;
    const container = { name: "app", image: "weft-test/app:1", args: ["/app/load.mjs", url, "10"] };
    await apply({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "load", namespace: NAMESPACE },
      spec: { backoffLimit: 0, template: { spec: { restartPolicy: "Never", containers: [container] } } },
    });
    await kubectl("wait", "-n", NAMESPACE, "job/load", "--for=condition=Complete", "--timeout=120s");
    expect(JSON.parse(await kubectl("logs", "-n", NAMESPACE, "job/load", "-c", "app"))).toEqual({ "200 server": 10 });
    const [pod] = (await get("pods", "-n", NAMESPACE, "-l", "job-name=load")).items;
    expect(pod.spec.initContainers.map(({ name }: { name: string }) => name)).toContain("weft-proxy");
    expect(pod.status.phase).toBe("Succeeded");
  });
});
