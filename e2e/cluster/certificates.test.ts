import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateFacts, splitCertificates } from "../../control-plane/src/identity/pem.js";
import { waitFor } from "../support/wait-for.js";
import { deployment, service } from "./support/app.js";
import { apply, get, kubectl, load, removeNamespace, rolledOut, startLoad } from "./support/cluster.js";
import { createMeshNamespace, installMesh, ROOT_NAMESPACE } from "./support/mesh.js";

const NAMESPACE = "certificates";
const url = `http://server.${NAMESPACE}.svc.cluster.local/`;
const GENERATIONS = "weft-ca-generations";
/** Each round starts pods anew three times, on a machine that may do much else. */
const ROUND_LIMIT_MS = 900_000;
/** Replicas look at what others wrote every few seconds, one after the other. */
const SLOWLY = { limitMs: 180_000 };

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server" }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
    {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: NAMESPACE },
      spec: { mtls: { mode: "STRICT" } },
    },
  );
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
});
afterAll(() => removeNamespace(NAMESPACE));

/** Fingerprints of the roots that kubelets give to pods. */
async function roots(): Promise<readonly string[]> {
  const { spec } = await get("clustertrustbundle", "weft.mesh:workload:roots");
  return splitCertificates(spec.trustBundle).map((pem) => certificateFacts(pem).fingerprint);
}

/** The root that signs now. */
async function signing(): Promise<string> {
  const { data } = await get("secret", "-n", ROOT_NAMESPACE, GENERATIONS);
  return certificateFacts(Buffer.from(data["signing.ca.crt"], "base64").toString()).fingerprint;
}

async function restart(name: string): Promise<void> {
  await kubectl("rollout", "restart", "-n", NAMESPACE, `deployment/${name}`);
  await rolledOut(NAMESPACE, `deployment/${name}`);
}

/** A day goes by: no certificate of the old root is valid any more. Only the clock cannot be turned in a cluster. */
async function forgetOldCertificates(): Promise<void> {
  const past = Buffer.from("2020-01-01T00:00:00.000Z").toString("base64");
  const patch = JSON.stringify({ data: { "retiring.leaves-end": past } });
  await kubectl("patch", "secret", "-n", ROOT_NAMESPACE, GENERATIONS, "--type=merge", "-p", patch);
}

describe("certificates", () => {
  // Whoever deletes the authority that Weft made gets another one.
  it.each(["once", "twice"])("have another root without a lost request: %s", { timeout: ROUND_LIMIT_MS }, async () => {
    const [old] = await roots();
    expect(await signing()).toBe(old);
    const requests = startLoad(NAMESPACE, "deployment/client", { url });
    await kubectl("delete", "secret", "-n", ROOT_NAMESPACE, "weft-ca");
    await waitFor("both roots", async () => ((await roots()).length === 2 ? true : undefined), SLOWLY);
    await waitFor("the new root to sign", async () => ((await signing()) === old ? undefined : true), SLOWLY);
    // Certificates of either root meet.
    await restart("server");
    expect(Object.keys(await load(NAMESPACE, "deployment/client", { url, count: 20 }))).toEqual(["200 server"]);
    expect(Object.keys(await requests.stop())).toEqual(["200 server"]);

    await restart("client");
    await forgetOldCertificates();
    await waitFor("the old root to be dropped", async () => ((await roots()).length === 1 ? true : undefined), SLOWLY);
    expect(await roots()).toEqual([await signing()]);
    expect(await roots()).not.toContain(old);
    expect(Object.keys(await load(NAMESPACE, "deployment/client", { url, count: 20 }))).toEqual(["200 server"]);
  });
});
