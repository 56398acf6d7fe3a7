import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { INTERMEDIATE_LIFETIME_MS } from "../../control-plane/src/identity/authority-material.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import { encodeSecretData, secretData } from "../../control-plane/src/identity/kubernetes/api-server.js";
import { writeAuthority } from "../../control-plane/src/identity/kubernetes/generations-record.js";
import { openSecretStorage } from "../../control-plane/src/identity/kubernetes/secret-storage.js";
import { createMeshAuthority } from "../../control-plane/src/identity/mesh-authority.js";
import { splitCertificates } from "../../control-plane/src/identity/pem.js";
import type { TrustingProxy } from "../../control-plane/src/identity/rotation.js";
import { brought, createLink, DAY_MS, type Link } from "./brought.js";
import { createMemoryApiServer } from "./memory-api-server.js";

const SECRETS = "/api/v1/namespaces/weft-system/secrets";
const CA = `${SECRETS}/weft-ca`;
const GENERATIONS = `${SECRETS}/weft-ca-generations`;
const POD = { namespace: "shop", workload: "web-1", serviceAccount: "web", uid: "u-1" };
const HAS = (): readonly TrustingProxy[] => [{ workload: "shop/web-1", hasBundle: true }];

let api: ReturnType<typeof createMemoryApiServer>;
beforeEach(() => {
  api = createMemoryApiServer();
});

afterEach(() => {
  vi.useRealTimers();
});

const openStorage = (replica = "weft-1") =>
  openSecretStorage({
    ...{ api, namespace: "weft-system", trustDomain: "cluster.local", replica },
    workloads: () => ["shop/web-1"],
  });

async function open(replica?: string) {
  const storage = await openStorage(replica);
  const authority = await createMeshAuthority({ storage, trustDomain: "cluster.local", clockSkewMs: 0 });
  return { storage, authority };
}

async function bring(chain: readonly Link[]): Promise<void> {
  const data = encodeSecretData(writeAuthority(await brought(chain)));
  api.put(CA, { metadata: { name: "weft-ca" }, type: "kubernetes.io/tls", data });
}

const stored = (path: string) => {
  const secret = api.objects.get(path);
  if (secret === undefined) throw new Error(`no ${path}`);
  return secretData(secret);
};

/** As if what was given away had ended long ago. */
function forgetLeaves(): void {
  const secret = api.objects.get(GENERATIONS);
  if (secret === undefined) throw new Error("no generations");
  const data: Record<string, string> = { ...stored(GENERATIONS), "signing.leaves-end": "2020-01-01T00:00:00Z" };
  if (data["retiring.leaves-end"] !== undefined) data["retiring.leaves-end"] = "2020-01-01T00:00:00Z";
  api.put(GENERATIONS, { ...secret, data: encodeSecretData(data) });
}

async function sign(authority: Awaited<ReturnType<typeof open>>["authority"], ttlMs: number) {
  const request = await createCertificateRequest(await createPrivateKeyPem());
  return authority.signWorkload(request, { ...POD, ttlMs, nowMs: Date.now() });
}

