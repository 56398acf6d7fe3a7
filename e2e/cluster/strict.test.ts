import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.js";
import { deployment, service } from "./support/app.js";
import { apply, createNamespace, doIn, get, kubectl, load, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh } from "./support/mesh.js";

const NAMESPACE = "strict";
const PLAIN = "strict-plain";
const url = `http://server.${NAMESPACE}.svc.cluster.local/`;

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await createNamespace(PLAIN);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server" }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
    ...deployment({ namespace: PLAIN, name: "client" }),
  );
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
  await rolledOut(PLAIN, "deployment/client");
});
afterAll(async () => {
  await removeNamespace(NAMESPACE);
  await removeNamespace(PLAIN);
});

describe("STRICT", () => {
  it("is not needed for mTLS: two sidecars speak it to each other at once", async () => {
    const { body } = await doIn(NAMESPACE, "deployment/client", "request", {
      host: `server.${NAMESPACE}.svc.cluster.local`,
      port: 80,
    });
    const caller = `spiffe://cluster.local/ns/${NAMESPACE}/sa/client`;
    expect(JSON.parse(body).headers["x-forwarded-client-cert"]).toContain(caller);
    expect(await load(PLAIN, "deployment/client", { url, count: 3 })).toEqual({ "200 server": 3 });
  });

  it("refuses plaintext, and lets sidecars through", async () => {
    await apply({
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: NAMESPACE },
      spec: { mtls: { mode: "STRICT" } },
    });
    await waitFor("plaintext to be refused", async () => {
      const answers = await load(PLAIN, "deployment/client", { url, count: 1 });
      return "200 server" in answers ? undefined : true;
    });
    expect(await load(PLAIN, "deployment/client", { url, count: 5 })).toEqual({ ECONNRESET: 5 });
    expect(await load(NAMESPACE, "deployment/client", { url, count: 20 })).toEqual({ "200 server": 20 });
  });

  it("does not stand in the way of the kubelet: probes go on", async () => {
    const [before] = (await get("pods", "-n", NAMESPACE, "-l", "app=server")).items;
    // A new pod becomes ready by its probe alone.
    await kubectl("delete", "pod", "-n", NAMESPACE, before.metadata.name);
    await rolledOut(NAMESPACE, "deployment/server");
    const pods = (await get("pods", "-n", NAMESPACE, "-l", "app=server")).items;
    const ready = pods.flatMap((pod: { status: { conditions: { type: string; status: string }[] } }) =>
      pod.status.conditions.filter(({ type, status }) => type === "Ready" && status === "True"),
    );
    expect(ready).toHaveLength(1);
  });
});
