import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCertificateRequest, createPrivateKeyPem } from "./certificate-request.js";
import { openFolderStorage } from "./folder-storage.js";
import { loadOrCreateAuthority } from "./load-or-create-authority.js";
import { createMeshAuthority, type MeshAuthority } from "./mesh-authority.js";
import { isSignedBy, splitCertificates } from "./pem.js";

const HOUR = 3_600_000;
const WEB = { namespace: "default", workload: "web", serviceAccount: "web" };
const TRUSTS = [{ workload: "default/web", hasBundle: true }];
const LAGS = [{ workload: "default/web", hasBundle: false }];

let parent: string;
let directory: string;
let request: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "weft-mesh-ca-"));
  directory = join(parent, "authority");
  request = await createCertificateRequest(await createPrivateKeyPem());
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const open = async () =>
  createMeshAuthority({
    storage: await openFolderStorage(directory, "cluster.local"),
    trustDomain: "cluster.local",
    clockSkewMs: 0,
  });

async function sign(authority: MeshAuthority, ttlMs = HOUR): Promise<string> {
  const signed = await authority.signWorkload(request, { ...WEB, ttlMs, nowMs: Date.now() });
  if (!signed.ok) throw new Error(signed.message);
  return signed.chainPem;
}

/** A certificate that has ended by the time that this resolves. */
async function signBriefly(authority: MeshAuthority): Promise<void> {
  await sign(authority, 1);
  while (authority.issued().length > 0) await new Promise((done) => setTimeout(done, 5));
}

const rootsOf = (authority: MeshAuthority) => splitCertificates(authority.trustBundle);

describe("a rotation of the root", () => {
  it("gives the new root to all first, signs with it, and drops the old one when nobody has a certificate of it", async () => {
    const authority = await open();
    const old = rootsOf(authority)[0];
    await signBriefly(authority);
    expect(await authority.rotateRoot()).toMatchObject({ ok: true });
    expect(rootsOf(authority)).toHaveLength(2);
    expect(authority.generations.signing.rootPem).toBe(old);
    expect(await authority.advance(() => LAGS)).toEqual([]);
    expect(authority.obstacles).toEqual([
      { workload: "default/web", message: "has not acknowledged the new root yet" },
    ]);
    expect(await authority.advance(() => TRUSTS)).toHaveLength(2);
    expect(authority.phase).toBe("none");
    expect(rootsOf(authority)).toEqual([authority.generations.signing.rootPem]);
    expect(rootsOf(authority)).not.toContain(old);
    // The keys of what nobody trusts are gone.
    expect((await readdir(directory)).sort()).toEqual(["generation-2", "generations.json", "issued.json"]);
  });

  it("asks who trusts the new root only when that root is being given", async () => {
    const authority = await open();
    const { trustBundle } = authority;
    const rotated = authority.rotateRoot();
    const hasBundle = () => authority.trustBundle === trustBundle;
    // Asked for meanwhile; whoever trusts the old bundle is behind by then.
    const advanced = authority.advance(() => [{ workload: "default/web", hasBundle: hasBundle() }]);
    expect([(await rotated).ok, await advanced, authority.phase]).toEqual([true, [], "distributing"]);
  });

  it("waits for workloads that are away and have a certificate", async () => {
    const authority = await open();
    await sign(authority);
    await authority.rotateRoot();
    expect(await authority.advance(() => [])).toEqual([]);
    expect(authority.obstacles[0]?.message).toMatch(/^is not connected, and has a certificate until 20/);
    expect(await authority.advance(() => TRUSTS)).toHaveLength(1);
    expect(authority.phase).toBe("retiring");
  });

  it("refuses to drop a root that is in use, and says who uses it until when", async () => {
    const authority = await open();
    await sign(authority);
    await authority.rotateRoot();
    await authority.advance(() => TRUSTS);
    // It has a new one too; the old one is valid all the same.
    expect(isSignedBy(await sign(authority), authority.generations.signing.authority.intermediatePem)).toBe(true);
    expect(await authority.dropRoot()).toMatchObject({
      ok: false,
      message: "the old root is in use",
      obstacles: [{ workload: "default/web", message: expect.stringMatching(/^has a certificate of it until 20/) }],
    });
    expect(rootsOf(authority)).toHaveLength(2);
  });

  it("lets the control plane go over to the new root last, before the old one is dropped", async () => {
    const authority = await open();
    const lifetime = { ttlMs: 1000, nowMs: Date.now() };
    const signers: string[] = [];
    const look = async () => {
      const signed = await authority.signControlPlane(request, lifetime);
      const { signing, retiring } = authority.generations;
      if (!signed.ok) throw new Error(signed.message);
      const isNew = isSignedBy(signed.chainPem, signing.authority.intermediatePem);
      signers.push(`${authority.phase} ${isNew ? "signing" : "retiring"} ${retiring ? "both" : "one"}`);
    };
    authority.subscribe(look);
    await authority.rotateRoot();
    await authority.advance(() => []);
    expect(signers).toEqual([
      "distributing signing one",
      "retiring retiring both",
      "retiring signing both",
      "none signing one",
    ]);
  });

  it("goes on where it was after a restart, in each phase", async () => {
    let authority = await open();
    await sign(authority);
    await authority.rotateRoot();
    const { trustBundle } = authority;
    authority = await open();
    expect([authority.phase, authority.trustBundle]).toEqual(["distributing", trustBundle]);
    await authority.advance(() => TRUSTS);
    authority = await open();
    expect(authority.phase).toBe("retiring");
    expect(new Set(rootsOf(authority))).toEqual(new Set(splitCertificates(trustBundle)));
    expect(await authority.advance(() => TRUSTS)).toEqual([]);
    expect(authority.obstacles).toHaveLength(1);
    expect(await authority.dropRoot()).toMatchObject({ ok: false });
  });

  it("can be given up before the new root signs, and not later", async () => {
    const authority = await open();
    const before = authority.trustBundle;
    await authority.rotateRoot();
    expect(await authority.abort()).toMatchObject({ ok: true });
    expect(authority.trustBundle).toBe(before);
    expect(await authority.abort()).toMatchObject({ ok: false });
    await sign(authority);
    await authority.rotateRoot();
    await authority.advance(() => TRUSTS);
    expect(await authority.abort()).toMatchObject({ ok: false });
  });

  it("is one at a time, and there is nothing to drop without one", async () => {
    const authority = await open();
    expect(await authority.dropRoot()).toMatchObject({ ok: false });
    expect((await Promise.all([authority.rotateRoot(), authority.rotateRoot()])).map(({ ok }) => ok)).toEqual([
      true,
      false,
    ]);
  });

  it("can follow another", async () => {
    const authority = await open();
    for (const folder of ["generation-2", "generation-3"]) {
      await authority.rotateRoot();
      await authority.advance(() => []);
      expect(await readdir(directory)).toContain(folder);
    }
    expect((await readdir(directory)).sort()).toEqual(["generation-3", "generations.json"]);
    expect((await loadOrCreateAuthority(directory, { trustDomain: "cluster.local" })).rootPem).toBe(
      authority.trustBundle,
    );
  });
});

