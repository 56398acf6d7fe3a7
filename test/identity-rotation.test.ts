import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { askControlPlane } from "../cli/src/mesh/control-plane-process.js";
import { enrolFolder } from "../cli/src/sidecar/enrolled-identity.js";
import { findProcess } from "../cli/src/sidecar/process-table.js";
import { runSidecar, type Sidecar } from "../cli/src/sidecar/run-sidecar.js";
import { DEFAULT_ROOT_NAMESPACE } from "../control-plane/src/config.js";
import { controlPlaneSpiffeId } from "../control-plane/src/identity/control-plane-id.js";
import type { IdentityReport } from "../control-plane/src/identity/identity-report.js";
import type { Answer } from "../control-plane/src/identity/mesh-authority.js";
import { certificateFacts, splitCertificates } from "../control-plane/src/identity/pem.js";
import { STANDALONE_FILES } from "../control-plane/src/injection/identity-files.js";
import { type ControlPlane, startControlPlane } from "../control-plane/src/main.js";
import { envoyPath } from "./envoy-static.js";

/** Short, so that all of it happens while somebody watches; long enough for a machine that does much else. */
const TTL_MS = 20_000;
const WAIT = { timeout: 150_000, interval: 100 };
const FUNC_E = process.env.FUNC_E_PATH ?? join(homedir(), ".cache/weft/func-e-1.6.0/func-e");
const BLOCK = `127.${130 + Math.floor(Math.random() * 60)}.${1 + Math.floor(Math.random() * 250)}`;
const CALLER = { name: "caller", address: `${BLOCK}.1` };
const SERVER = { name: "server", address: `${BLOCK}.2` };

let root: string;
let folder: string;
let app: Server;
let controlPlane: ControlPlane;
let enrolment = "";
const lines: string[] = [];
const sidecars: Sidecar[] = [];

const log = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
  lines.push(`${message} ${JSON.stringify(fields)}`);
  if (typeof fields.enrolment === "string") enrolment = fields.enrolment;
};
const logger = { info: log, warn: log, error: log };
const socket = () => join(root, "admin.sock");
const report = () => askControlPlane<IdentityReport>(socket(), "/identity");
const rotate = (step: string) => askControlPlane<Answer>(socket(), "/identity/rotate", { step });
const streams = () => lines.filter((line) => line.startsWith("a proxy's stream began")).length;

function meshYaml(appPort: number): string {
  const entry = ({ name, address }: typeof CALLER, ports: string) => `---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name} }
spec: { address: ${address}, serviceAccount: ${name}, labels: { app: ${name} }${ports} }
`;
  return `apiVersion: v1
kind: Service
metadata: { name: server }
spec:
  selector: { app: server }
  ports: [{ name: http, port: 8080 }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: weft-system }
spec: { mtls: { mode: STRICT } }
---
# Each request is a handshake of its own.
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: server }
spec:
  host: server
  trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } }
${entry(CALLER, "")}${entry(SERVER, `, ports: { http: ${appPort} }`)}`;
}

async function sidecarOf({ name, address }: typeof CALLER): Promise<void> {
  const sidecar = await runSidecar({
    workloadDir: workloadDir(name),
    namespace: "default",
    ...{ name, address, serviceAccount: name },
    xdsAddress: { host: "127.0.0.1", port: controlPlane.xdsPort },
    envoyPath: envoyPath(),
    funcEPath: FUNC_E,
    trustDomain: "cluster.local",
    controlPlaneId: controlPlaneSpiffeId("cluster.local"),
    drainMs: 50,
    logger,
  });
  sidecars.push(sidecar);
}

const workloadDir = (name: string) =>
  name === SERVER.name ? join(root, "elsewhere", name) : join(root, "workloads", `default.${name}`);

/** One request of the caller's app through its sidecar; what is wrong with the answer. */
function request(agent: Agent | false): Promise<string | undefined> {
  const headers = { host: "server.default.svc.cluster.local:8080" };
  return new Promise((done) => {
    const call = get({ host: CALLER.address, port: 15001, headers, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => done(body === "hello" ? undefined : `${response.statusCode} ${body}`));
      response.on("error", (error) => done(error.message));
    });
    call.on("error", (error) => done(error.message));
  });
}

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "weft-rotation-")));
  folder = join(root, "mesh");
  await mkdir(folder);
  app = createServer((_request, response) => response.end("hello"));
  app.keepAliveTimeout = 0;
  await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
  await writeFile(join(folder, "mesh.yaml"), meshYaml((app.address() as AddressInfo).port));
  controlPlane = await startControlPlane(
    {
      platform: {
        kind: "folder",
        folder,
        identity: {
          kind: "authority",
          directory: join(root, "authority"),
          workloadsDir: join(root, "workloads"),
          enrolmentPort: 0,
          certificateTtlMs: TTL_MS,
          clockSkewMs: 0,
        },
      },
      stateDir: join(root, "state"),
      xdsHost: "127.0.0.1",
      xdsPort: 0,
      proxyIdentityFiles: STANDALONE_FILES,
      trustDomain: "cluster.local",
      rootNamespace: DEFAULT_ROOT_NAMESPACE,
      plainHttpRegistries: [],
      credentialFiles: [],
      tagPollMs: 60_000,
      adminSocket: socket(),
    },
    logger,
  );
}, 240_000);

