import { createHash, webcrypto, X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClusterApi } from "../../control-plane/src/cluster-api.js";
import { createClusterIdentity } from "../../control-plane/src/cluster-identity.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import { secretData } from "../../control-plane/src/identity/kubernetes/api-server.js";
import { writeAuthority } from "../../control-plane/src/identity/kubernetes/generations-record.js";
import { openWebhookIdentity } from "../../control-plane/src/identity/kubernetes/webhook-identity.js";
import { peerIdentity } from "../../control-plane/src/identity/peer-identity.js";
import { splitCertificates } from "../../control-plane/src/identity/pem.js";
import type { TrustingProxy } from "../../control-plane/src/identity/rotation.js";
import { Pkcs10CertificateRequestGenerator } from "../../control-plane/src/identity/x509.js";
import { webhookConfigurations } from "../../control-plane/src/injection/webhook-configurations.js";
import { registerWebhooks } from "../../control-plane/src/injection/webhook-registration.js";
import { createKubernetesApi, type KubernetesApi } from "../../control-plane/src/kubernetes/api.js";
import { loadKubeconfig } from "../../control-plane/src/kubernetes/kubeconfig.js";
import { createKubernetesReader } from "../../control-plane/src/kubernetes/reader.js";
import { ALONE } from "../../control-plane/src/platform.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { brought, createLink } from "./brought.js";
import { permitIdentity } from "./permissions.js";

const LIMIT_MS = 60_000;
const SIGNER = "weft.mesh/workload";
const NODE = "system:node:node1";
const HOUR_MS = 3_600_000;
const BUNDLE = "/apis/certificates.k8s.io/v1/clustertrustbundles/weft.mesh:workload:roots";

let server: ApiServer;
let kubelet: KubernetesApi;
const undo: (() => unknown)[] = [];
const uids = new Map<string, string>();
let lines: string[] = [];

beforeAll(async () => {
  server = await startApiServer({
    users: [
      { name: NODE, groups: ["system:nodes"] },
      { name: "system:node:node2", groups: ["system:nodes"] },
      { name: "weft" },
    ],
  });
  kubelet = createKubernetesApi(loadKubeconfig(server.kubeconfigOf(NODE)));
  for (const name of ["weft-system", "shop"]) await server.createNamespace(name);
  await permitIdentity(server, "weft", "weft-system");
  for (const name of ["node1", "node2"]) await make(`node/${name}`, "/api/v1/nodes", { metadata: { name } });
  for (const name of ["web", "admin"])
    await make(`account/${name}`, "/api/v1/namespaces/shop/serviceaccounts", { metadata: { name } });
  await makePod("web-1", "web", "node1");
  await makePod("db-0", "admin", "node2");
  await makePod("plain", "web", "node1", false);
});
afterAll(async () => {
  kubelet?.close();
  await server?.close();
});
beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  while (undo.length > 0) await undo.pop()?.();
  for (const name of ["weft-ca", "weft-ca-generations", "weft-webhook"])
    await server.ask("DELETE", `/api/v1/namespaces/weft-system/secrets/${name}`);
  await server.ask("DELETE", BUNDLE);
});

async function make(key: string, path: string, object: object): Promise<void> {
  const { status, body } = await server.ask("POST", path, object);
  if (status !== 201) throw new Error(`${path}: ${body.message}`);
  uids.set(key, body.metadata.uid);
}

async function makePod(name: string, serviceAccountName: string, nodeName: string, hasIdentity = true): Promise<void> {
  const podCertificate = { signerName: SIGNER, keyType: "ECDSAP256", credentialBundlePath: "bundle.pem" };
  const sources = hasIdentity ? [{ podCertificate }] : [{ configMap: { name: "x", optional: true } }];
  await make(`pod/${name}`, "/api/v1/namespaces/shop/pods", {
    metadata: { name },
    spec: {
      ...{ serviceAccountName, nodeName, automountServiceAccountToken: false },
      containers: [{ name: "app", image: "app" }],
      volumes: [{ name: "weft-identity", projected: { sources } }],
    },
  });
}

interface Replica {
  readonly isLeader?: boolean;
  readonly ttlMs?: number;
  readonly proxies?: () => readonly TrustingProxy[];
}

let replicas = 0;
/** The identity of one replica, as a user who may do nothing else. */
async function replica({ isLeader = true, ttlMs = 24 * HOUR_MS, proxies = () => [] }: Replica = {}) {
  const { clusterApi } = clients();
  const log = (message: string) => void lines.push(message);
  const identity = await createClusterIdentity({
    ...{ api: clusterApi, namespace: "weft-system", trustDomain: "cluster.local", certificateTtlMs: ttlMs },
    replica: `weft-${++replicas}`,
    leadership: isLeader ? ALONE : { isLeading: false, subscribe: () => () => {}, resign: async () => {} },
    dnsNames: ["weft-control-plane.weft-system.svc"],
    ...{ proxies, sidecars: () => ["shop/web-1", "shop/db-0"] },
    logger: { info: log, warn: log, error: log },
  });
  undo.push(() => identity.close());
  await identity.serve();
  return identity;
}

