import { afterEach, describe, expect, it } from "vitest";
import { createClusterIdentity } from "../../control-plane/src/cluster-identity.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import type { ApiServer } from "../../control-plane/src/identity/kubernetes/api-server.js";
import { signPodCertificates } from "../../control-plane/src/identity/kubernetes/pod-certificate-signer.js";
import { ALONE } from "../../control-plane/src/platform.js";
import { createMemoryApiServer } from "./memory-api-server.js";

const CERTIFICATES = "/apis/certificates.k8s.io/v1";
const REQUEST = `${CERTIFICATES}/namespaces/shop/podcertificaterequests/req`;
const logger = { info: () => {}, warn: () => {}, error: () => {} };
const stop: AbortController[] = [];
afterEach(() => {
  for (const one of stop.splice(0)) one.abort();
});

const open = (api: ApiServer) =>
  createClusterIdentity({
    ...{
      api,
      namespace: "weft-system",
      replica: "weft-1",
      trustDomain: "cluster.local",
      leadership: ALONE,
      dnsNames: [],
    },
    ...{ proxies: () => [], sidecars: () => [], logger },
  });

describe("the identity of a cluster", () => {
  it.each<[string, readonly string[] | undefined, string]>([
    ["is too old for the whole group", undefined, "podcertificaterequests and clustertrustbundles"],
    ["has pod certificates switched off", ["clustertrustbundles"], "does not offer podcertificaterequests in"],
    ["has trust bundles switched off", ["podcertificaterequests"], "does not offer clustertrustbundles in"],
  ])("is refused when it %s, with what to do", async (_what, names, message) => {
    const api = createMemoryApiServer();
    const resources = names?.map((name) => ({ name }));
    if (resources !== undefined) api.put(CERTIFICATES, { metadata: { name: "" }, resources });
    const opening = open(api);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow("Kubernetes 1.37");
    // Nothing is made on the way.
    expect([...api.objects.keys()].filter((path) => path.includes("secrets"))).toEqual([]);
  });
});

describe("the signer", () => {
  const uid = "1";
  async function withRequest() {
    const api = createMemoryApiServer();
    const pem = await createCertificateRequest(await createPrivateKeyPem());
    const projected = { sources: [{ podCertificate: { signerName: "weft.mesh/workload" } }] };
    const spec = { serviceAccountName: "web", nodeName: "n", volumes: [{ projected }] };
    api.put("/api/v1/namespaces/shop/pods/web-1", { metadata: { name: "web-1", uid }, spec, status: {} });
    api.put("/api/v1/namespaces/shop/serviceaccounts/web", { metadata: { name: "web", uid } });
    api.put("/api/v1/nodes/n", { metadata: { name: "n", uid } });
    api.put(REQUEST, {
      metadata: { name: "req", namespace: "shop", uid },
      spec: {
        ...{ signerName: "weft.mesh/workload", podName: "web-1", podUID: uid, serviceAccountName: "web" },
        ...{ serviceAccountUID: uid, nodeName: "n", nodeUID: uid, maxExpirationSeconds: 3600 },
        stubPKCS10Request: pem.replaceAll(/-----[^-]+-----|\s/g, ""),
      },
    });
    return api;
  }

  /** One that fails so often, and then refuses to sign. */
  function run(api: ApiServer, failures: number) {
    const ended = new AbortController();
    stop.push(ended);
    const lines: string[] = [];
    let attempts = 0;
    const log = (message: string) => void lines.push(message);
    const done = new Promise<void>((answered) => {
      void signPodCertificates({
        api,
        authority: {
          signWorkload: async () => {
            attempts += 1;
            if (attempts <= failures) throw new Error("the Secret cannot be written");
            answered();
            return { ok: false, message: "not by this test" };
          },
        },
        ttlMs: 3_600_000,
        logger: { info: log, warn: log },
        signal: ended.signal,
        backOffMs: () => 0,
      });
    });
    return { done, lines };
  }

  it("answers nothing for what may pass, and says it twice, not each time", async () => {
    const api = await withRequest();
    const { done, lines } = run(api, 20);
    await done;
    expect(api.objects.get(REQUEST)?.status).toBeUndefined();
    expect(lines.filter((line) => line.includes("the Secret cannot be written"))).toHaveLength(2);
  });

  it("does not sign for a request that was answered since", async () => {
    const api = await withRequest();
    const read = api.read;
    let signed = false;
    const ended = new AbortController();
    stop.push(ended);
    const answered = new Promise<void>((done) => {
      // The first look fails; meanwhile another replica answers.
      let looks = 0;
      api.read = async (path) => {
        looks += 1;
        if (looks === 1) {
          api.put(REQUEST, { ...api.objects.get(REQUEST), status: { conditions: [{ type: "Issued" }] } });
          throw new Error("gone for a moment");
        }
        if (path === REQUEST) done();
        return read(path);
      };
    });
    const running = signPodCertificates({
      api,
      authority: {
        signWorkload: async () => {
          signed = true;
          return { ok: false, message: "never" };
        },
      },
      ...{ ttlMs: 3_600_000, logger, signal: ended.signal, backOffMs: () => 0 },
    });
    await answered;
    ended.abort();
    await running;
    expect(signed).toBe(false);
  });
});