describe("an authority from before its certificates were recorded", () => {
  it("is taken to have given away some that live for a day", async () => {
    await loadOrCreateAuthority(directory, { trustDomain: "cluster.local" });
    const authority = await open();
    await authority.rotateRoot();
    await authority.advance(() => []);
    expect(authority.obstacles).toMatchObject([{ workload: "(unknown)" }]);
  });
});

describe("a rotation of the intermediate", () => {
  it("keeps the root; certificates of the old one are not current any more", async () => {
    const authority = await open();
    const chain = await sign(authority);
    const { trustBundle } = authority;
    expect(authority.isCurrent(chain)).toBe(true);
    expect(await authority.rotateIntermediate()).toMatchObject({ ok: true });
    expect(authority.trustBundle).toBe(trustBundle);
    expect(authority.isCurrent(chain)).toBe(false);
    expect(authority.isCurrent(await sign(authority))).toBe(true);
  });

  it("says where the root's key has to be", async () => {
    let authority = await open();
    await rm(join(directory, "root-key.pem"));
    authority = await open();
    expect(await authority.rotateIntermediate()).toMatchObject({
      ok: false,
      message: expect.stringContaining("put root-key.pem back"),
    });
    // A new root does not need it.
    expect(await authority.rotateRoot()).toMatchObject({ ok: true });
  });
});

describe("files that are damaged", () => {
  it.each([
    ["generations.json", "{", "does not name the folders of the roots"],
    ["generations.json", '{"signing":"../elsewhere"}', "does not name the folders of the roots"],
    ["generations.json", '{"signing":".","next":"."}', "does not name the folders of the roots"],
    ["generations.json", '{"signing":"generation-7"}', "put back a copy"],
    ["issued.json", "[", "is no record of certificates"],
  ])("%s with %s: an error that names the file", async (file, text, message) => {
    await open();
    await writeFile(join(directory, file), text, { mode: 0o600 });
    const before = await readFile(join(directory, "root.pem"), "utf8");
    await expect(open()).rejects.toMatchObject({ code: "damaged", message: expect.stringContaining(message) });
    expect(await readFile(join(directory, "root.pem"), "utf8")).toBe(before);
  });
});