afterAll(async () => {
  await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
  await controlPlane?.close();
  app?.closeAllConnections();
  app?.close();
  await rm(root, { recursive: true, force: true });
});

describe("a mesh whose certificates live for seconds", () => {
  it("takes in a workload with a one-time token", async () => {
    const made = await askControlPlane<Answer & { readonly token: string }>(socket(), "/identity/token", {
      workload: "default/server",
    });
    expect(made).toMatchObject({ ok: true });
    await expect(enrolFolder(workloadDir("server"), enrolment, made.token)).resolves.toMatchObject({
      namespace: "default",
      workload: "server",
      serviceAccount: "server",
    });
    expect(lines.join("\n")).not.toContain(made.token.split(".")[2]);
    await Promise.all([sidecarOf(CALLER), sidecarOf(SERVER)]);
    expect(await Promise.all(sidecars.map(({ ready }) => ready))).toEqual([true, true]);
    await vi.waitFor(async () => expect(await request(false)).toBeUndefined(), WAIT);
  });

  it("loses no request while leaves, intermediate and root are replaced", async () => {
    const faults: string[] = [];
    let sent = 0;
    let running = true;
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const load = [kept, false as const].map(async (agent) => {
      while (running) {
        const fault = await request(agent);
        if (fault !== undefined) faults.push(`${new Date().toISOString()} ${fault}`);
        sent++;
        await new Promise((done) => setTimeout(done, 10));
      }
    });
    try {
      const first = await report();
      const before = streams();
      for (const round of [1, 2]) {
        const { authorities } = await report();
        const [old] = authorities;
        // One that is slow to take the new root must not meet certificates of it.
        const envoy = await envoyOf(sidecars.find(({ adminAddress }) => adminAddress.startsWith(`${SERVER.address}:`)));
        process.kill(envoy, "SIGSTOP");
        try {
          expect(await rotate("root")).toMatchObject({ ok: true });
          const inTheWay = async () => (await report()).rotation.obstacles.map(({ workload }) => workload);
          await vi.waitFor(async () => expect(await inTheWay()).toEqual(["default/server"]), WAIT);
          expect((await report()).rotation.phase).toBe("distributing");
        } finally {
          process.kill(envoy, "SIGCONT");
        }
        expect(await rotate("root")).toMatchObject({ ok: false });
        // Whoever wants to be quicker than the certificates is told who has them.
        await vi.waitFor(async () => expect((await report()).rotation.phase).toBe("retiring"), WAIT);
        const refused = await rotate("drop");
        expect(refused).toMatchObject({ ok: false, message: "the old root is in use" });
        expect(refused.obstacles?.map(({ workload }) => workload)).toEqual(["default/caller", "default/server"]);
        await vi.waitFor(async () => expect((await report()).rotation.phase, `round ${round}`).toBe("none"), WAIT);
        expect((await report()).authorities.map(({ fingerprint }) => fingerprint)).not.toContain(old?.fingerprint);
      }
      expect(await rotate("intermediate")).toMatchObject({ ok: true });
      const last = await report();
      const signing = last.authorities.find(({ role }) => role === "intermediate")?.fingerprint;
      expect(first.authorities.map(({ fingerprint }) => fingerprint)).not.toContain(signing);
      // All that is used comes from the newest intermediate in the end, without a restart of anything.
      await vi.waitFor(async () => {
        for (const { name, address } of [CALLER, SERVER]) {
          const chain = await readFile(join(workloadDir(name), STANDALONE_FILES.certificateChain), "utf8");
          expect(splitCertificates(chain).map((pem) => certificateFacts(pem).fingerprint)[1]).toBe(signing);
          const serial = await inEnvoy(address);
          expect(serial).toContain(serialOf(chain));
        }
        expect((await report()).controlPlane[1]?.fingerprint).toBe(signing);
      }, WAIT);
      const roots = last.authorities.filter(({ role }) => role === "root").map(({ fingerprint }) => fingerprint);
      for (const { name } of [CALLER, SERVER]) {
        const bundle = await readFile(join(workloadDir(name), STANDALONE_FILES.trustBundle), "utf8");
        expect(splitCertificates(bundle).map((pem) => certificateFacts(pem).fingerprint)).toEqual(roots);
      }
      // Proxies have come back with new certificates meanwhile, and none was turned away.
      expect(streams() - before).toBeGreaterThan(4);
      expect(lines.filter((line) => line.startsWith("refused a stream"))).toEqual([]);
    } finally {
      running = false;
      await Promise.all(load);
      kept.destroy();
    }
    expect(faults).toEqual([]);
    expect(sent).toBeGreaterThan(200);
    const stats = await (await fetch(`http://${CALLER.address}:15000/stats?filter=upstream_cx_total`)).text();
    const [, connections] = /outbound\|8080\|\|server_.*upstream_cx_total: (\d+)/.exec(stats) ?? [];
    expect(Number(connections), stats).toBeGreaterThan(sent / 2);
  }, 600_000);
});

async function envoyOf(sidecar: Sidecar | undefined): Promise<number> {
  for (const pid of sidecar?.pids ?? []) if ((await findProcess(pid))?.name === "envoy") return pid;
  throw new Error("the sidecar has no Envoy");
}

/** What Envoy says of the certificates that it has loaded. */
async function inEnvoy(address: string): Promise<string> {
  return (await fetch(`http://${address}:15000/certs`)).text();
}

function serialOf(chainPem: string): string {
  return certificateFacts(chainPem).serialNumber;
}
