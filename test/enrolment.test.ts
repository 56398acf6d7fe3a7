import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enrolFolder, enrolledSource, readEnrolment } from "../cli/src/sidecar/enrolled-identity.js";
import { enrol, renew } from "../cli/src/sidecar/enrolment-client.js";
import { loadOrCreateKey } from "../cli/src/sidecar/identity-folder.js";
import { createCertificateRequest, createPrivateKeyPem } from "../control-plane/src/identity/certificate-request.js";
import {
  ENROLMENT_PATHS,
  type EnrolmentServer,
  serveEnrolment,
} from "../control-plane/src/identity/enrolment-server.js";
import { parseToken } from "../control-plane/src/identity/enrolment-token.js";
import { openFolderStorage } from "../control-plane/src/identity/folder-storage.js";
import { createMeshAuthority, type MeshAuthority } from "../control-plane/src/identity/mesh-authority.js";
import { peerIdentity } from "../control-plane/src/identity/peer-identity.js";
import { identityFromAuthority, type TlsIdentitySource } from "../control-plane/src/identity/tls-identity.js";
import { loadTokenStore, type TokenStore } from "../control-plane/src/identity/token-store.js";

const HOUR = 3_600_000;
const WEB = { namespace: "default", workload: "web", serviceAccount: "web" };

let root: string;
let authority: MeshAuthority;
let tokens: TokenStore;
let identity: TlsIdentitySource;
let server: EnrolmentServer;
let lines: string[];
const known = new Map<string, { serviceAccount: string }>();
const undo: (() => unknown)[] = [];

const openAuthority = async (folder: string) =>
  createMeshAuthority({
    storage: await openFolderStorage(folder, "cluster.local"),
    trustDomain: "cluster.local",
    clockSkewMs: 0,
  });
const log = (message: string, fields?: unknown): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
const logger = { info: log, warn: log };

/** A control plane that serves enrolment from a folder. */
async function start(name = "authority", showing?: (own: TlsIdentitySource) => TlsIdentitySource): Promise<void> {
  const directory = join(root, name);
  authority = await openAuthority(directory);
  tokens = await loadTokenStore(join(directory, "tokens.json"));
  const own = await identityFromAuthority(authority, { ttlMs: HOUR, logger });
  identity = showing === undefined ? own : showing(own);
  const lookup = (namespace: string, workload: string) => known.get(`${namespace}/${workload}`);
  server = await serveEnrolment({
    host: "127.0.0.1",
    port: 0,
    identity,
    authority,
    tokens,
    lookup,
    ttlMs: HOUR,
    logger,
  });
  undo.push(
    () => server.close(),
    () => own.close(),
  );
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "weft-enrolment-"));
  lines = [];
  known.clear();
  known.set("default/web", { serviceAccount: "web" });
  await start();
});
afterEach(async () => {
  for (const end of undo.splice(0).reverse()) await end();
  await rm(root, { recursive: true, force: true });
});

const address = () => ({ host: "127.0.0.1", port: server.port });
const serverName = () => `127.0.0.1:${server.port}`;

async function token(subject = WEB, times: { ttlMs?: number; nowMs?: number } = {}): Promise<string> {
  const { fingerprint } = authority.generations.signing;
  const made = await tokens.create(subject, { ttlMs: HOUR, nowMs: Date.now(), ...times }, fingerprint);
  if (!made.ok) throw new Error(made.message);
  return made.value;
}

async function request(): Promise<{ readonly privateKey: string; readonly request: string }> {
  const privateKey = await createPrivateKeyPem();
  return { privateKey, request: await createCertificateRequest(privateKey) };
}

/** Enrols with the token as it is, by the client that workloads use. */
async function use(text: string) {
  const parsed = parseToken(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return enrol(address(), parsed.value, { text, ...(await request()) });
}

/** What a client without our rules would send. */
function post(path: string, body: string, tls: { cert?: string; key?: string } = {}) {
  return new Promise<{ status: number; retryAfter: string | undefined; body: string }>((done, fail) => {
    const call = httpsRequest(
      { ...address(), path, method: "POST", agent: false, rejectUnauthorized: false, ...tls },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () =>
          done({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"], body: text }),
        );
      },
    );
    call.on("error", fail);
    call.end(body);
  });
}

async function chainFor(signer: MeshAuthority, subject = WEB, times: { ttlMs?: number; nowMs?: number } = {}) {
  const own = await request();
  const signed = await signer.signWorkload(own.request, { ...subject, ttlMs: HOUR, nowMs: Date.now(), ...times });
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, ...own };
}

