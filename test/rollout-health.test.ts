import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../control-plane/src/identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../control-plane/src/identity/certificate-request.js";
import { controlPlaneSpiffeId } from "../control-plane/src/identity/control-plane-id.js";
import { signServer, signWorkload } from "../control-plane/src/identity/sign.js";
import { buildBootstrap } from "../control-plane/src/injection/bootstrap.js";
import { STANDALONE_FILES } from "../control-plane/src/injection/identity-files.js";
import { buildIdentitySecrets } from "../control-plane/src/injection/identity-secrets.js";
import { createHealthReader, type HealthReader } from "../control-plane/src/rollout/health-reader.js";
import { healthOf } from "../control-plane/src/rollout/health-stats.js";
import { envoyPath, httpListener, wasmFilter } from "./envoy-static.js";

const TRUST_DOMAIN = "cluster.local";
const PROXY = "default/backend-v1";
const WAIT = { timeout: 60_000, interval: 50 };
const TRAFFIC_PORT = 8080;

/** An address that no other test has. */
const ADDRESS = `127.${2 + Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}.7`;

interface Pair {
  readonly certificateChain: string;
  readonly privateKey: string;
}

let authority: CertificateAuthority;
let own: Pair;
let folder: string;
let envoy: ChildProcess;
let log = "";
const readers: HealthReader[] = [];
const servers: Server[] = [];

const lifetime = () => ({ ttlMs: 3_600_000, nowMs: Date.now() });

async function issue(workload?: string): Promise<Pair> {
  const privateKey = await createPrivateKeyPem();
  const request = await createCertificateRequest(privateKey);
  const signed =
    workload === undefined
      ? await signServer(authority, request, lifetime())
      : await signWorkload(authority, request, {
          namespace: "default",
          serviceAccount: "backend",
          workload,
          ...lifetime(),
        });
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, privateKey };
}

function reader(pair: Pair, over: { port?: number; timeoutMs?: number } = {}): HealthReader {
  const created = createHealthReader({ ...pair, roots: authority.rootPem, trustDomain: TRUST_DOMAIN, ...over });
  readers.push(created);
  return created;
}

const read = (from: HealthReader, proxyKey = PROXY, address = ADDRESS) =>
  from.read(proxyKey, address, new AbortController().signal);

/** One request to the listener with the plugin; the status. */
function send(headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((done, fail) => {
    const call = get({ host: ADDRESS, port: TRAFFIC_PORT, headers, agent: false }, (response) => {
      response.resume();
      response.on("end", () => done(response.statusCode ?? 0));
    });
    call.on("error", fail);
  });
}

const TRAP = `import { Action, Counter, CounterFamily, HttpContext, NoConfig, register } from "@weft/sdk";
const failures = new Counter("trap_failures_total");
const reasons = new CounterFamily("trap_by_reason_failures_total", ["reason", "own"]);
const others = new Counter("trap_failures_total_of_others");
class Trap extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-trap") != null) unreachable();
    const reason = this.request.headers.get("x-fail");
    if (reason !== null) {
      failures.increment();
      reasons.with([reason, "x.y"]).increment(2);
      others.increment();
    }
    return Action.Continue;
  }
}
register<Trap, NoConfig>("trap");
`;

/** A series of failures that the proxy counts, as a manifest's metrics come to it. */
const LOGGED_FAILURES = {
  name: "envoy.access_loggers.stats/default.trap",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
    stats_scope: { prefix: "wasmcustom", max_counters: 100, max_histograms: 100 },
    counters: [
      {
        stat: { name: "logged_failures_total", tags: [{ name: "path", value_format: "%REQ(:PATH)%" }] },
        value_format: "%REQ(x-logged)%",
      },
    ],
  },
};

/** What a sidecar has on a port of its own, with a plugin that traps when it is asked to. */
async function trafficListener(dir: string): Promise<object> {
  await mkdir(join(dir, "assembly"), { recursive: true });
  await writeFile(join(dir, "plugin.yaml"), "name: trap\nversion: 1.0.0\n");
  await writeFile(join(dir, "assembly", "index.ts"), TRAP);
  const built = await compilePlugin({ dir });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  const filter = wasmFilter({ wasm: built.wasm, rootId: "trap", name: "default.trap" });
  return {
    ...httpListener({ name: `inbound_${TRAFFIC_PORT}`, filters: [filter], accessLog: [LOGGED_FAILURES] }),
    address: { socket_address: { address: ADDRESS, port_value: TRAFFIC_PORT } },
  };
}

