import { createHash } from "node:crypto";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { anchorChain, openBroughtAuthority } from "../../control-plane/src/identity/brought-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import { peerIdentity } from "../../control-plane/src/identity/peer-identity.js";
import { splitCertificates } from "../../control-plane/src/identity/pem.js";
import { signWorkload } from "../../control-plane/src/identity/sign.js";
import { SubjectAlternativeNameExtension } from "../../control-plane/src/identity/x509.js";
import { brought, createLink, DAY_MS, type KeyKind, keyPemOf, type Link, pemOf } from "./brought.js";

const WEB = { namespace: "shop", workload: "web-1", serviceAccount: "web", uid: "u-1" };
const undo: (() => unknown)[] = [];
afterEach(() => {
  while (undo.length > 0) undo.pop()?.();
});

const options = () => ({ trustDomain: "cluster.local", nowMs: Date.now() });

/** Whether TLS takes the chain, when it trusts these roots. */
async function handshake(chainPem: string, keyPem: string, roots: string): Promise<TLSSocket> {
  const server = createServer({ cert: chainPem, key: keyPem, minVersion: "TLSv1.3" });
  undo.push(() => server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return new Promise((done, fail) => {
    const socket = connect({ host: "127.0.0.1", port, ca: roots, checkServerIdentity: () => undefined }, () =>
      done(socket),
    );
    undo.push(() => socket.destroy());
    socket.on("error", fail);
  });
}

describe("an authority of somebody else", () => {
  it.each<[string, readonly KeyKind[]]>([
    ["an RSA root that signs itself, as cert-manager makes one by default", ["rsa"]],
    ["an ECDSA root on P-384", ["p384"]],
    ["an intermediate on P-256 below an RSA root", ["p256", "rsa"]],
    ["two intermediates", ["p256", "p384", "rsa"]],
  ])("signs with %s, so that TLS takes it", async (_what, kinds) => {
    let chain: Link[] = [];
    for (const kind of [...kinds].reverse())
      chain = [await createLink(`link ${chain.length}`, kind, chain[0]), ...chain];
    const opened = await openBroughtAuthority(await brought(chain), options());
    if (!opened.ok) throw new Error(opened.message);
    const keyPem = await createPrivateKeyPem();
    const request = await createCertificateRequest(keyPem);
    const signed = await signWorkload(opened.value, request, { ...WEB, ttlMs: 3_600_000, nowMs: Date.now() });
    if (!signed.ok) throw new Error(signed.message);
    // The root is known to whoever trusts it.
    expect(splitCertificates(signed.chainPem)).toHaveLength(kinds.length);
    const socket = await handshake(signed.chainPem, keyPem, opened.value.rootPem);
    expect(socket.authorized).toBe(true);
    expect(peerIdentity(socket.getPeerCertificate().raw, "cluster.local")).toMatchObject({ ok: true, ...WEB });
  });

  it("gives no leaf that outlives any link of the chain", async () => {
    const endsMs = Math.floor(Date.now() / 1000) * 1000 + DAY_MS;
    const root = await createLink("root", "p256", undefined, { endsMs });
    const opened = await openBroughtAuthority(await brought([await createLink("ca", "p256", root), root]), options());
    expect(opened.ok && opened.value.notAfterMs).toBe(endsMs);
  });

  it("trusts all roots that come with it, each once, the one that it goes up to first", async () => {
    const [root, other] = [await createLink("root", "p256"), await createLink("other", "p256")];
    const ca = await createLink("ca", "p256", root);
    const chain = anchorChain({ chainPem: pemOf(ca, root), rootsPem: pemOf(other, root, other) });
    expect(chain).toEqual({
      ok: true,
      value: { signing: pemOf(ca), anchor: pemOf(root), roots: [pemOf(root), pemOf(other)], toSend: [pemOf(ca)] },
    });
  });
});

describe("an authority that does not fit together", () => {
  let root: Link;
  let ca: Link;
  beforeAll(async () => {
    root = await createLink("root", "p256");
    ca = await createLink("ca", "p256", root);
  });
  const uri = (value: string) => new SubjectAlternativeNameExtension([{ type: "url", value }]);
  it.each<[string, () => Promise<Partial<Awaited<ReturnType<typeof brought>>>>, string]>([
    ["no certificate", async () => ({ chainPem: "x" }), "tls.crt has no certificate"],
    ["no root", async () => ({ rootsPem: "" }), "ca.crt has no certificate"],
    ["too much", async () => ({ rootsPem: "x".repeat(70_000) }), "may have 65536 bytes"],
    ["too many", async () => ({ rootsPem: pemOf(...Array.from({ length: 17 }, () => root)) }), "may hold 16"],
    [
      "what is no certificate inside",
      async () => ({ chainPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }),
      "cannot be read",
    ],
    [
      "a leaf",
      async () => ({ chainPem: pemOf(await createLink("leaf", "p256", root, { isAuthority: false })) }),
      "not a certificate of an authority",
    ],
    ["another root", async () => ({ rootsPem: pemOf(await createLink("root", "p256")) }), "no root in ca.crt"],
    [
      "a chain in the wrong order",
      async () => ({ chainPem: pemOf(ca, await createLink("x", "p256", root)) }),
      "is not signed by the certificate after it",
    ],
    ["another key", async () => ({ keyPem: await keyPemOf(root) }), "tls.key does not belong"],
    ["no key", async () => ({ keyPem: "secret" }), "tls.key is not a private key"],
    [
      "an intermediate that ended",
      async () => brought([await createLink("ca", "p256", root, { endsMs: Date.now() - 1000 }), root]),
      "ended at",
    ],
    [
      "an authority of another trust domain",
      async () => brought([await createLink("ca", "p256", root, { extensions: [uri("spiffe://other")] }), root]),
      "not for spiffe://cluster.local",
    ],
    [
      "one that may not sign certificates",
      async () => brought([await createLink("ca", "p256", root, { isSigner: false }), root]),
      "not a certificate of an authority",
    ],
  ])("is refused: %s", async (_what, change, reason) => {
    const opened = await openBroughtAuthority({ ...(await brought([ca, root])), ...(await change()) }, options());
    expect(opened).toEqual({ ok: false, message: expect.stringContaining(reason) });
  });

  it("is not quoted", async () => {
    const secret = createHash("sha256").update("x").digest("hex");
    const opened = await openBroughtAuthority({ ...(await brought([ca, root])), keyPem: secret }, options());
    expect(JSON.stringify(opened)).not.toContain(secret);
  });
});
