import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createRegistryClient, packPlugin, parseReference, pushPlugin } from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../control-plane/src/identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import { signServer, signWorkload } from "../../control-plane/src/identity/sign.js";
import { bucketOf } from "../../control-plane/src/model/rollout.js";
import { buildPlugin } from "../build-plugin.js";
import { PERMISSIONS } from "../chart/permissions.js";
import { customResourceDefinitions } from "../crds/definitions.js";
import { envoyPath } from "../envoy-static.js";
import { freePorts } from "../real/process.js";
import { createXdsClient, type XdsClient } from "../xds-client.js";
import { type ApiServer, startApiServer } from "./api-server.js";

/*
 * Two control planes as processes of their own, with the rights that the chart gives and no more. Proxies are clients of
 * xDS, each with its own certificate, and with an address at which it tells of its health.
 */
const WEFT = fileURLToPath(new URL("../../cli/bin/weft.mjs", import.meta.url));
const WAIT = { timeout: 120_000, interval: 100 };
const TRUST_DOMAIN = "cluster.local";
const PLUGIN = "shop/hello";
const SLOT = "weft/in/8080/default";
const NET = `127.${60 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`;
const WORKLOADS = Array.from({ length: 8 }, (_, i) => ({ name: `w${i}`, address: `${NET}.${i + 1}` }));

let server: ApiServer;
let registry: RegistryServer;
let authority: CertificateAuthority;
let dir: string;
const undo: (() => Promise<unknown> | unknown)[] = [];

interface Pair {
  readonly certificateChain: string;
  readonly privateKey: string;
}
async function issue(sign: (request: string) => ReturnType<typeof signServer>): Promise<Pair> {
  const privateKey = await createPrivateKeyPem();
  const signed = await sign(await createCertificateRequest(privateKey));
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, privateKey };
}
const lifetime = () => ({ ttlMs: 3_600_000, nowMs: Date.now() });
const identityOf = (workload: string) =>
  issue((request) =>
    signWorkload(authority, request, { namespace: "shop", serviceAccount: "default", workload, ...lifetime() }),
  );

interface Replica {
  readonly name: string;
  readonly process: ChildProcess;
  readonly xdsPort: number;
  readonly metrics: string;
  readonly log: string[];
  readonly ended: Promise<number | null>;
}
const replicas = new Map<string, Replica>();
/** One for each replica that there will be; they know each other by them. */
let ports: readonly number[];

