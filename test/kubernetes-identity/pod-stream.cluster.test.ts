import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { askControlPlane } from "../../cli/src/mesh/control-plane-process.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import type { IdentityReport } from "../../control-plane/src/identity/identity-report.js";
import { STANDALONE_FILES } from "../../control-plane/src/injection/identity-files.js";
import { type ControlPlane, startControlPlane } from "../../control-plane/src/main.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { createXdsClient } from "../xds-client.js";

const LIMIT_MS = 60_000;
const PODS = "/api/v1/namespaces/shop/pods";
const REQUESTS = "/apis/certificates.k8s.io/v1/namespaces/shop/podcertificaterequests";
const BUNDLE = "/apis/certificates.k8s.io/v1/clustertrustbundles/weft.mesh:workload:roots";

let server: ApiServer;
let folder: string;
let controlPlane: ControlPlane | undefined;
let account = "";
let node = "";
let asked = 0;
const lines: string[] = [];
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-pod-stream-"));
  server = await startApiServer();
  for (const name of ["weft-system", "shop"]) await server.createNamespace(name);
  node = (await server.ask("POST", "/api/v1/nodes", { metadata: { name: "node1" } })).body.metadata.uid;
  const accounts = "/api/v1/namespaces/shop/serviceaccounts";
  account = (await server.ask("POST", accounts, { metadata: { name: "web" } })).body.metadata.uid;
  const log = (message: string, fields: unknown) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  controlPlane = await startControlPlane(
    {
      platform: {
        ...{ kind: "kubernetes", kubeconfig: server.kubeconfig, namespace: "weft-system", podName: "weft-1" },
        identity: { kind: "cluster" },
      },
      stateDir: folder,
      ...{ xdsHost: "127.0.0.1", xdsPort: 0, proxyIdentityFiles: STANDALONE_FILES },
      ...{ trustDomain: "cluster.local", rootNamespace: "weft-system" },
      ...{ plainHttpRegistries: [], credentialFiles: [], tagPollMs: 60_000 },
      adminSocket: join(folder, "control.sock"),
    },
    { info: log, warn: log, error: log },
  );
});
afterAll(async () => {
  await controlPlane?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  while (undo.length > 0) await undo.pop()?.();
});

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const limit = Date.now() + LIMIT_MS; ; await sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > limit) throw new Error(`never: ${what}\n${lines.join("\n")}`);
  }
}

/** A pod with a sidecar as the injector makes it, running; returns its uid. */
async function startPod(): Promise<string> {
  const podCertificate = { signerName: "weft.mesh/workload", keyType: "ECDSAP256", credentialBundlePath: "bundle.pem" };
  const { status, body } = await server.ask("POST", PODS, {
    metadata: { name: "web-0", annotations: { "weft.mesh/status": "{}" } },
    spec: {
      ...{ serviceAccountName: "web", nodeName: "node1" },
      initContainers: [{ name: "weft-proxy", image: "envoy", restartPolicy: "Always" }],
      containers: [{ name: "app", image: "app" }],
      volumes: [{ name: "weft-identity", projected: { sources: [{ podCertificate }] } }],
    },
  });
  if (status !== 201) throw new Error(body.message);
  await server.ask("PATCH", `${PODS}/web-0/status`, { status: { phase: "Running", podIP: "10.0.0.1" } });
  return body.metadata.uid;
}

/** What the kubelet does for the volume. */
async function certificateOf(podUID: string) {
  asked += 1;
  const privateKey = await createPrivateKeyPem();
  const request = await createCertificateRequest(privateKey);
  const { status, body } = await server.ask("POST", REQUESTS, {
    metadata: { name: `request-${asked}` },
    spec: {
      ...{ signerName: "weft.mesh/workload", podName: "web-0", podUID, serviceAccountName: "web" },
      ...{ serviceAccountUID: account, nodeName: "node1", nodeUID: node },
      stubPKCS10Request: request.replaceAll(/-----[^-]+-----|\s/g, ""),
    },
  });
  if (status !== 201) throw new Error(body.message);
  const certificateChain = await until(
    async () => (await server.ask("GET", `${REQUESTS}/request-${asked}`)).body.status?.certificateChain,
    "the certificate",
  );
  const rootCert: string = await until(async () => (await server.ask("GET", BUNDLE)).body.spec?.trustBundle, "roots");
  return { privateKey, certificateChain, rootCert };
}

function connect(tls: Awaited<ReturnType<typeof certificateOf>>) {
  const client = createXdsClient({ port: controlPlane?.xdsPort ?? 0, tls });
  undo.push(() => client.close());
  client.request("cluster", { subscribe: ["*"] });
  return client;
}

describe("a pod's stream", () => {
  it("is taken with the certificate that the pod got, and no more when the name is another pod's", async () => {
    const first = await certificateOf(await startPod());
    // The control plane may learn of the pod's address a moment later.
    await until(async () => {
      const client = connect(first);
      const got = await Promise.race([client.next("cluster").then(() => "clusters"), client.ended]);
      return got === "clusters" ? true : undefined;
    }, "a stream that is taken");
    const report = await askControlPlane<IdentityReport>(join(folder, "control.sock"), "/identity");
    expect(report.rotation.phase).toBe("none");
    expect(report.authorities.map(({ role, state }) => `${role} ${state}`)).toEqual([
      "root signing",
      "intermediate signing",
    ]);
    expect(report.workloads).toMatchObject([{ workload: "(pods)" }]);

    await server.ask("DELETE", `${PODS}/web-0?gracePeriodSeconds=0`);
    const uid = await startPod();
    const refusal = await until(async () => {
      const { details } = await connect(first).ended;
      return details.includes(uid) ? details : undefined;
    }, "a refusal that names the pod of now");
    expect(refusal).toMatch(/^the certificate is for shop\/web-0 with uid .*, but shop\/web-0 has uid .* now$/);
    await until(async () => {
      const client = connect(await certificateOf(uid));
      const got = await Promise.race([client.next("cluster").then(() => "clusters"), client.ended]);
      return got === "clusters" ? true : undefined;
    }, "the stream of the pod of now");
  });
});