function clients() {
  const config = loadKubeconfig(server.kubeconfigOf("weft"));
  const [api, reader] = [createKubernetesApi(config), createKubernetesReader(config)];
  undo.push(() => api.close());
  undo.push(() => reader.close());
  return { clusterApi: createClusterApi(api, reader, (message) => void lines.push(message)) };
}

async function requestDer(kind: "P-256" | "P-384" = "P-256"): Promise<Buffer> {
  if (kind === "P-256")
    return Buffer.from(
      (await createCertificateRequest(await createPrivateKeyPem())).replaceAll(/-----[^-]+-----/g, ""),
      "base64",
    );
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: kind }, true, ["sign", "verify"]);
  const signingAlgorithm = { name: "ECDSA", hash: "SHA-384" };
  return Buffer.from((await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm })).rawData);
}

interface Asked {
  readonly pod?: string;
  readonly account?: string;
  readonly node?: string;
  readonly spec?: object;
}

let asked = 0;
/** What a kubelet writes for the volume of a pod. */
async function requestFor({ pod = "web-1", account = "web", node = "node1", spec = {} }: Asked = {}) {
  asked += 1;
  return {
    metadata: { name: `request-${asked}`, namespace: "shop" },
    spec: {
      ...{ signerName: SIGNER, podName: pod, podUID: uids.get(`pod/${pod}`) },
      ...{ serviceAccountName: account, serviceAccountUID: uids.get(`account/${account}`) },
      ...{ nodeName: node, nodeUID: uids.get(`node/${node}`), maxExpirationSeconds: 86_400 },
      stubPKCS10Request: (await requestDer()).toString("base64"),
      ...spec,
    },
  };
}

const REQUESTS = "/apis/certificates.k8s.io/v1/namespaces/shop/podcertificaterequests";

async function answerOf(name: string) {
  for (const limit = Date.now() + LIMIT_MS; ; await sleep(50)) {
    const { body } = await server.ask("GET", `${REQUESTS}/${name}`);
    if (body.status?.conditions?.length > 0) return body.status;
    if (Date.now() > limit) throw new Error(`${name} was not answered:\n${lines.join("\n")}`);
  }
}

/** As the kubelet of node1. */
async function askFor(asking?: Asked) {
  const object = await requestFor(asking);
  const { status, message } = await kubelet.ask({ method: "POST", path: REQUESTS, body: object });
  if (status !== 201) throw new Error(`${status}: ${message}`);
  return answerOf(object.metadata.name);
}

/** As somebody who may write requests for any node. */
async function forge(asking?: Asked) {
  const object = await requestFor(asking);
  const { status, body } = await server.ask("POST", REQUESTS, object);
  if (status !== 201) throw new Error(`${status}: ${body.message}`);
  return answerOf(object.metadata.name);
}

async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const limit = Date.now() + LIMIT_MS; ; await sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > limit) throw new Error(`never: ${what}\n${lines.join("\n")}`);
  }
}

const bundle = async (): Promise<string> => (await server.ask("GET", BUNDLE)).body.spec?.trustBundle ?? "";
const secret = async (name: string) =>
  secretData((await server.ask("GET", `/api/v1/namespaces/weft-system/secrets/${name}`)).body);

