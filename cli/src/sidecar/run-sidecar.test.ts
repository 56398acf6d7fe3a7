import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "@weft/control-plane/identity/certificate-authority";
import { createCertificateRequest, createPrivateKeyPem } from "@weft/control-plane/identity/certificate-request";
import { controlPlaneSpiffeId } from "@weft/control-plane/identity/control-plane-id";
import { createFolderSigner, type FolderSigner } from "@weft/control-plane/identity/folder-signer";
import { type PeerIdentity, peerIdentity } from "@weft/control-plane/identity/peer-identity";
import { signServer, signWorkload } from "@weft/control-plane/identity/sign";
import { workloadFolder } from "@weft/control-plane/identity/workload-folder";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { signerOf } from "../../../test/workload-signer.js";
import { adminStatus } from "./envoy-process.js";
import { findProcess, killProcess } from "./process-table.js";
import { cleanUpStale } from "./run-record.js";
import { runSidecar, type Sidecar, type SidecarOptions } from "./run-sidecar.js";

const CACHE = join(homedir(), ".cache/weft");
const ENVOY = process.env.ENVOY_PATH ?? join(CACHE, "envoy-1.40.0/envoy");
const FUNC_E = process.env.FUNC_E_PATH ?? join(CACHE, "func-e-1.6.0/func-e");
const WAIT = { timeout: 60_000, interval: 50 };
const NAME = { namespace: "default", name: "app-1" };

interface Peer {
  readonly identity: PeerIdentity;
  readonly serialNumber: string;
}

/** Plays the control plane: TLS with client certificates, and an empty mesh for whoever asks. */
interface AdsEndpoint {
  readonly port: number;
  readonly peers: Peer[];
  disconnect(): void;
  close(): void;
}

