import { createHash, generateKeyPairSync, webcrypto, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { INTERMEDIATE_LIFETIME_MS } from "./authority-material.js";
import { type CertificateAuthority, createCertificateAuthority } from "./certificate-authority.js";
import {
  certificateValidity,
  createCertificateRequest,
  createPrivateKeyPem,
  isCertificateForKey,
} from "./certificate-request.js";
import { controlPlaneSpiffeId } from "./control-plane-id.js";
import { peerIdentity, replacedProblem } from "./peer-identity.js";
import { signServer, signWorkload } from "./sign.js";
import {
  type JsonGeneralName,
  Pkcs10CertificateRequestGenerator,
  PublicKey,
  SubjectAlternativeNameExtension,
} from "./x509.js";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 60 * 60 * 1000;
const WORKLOAD = { namespace: "default", serviceAccount: "backend", workload: "backend-v1", ttlMs: HOUR, nowMs: NOW };

let ca: CertificateAuthority;
let keyPem: string;
let csrPem: string;
beforeAll(async () => {
  ca = await createCertificateAuthority({ trustDomain: "cluster.local", nowMs: NOW });
  keyPem = await createPrivateKeyPem();
  csrPem = await createCertificateRequest(keyPem);
});

function certificates(chainPem: string): X509Certificate[] {
  return (chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );
}

async function signed(options: Partial<typeof WORKLOAD> = {}): Promise<{ chainPem: string; notAfterMs: number }> {
  const result = await signWorkload(ca, csrPem, { ...WORKLOAD, ...options });
  if (!result.ok) throw new Error(result.message);
  return result;
}

describe("signWorkload", () => {
  it("makes a chain that ends at the root, for the key of the request", async () => {
    const { chainPem, notAfterMs } = await signed();
    const [leaf, intermediate, ...rest] = certificates(chainPem);
    const root = new X509Certificate(ca.rootPem);
    expect(rest).toEqual([]);
    expect(leaf!.verify(intermediate!.publicKey)).toBe(true);
    expect(intermediate!.verify(root.publicKey)).toBe(true);
    expect(leaf!.checkIssued(intermediate!)).toBe(true);
    expect(intermediate!.checkIssued(root)).toBe(true);
    expect([root.ca, intermediate!.ca, leaf!.ca]).toEqual([true, true, false]);
    expect(isCertificateForKey(chainPem, keyPem)).toBe(true);
    expect(isCertificateForKey(chainPem, await createPrivateKeyPem())).toBe(false);
    expect(leaf!.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
    expect(notAfterMs).toBe(NOW + HOUR);
    expect(certificateValidity(chainPem)).toEqual({ notBeforeMs: NOW - 60_000, notAfterMs: NOW + HOUR });
  });

  it("names the caller's workload, whatever the request asks for", async () => {
    const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const greedy = await Pkcs10CertificateRequestGenerator.create({
      name: "CN=admin",
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: [
        new SubjectAlternativeNameExtension([
          { type: "url", value: "spiffe://cluster.local/ns/weft-system/sa/weft-control-plane" },
        ]),
      ],
    });
    const result = await signWorkload(ca, greedy.toString("pem"), WORKLOAD);
    if (!result.ok) throw new Error(result.message);
    const [leaf] = certificates(result.chainPem);
    expect(leaf!.subject ?? "").toBe("");
    expect(leaf!.subjectAltName).toBe(
      "URI:spiffe://cluster.local/ns/default/sa/backend, URI:weft://cluster.local/ns/default/workload/backend-v1",
    );
  });

  it("names the uid of a pod, and takes its request as bytes", async () => {
    const der = Buffer.from(csrPem.replaceAll(/-----[^-]+-----/g, ""), "base64");
    const result = await signWorkload(ca, der, { ...WORKLOAD, uid: "7f-1" });
    if (!result.ok) throw new Error(result.message);
    expect(peerIdentity(result.chainPem, "cluster.local")).toMatchObject({
      ok: true,
      workload: "backend-v1",
      uid: "7f-1",
    });
  });

  it("gives every certificate a serial number of its own", async () => {
    const serials = await Promise.all(
      [1, 2, 3].map(async () => certificates((await signed()).chainPem)[0]!.serialNumber),
    );
    expect(new Set(serials).size).toBe(3);
  });

  it("lets no leaf outlive the intermediate", async () => {
    expect((await signed({ ttlMs: 2 * INTERMEDIATE_LIFETIME_MS })).notAfterMs).toBe(ca.notAfterMs);
  });

  it.each([
    ["a namespace that is none", { namespace: "a/b" }, "namespace"],
    ["a service account that is none", { serviceAccount: "" }, "service account"],
    ["a workload name that is none", { workload: "../x" }, "workload name"],
    ["no lifetime", { ttlMs: 0 }, "lifetime"],
    ["an endless lifetime", { ttlMs: Number.POSITIVE_INFINITY }, "lifetime"],
    ["an intermediate that ended", { nowMs: NOW + INTERMEDIATE_LIFETIME_MS }, "intermediate ended"],
  ])("refuses %s", async (_what, change, reason) => {
    expect(await signWorkload(ca, csrPem, { ...WORKLOAD, ...change })).toEqual({
      ok: false,
      message: expect.stringContaining(reason),
    });
  });

  it("refuses a request that does not prove possession of its key", async () => {
    const der = Buffer.from(csrPem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    der[der.length - 1] = der[der.length - 1]! ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    expect(await signWorkload(ca, forged, WORKLOAD)).toEqual({
      ok: false,
      message: expect.stringContaining("not signed with the key"),
    });
  });

  it.each([
    [
      "RSA",
      { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    ],
    ["P-384", { name: "ECDSA", namedCurve: "P-384" }],
  ])("refuses a key of %s", async (_what, algorithm) => {
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
    const request = await Pkcs10CertificateRequestGenerator.create({
      keys,
      signingAlgorithm: { hash: "SHA-256", ...algorithm } as webcrypto.EcdsaParams,
    });
    expect(await signWorkload(ca, request.toString("pem"), WORKLOAD)).toEqual({
      ok: false,
      message: expect.stringContaining("must be ECDSA on P-256"),
    });
  });

  it.each([
    ["nothing", ""],
    ["text", "hello"],
    ["a certificate", () => ca.rootPem],
    ["a cut request", () => `${csrPem.slice(0, 120)}\n-----END CERTIFICATE REQUEST-----`],
    ["too much", "A".repeat(20_000)],
  ])("refuses %s in place of a request", async (_what, text) => {
    const result = await signWorkload(ca, typeof text === "string" ? text : text(), WORKLOAD);
    expect(result).toEqual({ ok: false, message: expect.stringMatching(/^the request/) });
  });

  it("refuses to make requests for keys of another kind", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    await expect(
      createCertificateRequest(privateKey.export({ format: "pem", type: "pkcs8" }).toString()),
    ).rejects.toThrow("P-256");
  });
});

describe("signServer", () => {
  it("names the control plane, which is no workload", async () => {
    const result = await signServer(ca, csrPem, {
      ttlMs: HOUR,
      nowMs: NOW,
      dnsNames: ["weft-control-plane.weft-system.svc"],
    });
    if (!result.ok) throw new Error(result.message);
    const [leaf] = certificates(result.chainPem);
    expect(leaf!.subjectAltName).toBe(
      `URI:${controlPlaneSpiffeId("cluster.local")}, DNS:weft-control-plane.weft-system.svc, DNS:localhost, IP Address:127.0.0.1`,
    );
    expect(peerIdentity(result.chainPem, "cluster.local")).toEqual({
      ok: false,
      message: expect.stringContaining("0 weft:// URIs"),
    });
  });
});

describe("replacedProblem", () => {
  const peer = { namespace: "default", workload: "web" };
  it.each([
    ["the same pod", { ...peer, uid: "1" }, { uid: "1" }, undefined],
    ["a workload without uids", peer, {}, undefined],
    ["nobody of that name, which the caller deals with", { ...peer, uid: "1" }, undefined, undefined],
    ["the pod before this one", { ...peer, uid: "1" }, { uid: "2" }, 'has uid "2" now'],
    ["a certificate without a uid for a pod", peer, { uid: "2" }, "with uid none"],
    ["a pod's certificate for what is no pod", { ...peer, uid: "1" }, {}, "has uid none now"],
  ])("judges %s", (_what, who, now, expected) => {
    const problem = replacedProblem(who, now);
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toContain(expected);
  });
});

describe("peerIdentity", () => {
  const expected = {
    ok: true,
    namespace: "default",
    serviceAccount: "backend",
    workload: "backend-v1",
    notAfterMs: NOW + HOUR,
  };

  it("reads PEM and DER", async () => {
    const { chainPem } = await signed();
    expect(peerIdentity(chainPem, "cluster.local")).toEqual(expected);
    expect(peerIdentity(certificates(chainPem)[0]!.raw, "cluster.local")).toEqual(expected);
  });

  const url = (value: string): JsonGeneralName => ({ type: "url", value });
  const sa = url("spiffe://cluster.local/ns/default/sa/backend");
  const instance = url("weft://cluster.local/ns/default/workload/backend-v1");
  it.each<[string, JsonGeneralName[], string]>([
    ["no SPIFFE id", [instance], "0 SPIFFE ids"],
    ["two SPIFFE ids", [sa, url("spiffe://cluster.local/ns/default/sa/admin"), instance], "2 SPIFFE ids"],
    ["two instances", [sa, instance, instance], "2 weft:// URIs"],
    [
      "another trust domain",
      [url("spiffe://evil/ns/default/sa/backend"), url("weft://evil/ns/default/workload/x")],
      'trust domain "evil"',
    ],
    ["an instance of another trust domain", [sa, url("weft://evil/ns/default/workload/x")], 'trust domain "evil"'],
    ["two namespaces", [sa, url("weft://cluster.local/ns/other/workload/x")], "two namespaces"],
    ["a SPIFFE id of another form", [url("spiffe://cluster.local/backend"), instance], "not of the form"],
    [
      "its name in a DNS entry only",
      [{ type: "dns", value: "spiffe://cluster.local/ns/default/sa/backend" }, instance],
      "0 SPIFFE ids",
    ],
  ])("refuses a certificate with %s", async (_what, names, reason) => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const leaf = await ca.issue({
      publicKey: new PublicKey(publicKey.export({ format: "der", type: "spki" })),
      names,
      notBeforeMs: NOW,
      notAfterMs: NOW + HOUR,
    });
    expect(peerIdentity(leaf.toString("pem"), "cluster.local")).toEqual({
      ok: false,
      message: expect.stringContaining(reason),
    });
  });

  it.each([
    ["text", "hello"],
    ["bytes", createHash("sha256").digest()],
    ["too much", "A".repeat(100_000)],
  ])("refuses %s in place of a certificate", (_what, input) => {
    expect(peerIdentity(input, "cluster.local")).toEqual({
      ok: false,
      message: expect.stringContaining("the peer's certificate"),
    });
  });
});