describe("pod certificates", () => {
  it("are signed for the pod that the kubelet asks for, and its roots are published", async () => {
    const identity = await replica();
    const status = await askFor();
    expect(status.conditions).toMatchObject([{ type: "Issued", status: "True" }]);
    expect(peerIdentity(status.certificateChain, "cluster.local")).toMatchObject({
      ...{ ok: true, namespace: "shop", workload: "web-1", serviceAccount: "web" },
      uid: uids.get("pod/web-1"),
    });
    const [leaf, intermediate] = splitCertificates(status.certificateChain).map((pem) => new X509Certificate(pem));
    const roots = await eventually(async () => (await bundle()) || undefined, "a trust bundle");
    expect(roots).toBe(identity.source.current.roots);
    expect(leaf?.checkIssued(intermediate as X509Certificate)).toBe(true);
    expect(intermediate?.verify(new X509Certificate(roots).publicKey)).toBe(true);
    // Around the middle of its life.
    const part = Date.parse(status.beginRefreshAt) - Date.parse(status.notBefore);
    expect(part / (Date.parse(status.notAfter) - Date.parse(status.notBefore))).toBeCloseTo(0.5, 0);
  });

  it.each([
    [3_600, 24 * HOUR_MS, 3_600],
    [86_400, 24 * HOUR_MS, 86_400],
    [86_400, HOUR_MS, 3_660],
  ])(
    "live no longer than the volume's %i s and our %i ms allow: %i s",
    async (maxExpirationSeconds, ttlMs, expected) => {
      await replica({ ttlMs });
      const { conditions, notBefore, notAfter } = await askFor({ spec: { maxExpirationSeconds } });
      expect(conditions[0].type).toBe("Issued");
      expect((Date.parse(notAfter) - Date.parse(notBefore)) / 1000).toBe(expected);
    },
  );

  it.each<[string, Asked, string]>([
    ["another pod's identity", { pod: "web-1", spec: { podUID: "not-its-uid" } }, "PodReplaced"],
    ["a pod that is not there", { pod: "ghost", spec: { podUID: "ghost" } }, "PodNotFound"],
    ["another service account", { account: "admin" }, "WrongServiceAccount"],
    ["a node that lies", { node: "node2" }, "WrongNode"],
    ["a pod of another node", { pod: "db-0", account: "admin" }, "WrongNode"],
    ["a pod that asks for none", { pod: "plain" }, "NotRequestedByPod"],
    [
      "user annotations",
      { spec: { unverifiedUserAnnotations: { "example.com/a": "b" } } },
      "InvalidUnverifiedUserAnnotations",
    ],
  ])("are denied for %s, even to somebody whom the API server lets ask", async (_what, asking, reason) => {
    await replica();
    const status = await forge(asking);
    expect(status.conditions).toMatchObject([{ type: "Denied", status: "True", reason }]);
    expect(status.certificateChain).toBeUndefined();
  });

  it("are denied for another kind of key, with the one that would do", async () => {
    await replica();
    const stubPKCS10Request = (await requestDer("P-384")).toString("base64");
    expect((await askFor({ spec: { stubPKCS10Request } })).conditions).toMatchObject([
      { type: "Denied", reason: "UnsupportedKeyType", message: expect.stringContaining("ECDSAP256") },
    ]);
  });

  it("cannot be asked for by a node that the pod is not on", async () => {
    const other = createKubernetesApi(loadKubeconfig(server.kubeconfigOf("system:node:node2")));
    undo.push(() => other.close());
    const { status } = await other.ask({ method: "POST", path: REQUESTS, body: await requestFor() });
    expect(status).toBe(403);
  });

  it("are left to other signers", async () => {
    await replica();
    const spec = { signerName: "example.com/other" };
    const object = await requestFor({ spec });
    expect((await server.ask("POST", REQUESTS, object)).status).toBe(201);
    await askFor();
    expect((await server.ask("GET", `${REQUESTS}/${object.metadata.name}`)).body.status?.conditions).toBeUndefined();
  });

  it("are signed by the leader only, which finds what was asked before", async () => {
    await replica({ isLeader: false });
    const object = await requestFor();
    await kubelet.ask({ method: "POST", path: REQUESTS, body: object });
    await sleep(1_000);
    expect((await server.ask("GET", `${REQUESTS}/${object.metadata.name}`)).body.status?.conditions).toBeUndefined();
    await replica();
    expect((await answerOf(object.metadata.name)).conditions[0].type).toBe("Issued");
  });

  it("are signed again after the API server crashed", async () => {
    await replica();
    await askFor();
    await server.kill();
    await server.start();
    expect((await askFor()).conditions[0].type).toBe("Issued");
  });
});