describe("the authority in Secrets", () => {
  it("is made by one of many replicas that start together, in the form of cert-manager", async () => {
    const replicas = await Promise.all(Array.from({ length: 5 }, (_, index) => open(`weft-${index}`)));
    const bundles = new Set(replicas.map(({ authority }) => authority.trustBundle));
    expect(bundles.size).toBe(1);
    expect([...api.objects.keys()].sort()).toEqual([CA, GENERATIONS]);
    expect(api.objects.get(CA)).toMatchObject({ type: "kubernetes.io/tls" });
    expect(Object.keys(stored(CA)).sort()).toEqual(["ca.crt", "root.key", "tls.crt", "tls.key"]);
    expect([...bundles]).toEqual([stored(CA)["ca.crt"]]);
  });

  it("is the user's where there is one, which is never written", async () => {
    const root = await createLink("root", "rsa");
    await bring([await createLink("ca", "p256", root), root]);
    const before = api.objects.get(CA);
    const { authority, storage } = await open();
    expect(authority.trustBundle).toBe(stored(CA)["ca.crt"]);
    for (const answer of [await authority.rotateRoot(), await authority.rotateIntermediate()])
      expect(answer).toEqual({ ok: false, message: expect.stringMatching(/is not ours|let whoever made/) });
    await storage.reconcile(Date.now());
    expect(api.objects.get(CA)).toEqual(before);
  });

  it("takes a new intermediate of the user's at once", async () => {
    const root = await createLink("root", "p256");
    await bring([await createLink("ca", "p256", root), root]);
    const { authority, storage } = await open();
    const { trustBundle } = authority;
    await bring([await createLink("ca", "p384", root), root]);
    expect(await storage.reconcile(Date.now())).toBeUndefined();
    await authority.refresh();
    expect([authority.phase, authority.trustBundle]).toEqual(["none", trustBundle]);
    expect(authority.generations.signing.authority.intermediatePem).toBe(stored(CA)["tls.crt"]);
  });

  it("brings a new root of the user's beside the old one first, also across a restart, and drops the old one last", async () => {
    const old = await createLink("root", "p256");
    await bring([old]);
    const first = await open();
    await sign(first.authority, DAY_MS / 24);
    await bring([await createLink("root", "p256")]);
    await first.storage.reconcile(Date.now());

    const { authority } = await open();
    expect([authority.phase, splitCertificates(authority.trustBundle).length]).toEqual(["distributing", 2]);
    expect(await authority.advance(() => [{ workload: "shop/web-1", hasBundle: false }])).toEqual([]);
    expect(await authority.advance(() => [])).toEqual([]);
    expect(authority.obstacles[0]?.message).toMatch(/^is not connected/);
    expect(await authority.advance(HAS)).toHaveLength(1);
    expect(authority.phase).toBe("retiring");
    expect(authority.generations.signing.rootPem).toBe(stored(CA)["ca.crt"]);
    // Certificates of the old one are about.
    expect(authority.obstacles).toMatchObject([{ workload: "(pods)" }]);
    forgetLeaves();
    await authority.refresh();
    expect(await authority.advance(HAS)).toHaveLength(1);
    expect([authority.phase, authority.trustBundle]).toEqual(["none", stored(CA)["ca.crt"]]);
    expect(Object.keys(stored(GENERATIONS)).filter((key) => key.startsWith("retiring."))).toEqual([]);
  });

  it("keeps what was in force when the user's Secret is broken", async () => {
    const { authority, storage } = await open();
    const { trustBundle } = authority;
    api.put(CA, {
      metadata: { name: "weft-ca" },
      data: encodeSecretData({ "tls.crt": "x", "tls.key": "y", "ca.crt": "z" }),
    });
    expect(await storage.reconcile(Date.now())).toContain("what was in force stays so");
    api.put(CA, { metadata: { name: "weft-ca" } });
    expect(await storage.reconcile(Date.now())).toContain("it has no tls.crt");
    expect((await open()).authority.trustBundle).toBe(trustBundle);
  });

  it("rotates its own root by itself, and gives a rotation up", async () => {
    const { authority } = await open();
    const { trustBundle } = authority;
    expect(await authority.rotateRoot()).toMatchObject({ ok: true });
    expect(await authority.abort()).toMatchObject({ ok: true });
    expect([authority.phase, authority.trustBundle, stored(CA)["ca.crt"]]).toEqual(["none", trustBundle, trustBundle]);
    await authority.rotateRoot();
    forgetLeaves();
    await authority.refresh();
    expect(await authority.advance(HAS)).toHaveLength(2);
    expect([authority.phase, authority.trustBundle]).toEqual(["none", stored(CA)["ca.crt"]]);
    expect(authority.trustBundle).not.toBe(trustBundle);
    expect(await authority.rotateIntermediate()).toMatchObject({ ok: true });
    expect(authority.generations.signing.authority.intermediatePem).toBe(stored(CA)["tls.crt"]);
  });

  it("makes another root when its Secret is deleted, and the old one leaves as in any rotation", async () => {
    const { authority, storage } = await open();
    api.remove(CA);
    expect(await storage.reconcile(Date.now())).toBeUndefined();
    await authority.refresh();
    expect(authority.phase).toBe("distributing");
  });

  it("records the end of certificates before they are given away, with few writes", async () => {
    const { authority } = await open();
    forgetLeaves();
    await authority.refresh();
    const version = () => api.objects.get(GENERATIONS)?.metadata.resourceVersion;
    const signed = await sign(authority, DAY_MS);
    const end = Date.parse(stored(GENERATIONS)["signing.leaves-end"] ?? "");
    expect(signed.ok && end).toBeGreaterThan(signed.ok ? signed.notAfterMs : 0);
    const recorded = version();
    await Promise.all(Array.from({ length: 10 }, () => sign(authority, DAY_MS)));
    expect(version()).toBe(recorded);
  });

  it("gives nothing away under a root that another replica has retired", async () => {
    await open();
    forgetLeaves();
    const [leader, former] = [await open(), await open()];
    await leader.authority.rotateRoot();
    await leader.authority.advance(HAS);
    expect(splitCertificates(leader.authority.trustBundle)).toHaveLength(1);
    await expect(sign(former.authority, DAY_MS)).rejects.toThrow("another root signs");
    await former.authority.refresh();
    expect(await sign(former.authority, DAY_MS)).toMatchObject({ ok: true });
  });

  it("is renewed at the start when it has ended while nobody was here", async () => {
    const { authority } = await open();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + INTERMEDIATE_LIFETIME_MS + DAY_MS });
    const later = await open();
    expect(later.authority.trustBundle).toBe(authority.trustBundle);
    expect(await sign(later.authority, DAY_MS)).toMatchObject({ ok: true });
  });

  it("is the user's next one at the start when the one before has ended meanwhile", async () => {
    const endsMs = Date.now() + DAY_MS;
    await bring([await createLink("root", "p256", undefined, { endsMs })]);
    await open();
    vi.useFakeTimers({ toFake: ["Date"], now: endsMs + 1000 });
    await expect(openStorage().then((storage) => storage.load(Date.now()))).rejects.toThrow("Put one that can into");
    await bring([await createLink("root", "p256")]);
    const { authority } = await open();
    expect([authority.phase, authority.trustBundle]).toEqual(["none", stored(CA)["ca.crt"]]);
  });

  it("lets replicas say which proxies trust a new root, for this root only", async () => {
    const [leader, other] = [await open("weft-1"), await open("weft-2")];
    const pods = ["shop/web-1", "shop/web-2"];
    await other.storage.reportTrusting(pods);
    await leader.authority.rotateRoot();
    await other.authority.refresh();
    await other.storage.reportTrusting(["shop/web-2"]);
    const version = () => api.objects.get(GENERATIONS)?.metadata.resourceVersion;
    const reported = version();
    await other.storage.reportTrusting(["shop/web-2"]);
    expect(version()).toBe(reported);
    await leader.authority.refresh();
    expect(leader.storage.trusting(pods)).toEqual(["shop/web-2"]);
    await leader.authority.abort();
    await leader.authority.rotateRoot();
    // Another root: nobody has said anything of it.
    await other.storage.reportTrusting(["shop/web-1"]);
    await leader.authority.refresh();
    expect(leader.storage.trusting(pods)).toEqual([]);
  });

  it("says which Secret is damaged", async () => {
    await open();
    api.put(GENERATIONS, { metadata: { name: "weft-ca-generations" }, data: {} });
    await expect(openStorage()).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("weft-ca-generations"),
    });
  });
});