async function createAdsEndpoint(ca: CertificateAuthority): Promise<AdsEndpoint> {
  const key = await createPrivateKeyPem();
  const signed = await signServer(ca, await createCertificateRequest(key), { ttlMs: 3_600_000, nowMs: Date.now() });
  if (!signed.ok) throw new Error(signed.message);
  const tls = {
    key,
    cert: signed.chainPem,
    ca: ca.rootPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
  } as const;
  const server: Http2SecureServer = createSecureServer(tls);
  const sessions = new Set<ServerHttp2Session>();
  const peers: Peer[] = [];
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
    const certificate = (session.socket as TLSSocket).getPeerCertificate();
    peers.push({ identity: peerIdentity(certificate.raw, "cluster.local"), serialNumber: certificate.serialNumber });
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.on("data", (data: Buffer) => {
      for (const kind of ["cluster.v3.Cluster", "listener.v3.Listener"])
        if (data.includes(kind)) stream.write(emptyResponse(`type.googleapis.com/envoy.config.${kind}`));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const disconnect = (): void => {
    for (const session of sessions) session.destroy();
  };
  return {
    port: address.port,
    peers,
    disconnect,
    close: () => {
      disconnect();
      server.close();
    },
  };
}

/** A DeltaDiscoveryResponse without resources: fields 1 (version), 4 (type URL) and 5 (nonce), in a gRPC frame. */
function emptyResponse(typeUrl: string): Buffer {
  const fields = [[1, "1"] as const, [4, typeUrl] as const, [5, typeUrl] as const];
  const message = Buffer.concat(
    fields.map(([field, text]) => Buffer.from([(field << 3) | 2, text.length, ...Buffer.from(text)])),
  );
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

let workloadsDir: string;
let workloadDir: string;
let ca: CertificateAuthority;
let ads: AdsEndpoint;
let lines: string[];
let signer: FolderSigner | undefined;
let sidecar: Sidecar | undefined;

const log = (message: string): void => void lines.push(message);
const logger = { info: log, warn: log, error: log };

beforeEach(async () => {
  workloadsDir = await realpath(await mkdtemp(join(tmpdir(), "weft-sidecar-")));
  workloadDir = workloadFolder(workloadsDir, NAME);
  ca = await createCertificateAuthority({ trustDomain: "cluster.local" });
  ads = await createAdsEndpoint(ca);
  lines = [];
});
afterEach(async () => {
  await sidecar?.stop();
  await signer?.close();
  sidecar = undefined;
  signer = undefined;
  ads.close();
  await rm(workloadsDir, { recursive: true, force: true });
});

/** An address of its own, so that tests that run at the same time do not meet. */
function freshAddress(): string {
  const part = (): number => 1 + Math.floor(Math.random() * 250);
  return `127.${60 + Math.floor(Math.random() * 60)}.${part()}.${part()}`;
}

function optionsOf(change: Partial<SidecarOptions> = {}): SidecarOptions {
  return {
    ...NAME,
    workloadDir,
    address: freshAddress(),
    serviceAccount: "app",
    xdsAddress: { host: "127.0.0.1", port: ads.port },
    envoyPath: ENVOY,
    funcEPath: FUNC_E,
    trustDomain: "cluster.local",
    controlPlaneId: controlPlaneSpiffeId("cluster.local"),
    drainMs: 50,
    logger,
    ...change,
  };
}

async function startSigner(ttlMs = 3_600_000): Promise<void> {
  const lookup = (): { serviceAccount: string } => ({ serviceAccount: "app" });
  signer = await createFolderSigner({ authority: signerOf(ca), workloadsDir, lookup, logger, ttlMs });
}

const names = async (pids: readonly number[]): Promise<(string | undefined)[]> =>
  Promise.all(pids.map(async (pid) => (await findProcess(pid))?.name));

const envoyPid = async (pids: readonly number[]): Promise<number> => {
  const index = (await names(pids)).indexOf("envoy");
  return pids[index]!;
};

describe("runSidecar", () => {
  it("gets an identity, connects with it, becomes ready, and leaves nothing behind", async () => {
    await startSigner();
    const options = optionsOf();
    sidecar = await runSidecar(options);
    expect(await sidecar.ready).toBe(true);
    expect(sidecar.adminAddress).toBe(`${options.address}:15000`);
    expect(ads.peers[0]?.identity).toMatchObject({
      ok: true,
      namespace: "default",
      serviceAccount: "app",
      workload: "app-1",
    });
    const { pids } = sidecar;
    expect(await names(pids)).toEqual(expect.arrayContaining(["func-e", "envoy"]));
    const answers = await Promise.all(
      ["15021/healthz/ready", "15021/quitquitquit", "15090/stats/prometheus", "15090/config_dump"].map(
        async (path) => (await fetch(`http://${options.address}:${path}`)).status,
      ),
    );
    expect(answers).toEqual([200, 404, 200, 404]);

    await sidecar.stop();
    expect(sidecar.pids).toEqual([]);
    expect(await names(pids)).toEqual(pids.map(() => undefined));
    expect(await readdir(workloadDir)).not.toContain("run.json");
    expect(await readFile(join(workloadDir, "envoy.log"), "utf8")).not.toMatch(/\[critical\]/);
  });

  it("renews its certificate without a restart, and shows the new one to the control plane", async () => {
    await startSigner(6_000);
    sidecar = await runSidecar(optionsOf());
    expect(await sidecar.ready).toBe(true);
    const { pids } = sidecar;
    const first = await readFile(join(workloadDir, "identity/cert.pem"), "utf8");
    await vi.waitFor(
      async () => expect(await readFile(join(workloadDir, "identity/cert.pem"), "utf8")).not.toBe(first),
      WAIT,
    );
    await vi.waitFor(
      () => {
        ads.disconnect();
        expect(new Set(ads.peers.map((peer) => peer.serialNumber)).size).toBeGreaterThan(1);
      },
      { timeout: 60_000, interval: 1_000 },
    );
    expect(sidecar.pids).toEqual(pids);
  });

  it("starts Envoy again when it dies, and says so", async () => {
    await startSigner();
    const options = optionsOf();
    sidecar = await runSidecar(options);
    const before = sidecar.pids;
    killProcess(await envoyPid(before));
    await vi.waitFor(() => expect(lines).toContain("default/app-1: Envoy runs again"), WAIT);
    expect(lines.join("\n")).toMatch(/default\/app-1: Envoy ended with code \d+; it is started again in 200 ms/);
    expect(await adminStatus(options.address)).toBeDefined();
    expect(await names(before)).toEqual(before.map(() => undefined));
    expect(await names(sidecar.pids)).toContain("envoy");
  });

  it("says what it waits for, and can be told to give up", async () => {
    const abort = new AbortController();
    const started = runSidecar(optionsOf({ signal: abort.signal }));
    started.catch(() => {});
    await vi.waitFor(() => expect(lines).toHaveLength(1), WAIT);
    expect(lines[0]).toMatch(
      /default\/app-1: waits for somebody to sign .*identity\/request\.pem: .*cert\.pem is missing/,
    );
    abort.abort();
    await expect(started).rejects.toMatchObject({ code: "aborted" });
  });

  it.each([
    ["for another key", async () => signFor(await createPrivateKeyPem(), "app-1"), "is for another key"],
    ["for another workload", async (keyPem: string) => signFor(keyPem, "app-2"), "is for workload default/app-2"],
    ["that is none", async () => "hello", "cannot be read"],
  ])("does not use a certificate %s", async (_what, sign, reason) => {
    const abort = new AbortController();
    const started = runSidecar(optionsOf({ signal: abort.signal }));
    started.catch(() => {});
    const identity = join(workloadDir, "identity");
    const keyPem = await vi.waitFor(() => readFile(join(identity, "key.pem"), "utf8"), WAIT);
    await writeFile(join(identity, "root.pem"), ca.rootPem);
    await writeFile(join(identity, "cert.pem"), await sign(keyPem));
    await vi.waitFor(() => expect(lines.join("\n")).toContain(reason), WAIT);
    abort.abort();
    await expect(started).rejects.toMatchObject({ code: "aborted" });
  });

  it("says which port is taken, and by whom it is wanted", async () => {
    await startSigner();
    const options = optionsOf();
    const server = createServer().listen(15090, options.address);
    await once(server, "listening");
    try {
      await expect(runSidecar(options)).rejects.toMatchObject({
        code: "port-in-use",
        message: expect.stringContaining(`the sidecar of default/app-1 wants ${options.address}:15090 for its metrics`),
      });
    } finally {
      server.close();
    }
  });

  it("says why Envoy does not start", async () => {
    await startSigner();
    const options = optionsOf({ logLevel: "nonsense" });
    await expect(runSidecar(options)).rejects.toMatchObject({
      code: "start",
      message: expect.stringContaining("Envoy ended with code 1"),
    });
    expect(lines.join("\n")).toContain("nonsense");
  });
});

async function signFor(keyPem: string, workload: string): Promise<string> {
  const signed = await signWorkload(ca, await createCertificateRequest(keyPem), {
    namespace: "default",
    serviceAccount: "app",
    workload,
    ttlMs: 3_600_000,
    nowMs: Date.now(),
  });
  if (!signed.ok) throw new Error(signed.message);
  return signed.chainPem;
}

describe("after kill -9 of the process that runs a sidecar", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  let compiled: string;
  beforeAll(async () => {
    // Below node_modules, so that packages are found and git sees nothing.
    const cache = join(root, "node_modules/.cache");
    await mkdir(cache, { recursive: true });
    compiled = await mkdtemp(join(cache, "weft-sidecar-"));
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        composite: false,
        declaration: false,
        declarationMap: false,
        sourceMap: false,
        rootDir: join(root, "cli/src"),
        outDir: compiled,
      },
      files: [join(root, "cli/src/sidecar/run-sidecar.ts")],
    };
    await writeFile(join(compiled, "tsconfig.json"), JSON.stringify(config));
    await writeFile(join(compiled, "package.json"), '{"type":"module"}');
    await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["-p", compiled]);
    await writeFile(
      join(compiled, "main.js"),
      `import { runSidecar } from "./sidecar/run-sidecar.js";
const log = (message) => process.send({ log: message });
process.once("message", async (options) => {
  const sidecar = await runSidecar({ ...options, logger: { info: log, warn: log, error: log } });
  await sidecar.ready;
  process.send({ pids: sidecar.pids });
});
`,
    );
  });
  afterAll(() => rm(compiled, { recursive: true, force: true }));

  async function runElsewhere(options: SidecarOptions): Promise<{ readonly pid: number; readonly pids: number[] }> {
    const child = fork(join(compiled, "main.js"), { stdio: "ignore" });
    const { logger: _logger, ...sendable } = options;
    child.send(sendable);
    for (;;) {
      const [message] = (await once(child, "message")) as [{ pids?: number[]; log?: string }];
      if (message.log !== undefined) lines.push(message.log);
      if (message.pids !== undefined) return { pid: child.pid!, pids: message.pids };
    }
  }

  it("no process of it is left", async () => {
    await startSigner();
    const { pid, pids } = await runElsewhere(optionsOf());
    expect(await names(pids)).toEqual(expect.arrayContaining(["func-e", "envoy"]));
    killProcess(pid);
    await vi.waitFor(async () => expect(await names(pids)).toEqual(pids.map(() => undefined)), WAIT);
    expect(await readdir(workloadDir)).toContain("run.json");
    expect(await cleanUpStale(workloadDir)).toEqual({ killed: [] });
  });

  it("what is left, because its guard was killed too, is found by the next start", async () => {
    await startSigner();
    const options = optionsOf();
    const { pid, pids } = await runElsewhere(options);
    const before = await names(pids);
    const guards = pids.filter((_pid, index) => before[index] === "sh");
    expect(guards.length).toBeGreaterThan(0);
    // Stopped, it cannot react to the death of its guard.
    process.kill(pid, "SIGSTOP");
    for (const guard of guards) killProcess(guard);
    // A guard that still lived would see the end of its pipe and do its work.
    await vi.waitFor(async () => expect(await names(guards)).toEqual(guards.map(() => undefined)), WAIT);
    killProcess(pid);
    await vi.waitFor(async () => expect(await findProcess(pid)).toBeUndefined(), WAIT);
    expect(await names(pids)).toEqual(expect.arrayContaining(["func-e", "envoy"]));

    sidecar = await runSidecar(options);
    expect(lines.join("\n")).toMatch(/ended what an earlier run left: func-e \(\d+\), envoy \(\d+\)/);
    expect(await names(pids)).toEqual(pids.map(() => undefined));
    expect(await sidecar.ready).toBe(true);
  });

  it("a sidecar that lives is not taken over", async () => {
    await startSigner();
    const options = optionsOf();
    const { pid, pids } = await runElsewhere(options);
    await expect(runSidecar(options)).rejects.toMatchObject({
      code: "already-running",
      message: expect.stringContaining(`process ${pid} runs this sidecar already`),
    });
    expect(await names(pids)).toContain("envoy");
    killProcess(pid);
    await vi.waitFor(async () => expect(await names(pids)).toEqual(pids.map(() => undefined)), WAIT);
  });
});