async function startReplica(name: string): Promise<Replica> {
  const child = spawn(
    process.execPath,
    [
      ...[WEFT, "control-plane", "--kubernetes", "--kubeconfig", server.kubeconfigOf("weft")],
      ...["--namespace", "weft-system", "--pod-name", name, "--state-dir", join(dir, name)],
      ...[
        "--identity-dir",
        dir,
        "--envoy",
        envoyPath(),
        "--xds-port",
        String(ports[Number(name.slice(-1))]),
        "--metrics-port",
        "0",
      ],
      ...["--plain-http", registry.address, "--log-format", "json"],
      ...ports.flatMap((port) => ["--peer", `127.0.0.1:${port}`]),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  undo.push(() => child.kill("SIGKILL"));
  const log: string[] = [];
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  let [xdsPort, metrics] = [0, ""];
  await new Promise<void>((done, fail) => {
    child.once("exit", (code) => fail(new Error(`${name} ended with ${code}:\n${log.slice(-20).join("\n")}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.push(line);
      const event = JSON.parse(line) as Readonly<Record<string, string>>;
      if (event.kind === "metrics") metrics = `http://${event.address}`;
      if (event.kind !== "ready") return;
      xdsPort = Number(event.xds?.split(":").at(-1));
      done();
    });
  });
  const replica = { name, process: child, xdsPort, metrics, log, ended };
  replicas.set(name, replica);
  return replica;
}

const clients = new Map<string, XdsClient>();
async function connect(workload: string, { xdsPort }: Replica): Promise<void> {
  clients.get(workload)?.close();
  const pair = await identityOf(workload);
  const client = createXdsClient({ port: xdsPort, tls: { rootCert: authority.rootPem, ...pair } });
  undo.push(() => client.close());
  client.request("extension", { subscribe: [SLOT] });
  clients.set(workload, client);
}
const held = (workload: string) => clients.get(workload)?.held.get(`extension/${SLOT}`);
const plugin = async () => (await server.ask("GET", "/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins/hello")).body;
const leaderName = async (): Promise<string> => {
  const path = "/apis/coordination.k8s.io/v1/namespaces/weft-system/leases/weft-control-plane";
  return (await server.ask("GET", path)).body.spec?.holderIdentity ?? "";
};
const whenLeads = (...names: readonly string[]) =>
  vi.waitFor(async () => {
    const name = await leaderName();
    expect(names).toContain(name);
    const replica = replicas.get(name);
    const metrics = await (await fetch(`${replica?.metrics}/metrics`)).text();
    expect(metrics).toContain("weft_leader 1");
    return replica as Replica;
  }, WAIT);

/** A proxy's own statement of its health; nothing fails. */
async function tellHealth({ name, address }: (typeof WORKLOADS)[number]): Promise<Server> {
  const { certificateChain, privateKey } = await identityOf(name);
  const stats = [{ name: "http.inbound_8080.downstream_rq_completed", value: 100 }];
  const health = createServer({ cert: certificateChain, key: privateKey }, (_request, response) =>
    response.end(JSON.stringify({ stats })),
  );
  await new Promise<void>((done) => health.listen(15092, address, done));
  undo.push(() => health.closeAllConnections());
  undo.push(() => health.close());
  return health;
}

async function push(tag: string): Promise<void> {
  const { wasm } = await buildPlugin("hello");
  const artifact = await packPlugin({
    wasm,
    pluginYaml: `name: hello\nrootId: hello\nside: server\nversion: "${tag}.0"\n`,
  });
  const client = createRegistryClient({ plainHttp: [registry.address] });
  await pushPlugin(client, parseReference(`${registry.address}/plugins/hello:${tag}`), artifact);
}

/** The rights of the chart, for the user `weft`. */
async function grant(): Promise<void> {
  for (const isOwn of [false, true]) {
    const rules = PERMISSIONS.filter(({ own = false }) => own === isOwn).map(({ group, resources, verbs, names }) => ({
      ...{ apiGroups: [group], resources, verbs },
      ...(names === undefined ? {} : { resourceNames: names }),
    }));
    const at = `/apis/rbac.authorization.k8s.io/v1${isOwn ? "/namespaces/weft-system/roles" : "/clusterroles"}`;
    const kind = isOwn ? "Role" : "ClusterRole";
    expect((await server.ask("POST", at, { metadata: { name: "weft" }, rules })).status).toBe(201);
    const binding = {
      metadata: { name: "weft" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: "weft" },
      subjects: [{ kind: "User", name: "weft", apiGroup: "rbac.authorization.k8s.io" }],
    };
    expect((await server.ask("POST", at.replace(/roles$/, "rolebindings"), binding)).status).toBe(201);
  }
}

const create = async (path: string, object: object) => {
  const { status, body } = await server.ask("POST", path, object);
  if (status !== 201) throw new Error(`${path}: ${JSON.stringify(body)}`);
};

beforeAll(async () => {
  server = await startApiServer({ users: [{ name: "weft" }] });
  undo.push(() => server.close());
  ports = await freePorts(3);
  dir = await mkdtemp(join(tmpdir(), "weft-replicas-"));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  for (const definition of customResourceDefinitions().values())
    await create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  await vi.waitFor(async () => {
    for (const path of ["weft.mesh/v1alpha1/wasmplugins", "networking.istio.io/v1/workloadentries"])
      expect((await server.ask("GET", `/apis/${path}`)).status).toBe(200);
  }, WAIT);
  await server.createNamespace("weft-system");
  await server.createNamespace("shop");
  await grant();
  authority = await createCertificateAuthority({ trustDomain: TRUST_DOMAIN });
  const own = await issue((request) => signServer(authority, request, lifetime()));
  await writeFile(join(dir, "cert.pem"), own.certificateChain);
  await writeFile(join(dir, "key.pem"), own.privateKey, { mode: 0o600 });
  await writeFile(join(dir, "root.pem"), authority.rootPem);
  registry = await createRegistryServer({ dir: join(dir, "registry") });
  undo.push(() => registry.close(0));
  await push("1");
  await push("2");
  await create("/api/v1/namespaces/shop/services", {
    metadata: { name: "echo" },
    spec: { selector: { app: "echo" }, ports: [{ name: "http", port: 8080 }] },
  });
  for (const { name, address } of WORKLOADS)
    await create("/apis/networking.istio.io/v1/namespaces/shop/workloadentries", {
      apiVersion: "networking.istio.io/v1",
      kind: "WorkloadEntry",
      metadata: { name },
      spec: { address, labels: { app: "echo" }, ports: { http: 8080 } },
    });
  await create("/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins", {
    apiVersion: "weft.mesh/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "hello" },
    spec: {
      url: `oci://${registry.address}/plugins/hello:1`,
      selector: { matchLabels: { app: "echo" } },
      rollout: { steps: [{ weight: 50, pause: "1h" }] },
    },
  });
  for (const workload of WORKLOADS) await tellHealth(workload);
});
afterAll(async () => {
  while (undo.length > 0) await undo.pop()?.();
});

it("one of two replicas leads; proxies of both have the plugin, and the status says so", async () => {
  const first = await startReplica("weft-0");
  const second = await startReplica("weft-1");
  const leader = await whenLeads("weft-0", "weft-1");
  const follower = leader === first ? second : first;
  expect(await (await fetch(`${follower.metrics}/metrics`)).text()).toContain("weft_leader 0");
  for (const { metrics } of [first, second]) expect((await fetch(`${metrics}/readyz`)).status).toBe(200);
  for (const [i, { name }] of WORKLOADS.entries()) await connect(name, i % 2 === 0 ? leader : follower);
  await vi.waitFor(async () => {
    const { status } = await plugin();
    expect(status?.conditions?.find(({ type }: { type: string }) => type === "Programmed")).toMatchObject({
      status: "True",
    });
    expect(status.lastGood.digest).toMatch(/^sha256:/);
    // Half of them are connected to the replica that does not lead.
    expect(status.proxies).toEqual({ matched: 8, acked: 8, rejected: 0, summary: "8/8" });
    expect(new Set(WORKLOADS.map(({ name }) => held(name))).size).toBe(1);
  }, WAIT);
  const problems = [first, second].flatMap(({ log }) => log.filter((line) => /40[13] /.test(line)));
  expect(problems).toEqual([]);
});

it("proxies of both replicas get a new version by the same steps", async () => {
  const old = held("w0");
  await server.ask("PATCH", "/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins/hello", {
    spec: { url: `oci://${registry.address}/plugins/hello:2`, vmConfig: { env: [{ name: "TAG", value: "2" }] } },
  });
  await vi.waitFor(async () => {
    const { rollout } = (await plugin()).status;
    expect(rollout).toMatchObject({ state: "Progressing", step: 1, phase: "observing" });
    for (const { name } of WORKLOADS) {
      const isNew = bucketOf(PLUGIN, `shop/${name}`) < rollout.limit;
      expect([name, held(name) !== old]).toEqual([name, isNew]);
    }
    expect(new Set(WORKLOADS.map(({ name }) => held(name))).size).toBe(2);
  }, WAIT);
});

it("when the leader is killed, the other one leads and goes on from the step where the rollout stands", async () => {
  const before = new Map(WORKLOADS.map(({ name }) => [name, held(name)]));
  const { limit } = (await plugin()).status.rollout;
  const dead = replicas.get(await leaderName()) as Replica;
  dead.process.kill("SIGKILL");
  await dead.ended;
  const rest = [...replicas.values()].filter((replica) => replica !== dead).map(({ name }) => name);
  const leader = await whenLeads(...rest);
  for (const { name } of WORKLOADS) await connect(name, leader);
  await vi.waitFor(() => {
    for (const { name } of WORKLOADS) expect([name, held(name)]).toEqual([name, before.get(name)]);
  }, WAIT);
  expect((await plugin()).status.rollout).toMatchObject({ state: "Progressing", step: 1, limit });
  await server.ask("PATCH", "/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins/hello", {
    spec: { rollout: { steps: [{ weight: 50, pause: "1s" }] } },
  });
  await vi.waitFor(async () => {
    expect((await plugin()).status.rollout).toMatchObject({ state: "Completed" });
    expect(new Set(WORKLOADS.map(({ name }) => held(name))).size).toBe(1);
    expect([...before.values()]).toContain(held("w0"));
  }, WAIT);
});

it("a leader that is asked to end gives the Lease up, and its proxies to the other one", async () => {
  const leader = await whenLeads("weft-0", "weft-1");
  const heir = await startReplica("weft-2");
  leader.process.kill("SIGTERM");
  await whenLeads("weft-2");
  expect(await leader.ended).toBe(0);
  expect(leader.log.join("\n")).toContain("this replica gives the Lease up");
  for (const { name } of WORKLOADS) expect((await clients.get(name)?.ended)?.code).toBe(14);
  for (const { name } of WORKLOADS) await connect(name, heir);
  await vi.waitFor(async () => {
    expect(new Set(WORKLOADS.map(({ name }) => held(name))).size).toBe(1);
    expect((await plugin()).status.proxies.summary).toBe("8/8");
  }, WAIT);
});
