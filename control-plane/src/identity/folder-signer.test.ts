import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { signerOf } from "../../../test/workload-signer.js";
import { type CertificateAuthority, createCertificateAuthority } from "./certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem, isCertificateForKey } from "./certificate-request.js";
import { createFolderSigner, type FolderSigner } from "./folder-signer.js";
import { peerIdentity } from "./peer-identity.js";
import { workloadFolder, workloadOfFolder } from "./workload-folder.js";

const WAIT = { timeout: 60_000, interval: 20 };

let workloadsDir: string;
let ca: CertificateAuthority;
let signer: FolderSigner | undefined;
let lines: string[];
const known = new Map<string, { serviceAccount: string }>();

beforeEach(async () => {
  workloadsDir = await mkdtemp(join(tmpdir(), "weft-signer-"));
  ca = await createCertificateAuthority({ trustDomain: "cluster.local" });
  lines = [];
  known.clear();
  known.set("default/app-1", { serviceAccount: "app" });
});
afterEach(async () => {
  await signer?.close();
  signer = undefined;
  await rm(workloadsDir, { recursive: true, force: true });
});

async function start(authority = ca): Promise<FolderSigner> {
  await signer?.close();
  const log = (message: string): void => void lines.push(message);
  signer = await createFolderSigner({
    authority: signerOf(authority),
    workloadsDir,
    lookup: (namespace, name) => known.get(`${namespace}/${name}`),
    logger: { info: log, warn: log, error: log },
  });
  return signer;
}

async function request(folder: string, text?: string): Promise<string> {
  const identity = join(workloadsDir, folder, "identity");
  await mkdir(identity, { recursive: true });
  const keyPem = await createPrivateKeyPem();
  await writeFile(join(identity, "request.pem"), text ?? (await createCertificateRequest(keyPem)));
  return keyPem;
}

const read = (folder: string, file: string): Promise<string> =>
  readFile(join(workloadsDir, folder, "identity", file), "utf8");

describe("createFolderSigner", () => {
  it("signs a request that is there, and one that comes later", async () => {
    known.set("default/app-2", { serviceAccount: "app" });
    const first = await request("default.app-1");
    await start();
    const second = await request("default.app-2");
    await vi.waitFor(
      async () => expect(isCertificateForKey(await read("default.app-2", "cert.pem"), second)).toBe(true),
      WAIT,
    );
    expect(isCertificateForKey(await read("default.app-1", "cert.pem"), first)).toBe(true);
    expect(await read("default.app-1", "root.pem")).toBe(ca.rootPem);
    expect(peerIdentity(await read("default.app-1", "cert.pem"), "cluster.local")).toMatchObject({
      ok: true,
      namespace: "default",
      serviceAccount: "app",
      workload: "app-1",
    });
    expect((await readdir(join(workloadsDir, "default.app-1", "identity"))).sort()).toEqual([
      "cert.pem",
      "request.pem",
      "root.pem",
    ]);
  });

  it("refuses a workload that the mesh does not know, says so once, and signs when it is known", async () => {
    const keyPem = await request("default.stranger");
    const running = await start();
    await running.scan();
    expect(lines).toEqual([
      expect.stringContaining(
        "default.stranger: the request is not signed: the mesh knows no workload default/stranger",
      ),
    ]);
    expect(await readdir(join(workloadsDir, "default.stranger", "identity"))).toEqual(["request.pem"]);
    known.set("default/stranger", { serviceAccount: "stranger" });
    await running.scan();
    expect(isCertificateForKey(await read("default.stranger", "cert.pem"), keyPem)).toBe(true);
  });

  it.each([
    ["no request at all", "hello", "is not a PKCS#10 request"],
    ["far too much", "A".repeat(100_000), "100000 bytes"],
  ])("refuses %s", async (_what, text, reason) => {
    await request("default.app-1", text);
    await start();
    expect(lines).toEqual([expect.stringContaining(reason)]);
    expect(await readdir(join(workloadsDir, "default.app-1", "identity"))).toEqual(["request.pem"]);
  });

  it("leaves alone what is signed, and signs again when the request is written again", async () => {
    await request("default.app-1");
    const running = await start();
    const before = await read("default.app-1", "cert.pem");
    await running.scan();
    expect(await read("default.app-1", "cert.pem")).toBe(before);
    const later = new Date(Date.now() + 5_000);
    await utimes(join(workloadsDir, "default.app-1", "identity", "request.pem"), later, later);
    await running.scan();
    expect(await read("default.app-1", "cert.pem")).not.toBe(before);
  });

  it("signs again under another root, and for another service account", async () => {
    await request("default.app-1");
    await start();
    const other = await createCertificateAuthority({ trustDomain: "cluster.local" });
    const running = await start(other);
    expect(await read("default.app-1", "root.pem")).toBe(other.rootPem);
    known.set("default/app-1", { serviceAccount: "app-new" });
    await running.scan();
    expect(peerIdentity(await read("default.app-1", "cert.pem"), "cluster.local")).toMatchObject({
      serviceAccount: "app-new",
    });
  });
});

describe("workload folders", () => {
  it.each([
    ["default", "app-1"],
    ["n", "app.v1.2"],
  ])("%s/%s has one of its own", (namespace, name) => {
    expect(workloadOfFolder(workloadFolder("/w", { namespace, name }).slice("/w/".length))).toEqual({
      namespace,
      name,
    });
  });

  it.each(["", "default", ".app", "default."])("%j is none", (folder) =>
    expect(workloadOfFolder(folder)).toBeUndefined(),
  );
});
