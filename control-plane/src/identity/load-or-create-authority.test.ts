import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { INTERMEDIATE_LIFETIME_MS, ROOT_LIFETIME_MS } from "./authority-material.js";
import { createCertificateAuthority } from "./certificate-authority.js";
import { loadOrCreateAuthority } from "./load-or-create-authority.js";

const NOW = Date.UTC(2026, 0, 1);
const OPTIONS = { trustDomain: "cluster.local", nowMs: NOW };
const YEAR = INTERMEDIATE_LIFETIME_MS;

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "weft-ca-"));
  folder = join(parent, "state", "ca");
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function contents(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    (await readdir(folder)).sort().map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const),
  );
  return Object.fromEntries(entries);
}

describe("loadOrCreateAuthority", () => {
  it("makes an authority that only its owner can read, and finds it again", async () => {
    const created = await loadOrCreateAuthority(folder, OPTIONS);
    const before = await contents();
    expect(Object.keys(before)).toEqual(["intermediate.pem", "root-key.pem", "root.pem"]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of Object.keys(before)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);

    const loaded = await loadOrCreateAuthority(folder, OPTIONS);
    expect([loaded.rootPem, loaded.intermediatePem]).toEqual([created.rootPem, created.intermediatePem]);
    expect(await contents()).toEqual(before);
    expect(await readdir(join(parent, "state"))).toEqual(["ca"]);
  });

  it("makes one authority when several ask at once", async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => loadOrCreateAuthority(folder, OPTIONS)));
    expect(new Set(all.map((ca) => ca.rootPem)).size).toBe(1);
    expect(await readdir(join(parent, "state"))).toEqual(["ca"]);
  });

  it.each([
    ["half a year", NOW + YEAR * 0.5, false],
    ["nine months", NOW + YEAR * 0.75, true],
    ["three years", NOW + YEAR * 3, true],
  ])("after %s keeps the root and renews the intermediate when it is due", async (_when, nowMs, isRenewed) => {
    const created = await loadOrCreateAuthority(folder, OPTIONS);
    const loaded = await loadOrCreateAuthority(folder, { ...OPTIONS, nowMs });
    expect(loaded.rootPem).toBe(created.rootPem);
    expect(loaded.intermediatePem !== created.intermediatePem).toBe(isRenewed);
    const again = await loadOrCreateAuthority(folder, { ...OPTIONS, nowMs });
    expect(again.intermediatePem).toBe(loaded.intermediatePem);
  });

  it("works without the root's key until the intermediate ends", async () => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await rm(join(folder, "root-key.pem"));
    const loaded = await loadOrCreateAuthority(folder, { ...OPTIONS, nowMs: NOW + YEAR * 0.9 });
    expect(loaded.notAfterMs).toBe(NOW + YEAR);
    await expect(loadOrCreateAuthority(folder, { ...OPTIONS, nowMs: NOW + YEAR * 2 })).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("intermediate certificate ended"),
    });
  });

  it.each([
    ["root.pem", "damaged"],
    ["root-key.pem", "damaged"],
    ["intermediate.pem", "damaged"],
  ])("refuses a %s that was cut, and touches nothing", async (name, code) => {
    await loadOrCreateAuthority(folder, OPTIONS);
    const file = join(folder, name);
    await writeFile(file, (await readFile(file, "utf8")).slice(0, 100));
    const before = await contents();
    await expect(loadOrCreateAuthority(folder, OPTIONS)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(folder),
    });
    expect(await contents()).toEqual(before);
  });

  it.each(["root.pem", "intermediate.pem"])("refuses a folder without %s, and makes no other root", async (name) => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await rm(join(folder, name));
    const before = await contents();
    await expect(loadOrCreateAuthority(folder, OPTIONS)).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining(name),
    });
    expect(await contents()).toEqual(before);
  });

  it("refuses a root that did not sign the intermediate", async () => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await writeFile(join(folder, "root.pem"), (await createCertificateAuthority(OPTIONS)).rootPem);
    await expect(loadOrCreateAuthority(folder, OPTIONS)).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("the intermediate certificate is not signed by the root"),
    });
  });

  it("refuses a root that ended", async () => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await expect(loadOrCreateAuthority(folder, { ...OPTIONS, nowMs: NOW + ROOT_LIFETIME_MS })).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("root certificate ended"),
    });
  });

  it("refuses an authority of another trust domain", async () => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await expect(loadOrCreateAuthority(folder, { ...OPTIONS, trustDomain: "other" })).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("spiffe://cluster.local, not for spiffe://other"),
    });
  });

  it.each([
    ["the folder", "", 0o755],
    ["the root's key", "root-key.pem", 0o640],
    ["the intermediate", "intermediate.pem", 0o604],
  ])("refuses when others can read %s", async (_what, name, mode) => {
    await loadOrCreateAuthority(folder, OPTIONS);
    await chmod(join(folder, name), mode);
    await expect(loadOrCreateAuthority(folder, OPTIONS)).rejects.toMatchObject({
      code: "exposed",
      message: expect.stringContaining(`chmod ${name === "" ? "700" : "600"} ${join(folder, name)}`),
    });
  });

  it("refuses a trust domain that is none", async () => {
    await expect(loadOrCreateAuthority(folder, { trustDomain: "A B" })).rejects.toMatchObject({ code: "trust-domain" });
  });
});