describe("the authority", () => {
  it("is one, however many replicas start at once; each has a certificate of its own from it", async () => {
    const replicas = await Promise.all([replica(), replica({ isLeader: false }), replica({ isLeader: false })]);
    const roots = new Set(replicas.map(({ source }) => source.current.roots));
    expect([...roots]).toEqual([(await secret("weft-ca"))["ca.crt"]]);
    const keys = new Set(
      replicas.map(({ source }) => createHash("sha256").update(source.current.privateKey).digest("hex")),
    );
    expect(keys.size).toBe(3);
    const [leaf] = splitCertificates(replicas[0].source.current.certificateChain);
    expect(new X509Certificate(leaf ?? "").subjectAltName).toContain("DNS:weft-control-plane.weft-system.svc");
  });

  it("is the user's, RSA and all, and a new root of theirs comes beside the old one first", async () => {
    const path = "/api/v1/namespaces/weft-system/secrets";
    const data = async (name: string) => writeAuthority(await brought([await createLink(name, "rsa")]));
    const metadata = { name: "weft-ca" };
    await server.ask("POST", path, { metadata, type: "kubernetes.io/tls", stringData: await data("first") });
    const first = (await secret("weft-ca"))["ca.crt"];
    let hasBundle = false;
    let hasBundleElsewhere = false;
    const leader = await replica({ proxies: () => [{ workload: "shop/web-1", hasBundle }] });
    const other = await replica({
      isLeader: false,
      proxies: () => [{ workload: "shop/db-0", hasBundle: hasBundleElsewhere }],
    });
    expect(leader.source.current.roots).toBe(first);
    expect((await askFor()).conditions[0].type).toBe("Issued");

    await server.ask("PATCH", `${path}/weft-ca`, { stringData: await data("second") });
    await eventually(
      async () => (splitCertificates(await bundle()).length === 2 ? true : undefined),
      "both roots published",
    );
    await eventually(
      async () => (splitCertificates(other.source.current.roots).length === 2 ? true : undefined),
      "both roots at the other replica",
    );
    const waits = () => leader.report().rotation.obstacles.map(({ workload }) => workload);
    expect([leader.report().rotation.phase, waits()]).toEqual(["distributing", ["shop/db-0", "shop/web-1"]]);
    hasBundle = true;
    await eventually(async () => (waits().join() === "shop/db-0" ? true : undefined), "the leader's own proxy trusts");
    hasBundleElsewhere = true;
    await eventually(
      async () => (leader.report().rotation.phase === "retiring" ? true : undefined),
      "the new root signs",
    );
    const { certificateChain } = await askFor();
    const [leaf] = splitCertificates(certificateChain);
    const second = new X509Certificate((await secret("weft-ca"))["ca.crt"] ?? "");
    expect(new X509Certificate(leaf ?? "").verify(second.publicKey)).toBe(true);
    // The old one is trusted as long as certificates of it may be about.
    expect(splitCertificates(await bundle())).toHaveLength(2);
  });

  it("puts the trust bundle right that somebody has changed", async () => {
    const { source } = await replica();
    await eventually(async () => ((await bundle()) === source.current.roots ? true : undefined), "the trust bundle");
    await server.ask("DELETE", BUNDLE);
    await eventually(
      async () => ((await bundle()) === source.current.roots ? true : undefined),
      "the trust bundle again",
    );
  });

  it("tells the replica that does not lead, and one in a cluster that issues no tokens", async () => {
    const { actions } = await replica({ isLeader: false });
    expect(await actions["/identity/rotate"]?.({ step: "root" })).toMatchObject({ ok: false });
    expect(await actions["/identity/token"]?.({})).toMatchObject({ ok: false });
  });
});

describe("the webhooks", () => {
  it("share an authority and a token, and the API server is told of both", async () => {
    const { clusterApi } = clients();
    const open = (isLeading: boolean) =>
      openWebhookIdentity({
        ...{ api: clusterApi, namespace: "weft-system", dnsNames: ["weft-control-plane.weft-system.svc"] },
        isLeading: () => isLeading,
        logger: { info: () => {}, warn: (message) => void lines.push(message) },
      });
    const [one, other] = await Promise.all([open(true), open(false)]);
    undo.push(() => one.close());
    undo.push(() => other.close());
    expect([one.current.token, one.current.roots]).toEqual([other.current.token, other.current.roots]);
    const [leaf] = splitCertificates(one.current.certificateChain);
    expect(new X509Certificate(leaf ?? "").subjectAltName).toBe("DNS:weft-control-plane.weft-system.svc");

    const configurations = webhookConfigurations({
      client: { kind: "service", namespace: "weft-system", name: "weft-control-plane", port: 443 },
      ...{ caBundle: one.current.roots, token: one.current.token, rootNamespace: "weft-system" },
    });
    const kinds = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
    const path = (index: number) => `/apis/admissionregistration.k8s.io/v1/${kinds[index]}`;
    const names = ["weft-injection", "weft-validation"];
    expect(await registerWebhooks(clusterApi, configurations)).toEqual({ written: [], missing: names });
    for (const [index, name] of names.entries()) {
      await server.ask("POST", path(index), { metadata: { name } });
      undo.push(() => server.ask("DELETE", `${path(index)}/${name}`));
    }
    expect(await registerWebhooks(clusterApi, configurations)).toEqual({ written: names, missing: [] });
    expect(await registerWebhooks(clusterApi, configurations)).toEqual({ written: [], missing: [] });
    const { body } = await server.ask("GET", `${path(0)}/weft-injection`);
    expect(body.webhooks[0].clientConfig.service.path).toBe(`/inject/${one.current.token}`);
    expect(Buffer.from(body.webhooks[0].clientConfig.caBundle, "base64").toString()).toBe(one.current.roots);
  });
});