const trust = () => ({ roots: authority.trustBundle, trustDomain: "cluster.local" });

describe("enrolment with a one-time token", () => {
  it("gives a folder its certificate and the roots; the key is made there and stays there", async () => {
    const folder = join(root, "web");
    const enrolment = await enrolFolder(folder, serverName(), `${await token()}\n`);
    expect(enrolment).toEqual({ server: serverName(), trustDomain: "cluster.local", ...WEB });
    expect(await readEnrolment(folder)).toEqual(enrolment);
    const chain = await readFile(join(folder, "identity/cert.pem"), "utf8");
    expect(peerIdentity(chain, "cluster.local")).toMatchObject({ ok: true, ...WEB });
    expect(await readFile(join(folder, "identity/root.pem"), "utf8")).toBe(authority.trustBundle);
    expect((await stat(join(folder, "identity/key.pem"))).mode & 0o777).toBe(0o600);
    expect(authority.issued()).toMatchObject([{ workload: "default/web" }]);
  });

  it("keeps a hash of a token only, and logs none", async () => {
    const text = await token();
    const secret = text.split(".")[2] ?? "";
    await use(text);
    await expect(use(text)).rejects.toThrow();
    const stored = await readFile(join(root, "authority/tokens.json"), "utf8");
    expect((await stat(join(root, "authority/tokens.json"))).mode & 0o777).toBe(0o600);
    expect(stored).not.toContain(secret);
    expect(stored).toContain(createHash("sha256").update(secret).digest("hex"));
    expect(lines.join("\n")).toContain("enrolled with a token");
    expect(lines.join("\n")).not.toContain(secret);
  });

  it("takes a token once, also after a restart, and of two who come at once one", async () => {
    const [first, second] = [await token(), await token()];
    await use(first);
    await expect(use(first)).rejects.toThrow("the token was used at 20");
    const both = await Promise.allSettled([use(second), use(second)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const unused = await token();
    await start();
    await expect(use(first)).rejects.toThrow("the token was used at 20");
    await expect(use(unused)).resolves.toMatchObject(WEB);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["that ended", () => token(WEB, { nowMs: Date.now() - 2 * HOUR }), /the token ended at 20.*make another/],
    [
      "with another secret",
      async () => (await token()).replace(/\.[^.]{43}\./, `.${"A".repeat(43)}.`),
      /does not know this token/,
    ],
    [
      "that nobody made",
      async () => (await token()).replace(/\.[0-9a-f]{16}\./, ".0123456789abcdef."),
      /does not know/,
    ],
    [
      "of another mesh",
      async () => (await token()).replace(/[0-9a-f]{64}$/, "0".repeat(64)),
      /is not the control plane that made the token: it has another root/,
    ],
    ["for a workload that is gone", () => token({ ...WEB, workload: "gone" }), /knows no workload default\/gone/],
    [
      "from before the service account changed",
      () => token({ ...WEB, serviceAccount: "old" }),
      /has service account web now/,
    ],
  ])("refuses a token %s", async (_what, make, message) => {
    await expect(use(await make())).rejects.toMatchObject({
      code: "identity",
      message: expect.stringMatching(message),
    });
    expect(authority.issued()).toEqual([]);
  });

  it("tells a token to nobody who cannot prove to be the control plane", async () => {
    const text = await token();
    // A workload of the mesh has a certificate of the same authority.
    const impostor = await chainFor(authority);
    await start("authority", (own) => ({ ...own, current: { ...own.current, ...impostor } }));
    await expect(use(text)).rejects.toThrow(
      /its certificate is for URI:spiffe:\/\/cluster.local\/ns\/default\/sa\/web.*not for/,
    );
    // It could show the root of the mesh, but has no certificate of it.
    const { trustBundle } = authority;
    await start("stranger", (own) => own);
    const stranger = authority;
    Object.defineProperty(stranger, "trustBundle", { value: trustBundle });
    await expect(use(text)).rejects.toThrow(/self-signed certificate|unable to (get|verify)/);
    expect(lines.filter((line) => line.includes("refused"))).toEqual([]);
  });

  it("uses no token up for a request that cannot be signed", async () => {
    const text = await token();
    for (const bad of ["", "hello", "A".repeat(20_000)]) {
      const answer = await post(ENROLMENT_PATHS.enrol, JSON.stringify({ token: text, request: bad }));
      expect(answer.status).toBe(400);
    }
    await expect(use(text)).resolves.toMatchObject(WEB);
  });

  it.each([
    ["no JSON", "{", 400],
    ["no object", "null", 403],
    ["too much", "x".repeat(100_000), 413],
    ["no token", "{}", 403],
  ])("answers a client that sends %s", async (_what, body, status) => {
    expect((await post(ENROLMENT_PATHS.enrol, body)).status).toBe(status);
  });

  it("lets whoever guesses wait", async () => {
    for (let i = 0; i < 10; i++) expect((await post(ENROLMENT_PATHS.enrol, '{"token":"guess"}')).status).toBe(403);
    const answer = await post(ENROLMENT_PATHS.enrol, '{"token":"guess"}');
    expect(answer.status).toBe(429);
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    await expect(use(await token())).rejects.toThrow("too many tokens were refused");
  });
});

describe("renewal with the certificate that there is", () => {
  it("gives the caller's own identity, whatever the request says", async () => {
    const own = await chainFor(authority);
    const issued = await renew(address(), trust(), own);
    expect(issued).toMatchObject(WEB);
    expect(issued.certificateChain).not.toBe(own.certificateChain);
    const sneaky = { request: own.request, namespace: "default", workload: "admin", serviceAccount: "admin" };
    const { certificateChain: cert, privateKey: key } = own;
    const answer = await post(ENROLMENT_PATHS.renew, JSON.stringify(sneaky), { cert, key });
    expect(peerIdentity(JSON.parse(answer.body).certificateChain, "cluster.local")).toMatchObject({ ok: true, ...WEB });
  });

  it("brings a folder a new certificate, new roots, and the news that it should renew", async () => {
    const folder = join(root, "web");
    const enrolment = await enrolFolder(folder, serverName(), await token());
    const source = enrolledSource(folder, enrolment, await loadOrCreateKey(folder));
    const chain = () => readFile(join(folder, "identity/cert.pem"), "utf8");
    const first = await chain();
    expect(await source.look()).toBe(false);
    await authority.rotateRoot();
    expect(await source.look()).toBe(false);
    expect(await readFile(join(folder, "identity/root.pem"), "utf8")).toBe(authority.trustBundle);
    await authority.advance(() => [{ workload: "default/web", hasBundle: true }]);
    expect(await source.look()).toBe(true);
    await source.request();
    expect(await chain()).not.toBe(first);
    expect(await source.look()).toBe(false);
  });

  it.each<[string, () => Promise<{ cert?: string; key?: string }>, number, RegExp]>([
    ["no certificate", async () => ({}), 401, /a client certificate of the mesh is needed/],
    [
      "a certificate that has ended",
      async () => pair(await chainFor(authority, WEB, { nowMs: Date.now() - 2 * HOUR })),
      401,
      /not accepted: CERT_HAS_EXPIRED/,
    ],
    [
      "a certificate of an unknown authority",
      async () => pair(await chainFor(await openAuthority(join(root, "other")))),
      401,
      /not accepted/,
    ],
    ["the certificate of the control plane", async () => pair(identity.current), 401, /has 0 weft:\/\/ URIs/],
    [
      "the certificate of a workload that is gone",
      async () => pair(await chainFor(authority, { ...WEB, workload: "gone" })),
      403,
      /knows no workload default\/gone/,
    ],
    [
      "the certificate of another service account than now",
      async () => pair(await chainFor(authority, { ...WEB, serviceAccount: "old" })),
      403,
      /has service account web now, not old/,
    ],
  ])("refuses %s", async (_what, make, status, message) => {
    const body = JSON.stringify(await request());
    const answer = await post(ENROLMENT_PATHS.renew, body, await make());
    expect([answer.status, answer.body]).toEqual([status, expect.stringMatching(message)]);
  });

  it("says so when there is nothing at a path", async () => {
    expect((await post("/v1/nothing", "")).status).toBe(404);
  });
});

function pair({ certificateChain, privateKey }: { certificateChain: string; privateKey: string }) {
  return { cert: certificateChain, key: privateKey };
}