beforeAll(async () => {
  authority = await createCertificateAuthority({ trustDomain: TRUST_DOMAIN });
  own = await issue();
  folder = await mkdtemp(join(tmpdir(), "weft-rollout-health-"));
  await mkdir(join(folder, "identity"));
  const sidecar = await issue("backend-v1");
  await writeFile(join(folder, STANDALONE_FILES.privateKey), sidecar.privateKey, { mode: 0o600 });
  await writeFile(join(folder, STANDALONE_FILES.certificateChain), sidecar.certificateChain);
  await writeFile(join(folder, STANDALONE_FILES.trustBundle), authority.rootPem);
  for (const { name, content } of buildIdentitySecrets(STANDALONE_FILES))
    await writeFile(join(folder, name), JSON.stringify(content));
  const { dynamic_resources: _, ...bootstrap } = buildBootstrap({
    namespace: "default",
    name: "backend-v1",
    serviceAccount: "backend",
    address: ADDRESS,
    xdsAddress: { host: "127.0.0.1", port: 1 },
    controlPlaneId: controlPlaneSpiffeId(TRUST_DOMAIN),
    files: STANDALONE_FILES,
  });
  const { listeners, ...rest } = bootstrap.static_resources as { readonly listeners: readonly object[] };
  const traffic = await trafficListener(join(folder, "trap"));
  const text = JSON.stringify({ ...bootstrap, static_resources: { ...rest, listeners: [...listeners, traffic] } });
  await writeFile(join(folder, "bootstrap.json"), text);
  envoy = spawn(envoyPath(), ["-c", "bootstrap.json", "--concurrency", "1", "--disable-hot-restart"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [envoy.stdout, envoy.stderr])
    stream?.on("data", (part: Buffer) => {
      log = (log + part.toString()).slice(-10_000);
    });
  await vi.waitFor(async () => {
    if (envoy.exitCode !== null) throw new Error(log);
    expect(await send()).toBe(200);
  }, WAIT);
}, 300_000);

afterEach(() => {
  for (const each of readers.splice(0)) each.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(async () => {
  if (envoy !== undefined && envoy.exitCode === null) {
    const ended = once(envoy, "exit");
    envoy.kill("SIGKILL");
    await ended;
  }
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

describe("the health port of a sidecar", () => {
  const SITE = {
    filterName: "default.trap",
    managers: [`inbound_${TRAFFIC_PORT}`],
    failureSeries: ["trap_failures_total", "trap_by_reason_failures_total", "logged_failures_total"],
  };

  it("tells the control plane what became of requests and of the plugin's VM", async () => {
    const from = reader(own);
    const before = healthOf(await read(from), SITE);
    expect(before).toMatchObject({ errors: 0, vmFailures: 0 });
    for (let i = 0; i < 5; i++) expect(await send()).toBe(200);
    expect(healthOf(await read(from), SITE)).toEqual({ ...before, requests: before.requests + 5 });
    expect(await send({ "x-trap": "now" })).toBe(503);
    // It is the next request that meets the broken VM.
    expect(healthOf(await read(from), SITE)).toMatchObject({ errors: 1, vmFailures: 0 });
    await vi.waitFor(async () => expect(await send()).toBe(200), WAIT);
    expect(healthOf(await read(from), SITE).vmFailures).toBeGreaterThan(0);
  });

  it("tells of a VM that nobody asked for until its back-off was over", async () => {
    const from = reader(own);
    const before = await read(from);
    expect(await send({ "x-trap": "now" })).toBe(503);
    const began = Date.now();
    // The back-off of Envoy is a second.
    await vi.waitFor(() => expect(Date.now() - began).toBeGreaterThan(3000), WAIT);
    expect(await send()).toBe(200);
    expect(healthOf(await read(from), SITE).vmFailures).toBe(healthOf(before, SITE).vmFailures + 1);
  });

  it("tells what the plugin counts as its failures, with labels and without, and what is counted for it", async () => {
    const from = reader(own);
    const before = healthOf(await read(from), SITE);
    expect(await send({ "x-fail": "a.b" })).toBe(200);
    expect(await send({ "x-fail": "c" })).toBe(200);
    const { pluginFailures } = healthOf(await read(from), SITE);
    expect(pluginFailures - before.pluginFailures).toBe(2 * (1 + 2));
    expect(await send({ "x-logged": "5" })).toBe(200);
    expect(await send({ "x-logged": "0" })).toBe(200);
    await vi.waitFor(async () => {
      expect(healthOf(await read(from), SITE).pluginFailures).toBe(pluginFailures + 5);
    }, WAIT);
    const names = [...(await read(from)).keys()].filter((name) => name.startsWith("wasmcustom"));
    expect(names.sort()).toEqual([
      "wasmcustom.logged_failures_total.path./",
      "wasmcustom.trap_by_reason_failures_total;reason=a.b;own=x.y",
      "wasmcustom.trap_by_reason_failures_total;reason=c;own=x.y",
      "wasmcustom.trap_failures_total",
    ]);
  });

  it("tells these counters only", async () => {
    const names = [...(await read(reader(own))).keys()];
    const allowed =
      /^(http\.inbound_8080\.downstream_rq_(completed|5xx)|wasm\.default\.trap\.vm_reload_(success|backoff|failure)|wasmcustom\.(trap|trap_by_reason|logged)_failures_total.*)$/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    expect(names).toContain("http.inbound_8080.downstream_rq_completed");
  });

  it("lets nobody in but the control plane", async () => {
    await expect(read(reader(await issue("backend-v2")))).rejects.toMatchObject({ code: "unreachable" });
    await expect(read(reader({ certificateChain: "", privateKey: "" }))).rejects.toMatchObject({ code: "unreachable" });
    const stranger = await createCertificateAuthority({ trustDomain: TRUST_DOMAIN });
    const key = await createPrivateKeyPem();
    const signed = await signServer(stranger, await createCertificateRequest(key), lifetime());
    if (!signed.ok) throw new Error(signed.message);
    await expect(read(reader({ certificateChain: signed.chainPem, privateKey: key }))).rejects.toMatchObject({
      code: "unreachable",
    });
  });

  it("is believed only when it is the proxy that was meant", async () => {
    await expect(read(reader(own), "default/backend-v2")).rejects.toMatchObject({
      code: "wrong-identity",
      message: `${ADDRESS}:15092 is not the proxy of default/backend-v2: default/backend-v1`,
    });
  });
});

describe("a health port that is not as it should be", () => {
  /** One that has the certificate of the proxy. */
  async function impostor(answer: Parameters<typeof createServer>[1]): Promise<number> {
    const { certificateChain: cert, privateKey: key } = await issue("backend-v1");
    const server = createServer({ cert, key, ca: authority.rootPem, requestCert: true }, answer);
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  it.each<[string, Parameters<typeof createServer>[1], string]>([
    ["says nothing", () => {}, "timeout"],
    ["begins and does not end", (_request, response) => response.write("{"), "timeout"],
    ["says no", (_request, response) => response.writeHead(404).end(), "bad-answer"],
    ["says something else", (_request, response) => response.end("hello"), "bad-answer"],
    ["says too much", (_request, response) => response.end("x".repeat(3 * 1024 * 1024)), "too-large"],
    ["breaks off", (request) => request.socket.destroy(), "unreachable"],
  ])("%s: an error, in bounded time", async (_name, answer, code) => {
    const port = await impostor(answer);
    await expect(read(reader(own, { port, timeoutMs: 1500 }), PROXY, "127.0.0.1")).rejects.toMatchObject({ code });
  });

  it("is not there: an error", async () => {
    const port = await impostor(() => {});
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
    await expect(read(reader(own, { port }), PROXY, "127.0.0.1")).rejects.toMatchObject({ code: "unreachable" });
  });

  it("is given up when nobody wants the answer any more", async () => {
    const port = await impostor(() => {});
    const stop = new AbortController();
    const asked = reader(own, { port, timeoutMs: 600_000 }).read(PROXY, "127.0.0.1", stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ code: "unreachable" });
  });
});
