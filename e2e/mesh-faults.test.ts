import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Mesh, type MeshEvent, startMesh } from "../cli/src/mesh/standalone-mesh.js";
import { findTools } from "../cli/src/mesh/tools.js";
import { whenSynced } from "../cli/src/mesh/when-synced.js";
import { type KeepAliveLoad, startKeepAliveLoad } from "./support/keep-alive-load.js";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { processesOf } from "./support/processes.js";
import { type Answer, get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";

// What happens to a mesh of a thousand services while requests go on: no request fails that no policy refuses. The app
// of echo-v1 asks for `echo`, on connections that stay open and on new ones.
const SERVICES = 1000;
const FILES = 20;
/** Longer than any pause between two looks of a proxy at its control plane. */
const AWAY_MS = 6_000;
const CHANGES = 50;
const CONNECTIONS = 4;

let folder: MeshFolder;
let mesh: Mesh;
const events: string[] = [];
let loads: { readonly open: KeepAliveLoad; readonly fresh: Load };

/** One that answers slowly enough to be in the middle of an answer when something changes. */
const APP = `import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
const server = createServer(async (_request, response) => {
  await sleep(5);
  response.end(process.argv[2]);
});
server.keepAliveTimeout = 0;
server.listen(Number(process.env.PORT), "127.0.0.1");
`;

/** Services that nobody calls. */
function manyServices(file: number): string {
  return Array.from({ length: SERVICES / FILES }, (_, i) => {
    const name = `other-${file}-${i}`;
    return `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 8080 }]
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name} }
spec:
  address: 10.9.${file}.${i + 1}
  labels: { app: ${name} }
  ports: { http: 9090 }
`;
  }).join("---\n");
}

/** Another service of the same port, at v2 only; it comes before `echo` in order, and defines the port's listener. */
const ALSO_V2 = `apiVersion: v1
kind: Service
metadata: { name: also-v2 }
spec:
  selector: { version: v2 }
  ports: [{ name: http, port: 8080 }]
`;

const RULE = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec:
  host: echo
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
`;

/** What a retry would hide is seen. */
const NO_RETRIES = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
    - headers: { response: { set: { x-sign: first } } }
      retries: { attempts: 0 }
      route: [{ destination: { host: echo } }]
`;

const write = (file: string, text: string) => writeFile(join(folder.folder, file), text);
const ask = (): Promise<Answer> => get(folder.requestFrom(folder.v1));
/** Which of the workloads answer twenty requests. */
async function answering(): Promise<string> {
  const bodies = new Set<string>();
  for (let i = 0; i < 20; i++) bodies.add((await ask()).body);
  return [...bodies].sort().join(" ");
}
const answers = (who: string) =>
  waitFor(`answers of ${who}`, async () => ((await answering()) === who ? true : undefined), {
    seen: () => events.slice(-20).join("\n"),
  });
/** Routes with a sign, and waits until answers have it. */
async function route(sign: string, spec: string): Promise<void> {
  await write("traffic.yaml", `${RULE}    - headers: { response: { set: { x-sign: "${sign}" } } }\n${spec}`);
  await signed(sign);
}
const signed = (sign: string) =>
  waitFor(`the route ${sign}`, async () => ((await ask()).headers["x-sign"] === sign ? true : undefined), {
    seen: () => events.slice(-20).join("\n"),
  });
const shares = (v1: number) => `      route:
        - { destination: { host: echo, subset: v1 }, weight: ${v1} }
        - { destination: { host: echo, subset: v2 }, weight: ${100 - v1} }
`;

async function v3Ended(): Promise<void> {
  const dir = join(folder.folder, ".weft", "workloads", "default.echo-v3");
  await waitFor("the sidecar to end", async () => ((await processesOf(dir)).length === 0 ? true : undefined));
}

beforeAll(async () => {
  folder = await createMeshFolder();
  await rm(join(folder.folder, "hello.yaml"));
  await rm(join(folder.folder, "traffic.yaml"));
  await write("app.mjs", APP);
  await write("traffic.yaml", NO_RETRIES);
  for (let file = 0; file < FILES; file++) await write(`others-${file}.yaml`, manyServices(file));
  const onEvent = (event: MeshEvent) => {
    const line = event.kind === "control-plane" ? event.event.message : `${event.subject}: ${event.message}`;
    if (!line.includes("is not a loopback address")) events.push(line);
  };
  mesh = await startMesh({
    folder: folder.folder,
    trustDomain: "cluster.local",
    registryPort: folder.registryPort,
    tagPollMs: 3_600_000,
    ...findTools(),
    onEvent,
  });
  await whenSynced(mesh);
  await answers("v1 v2");
});
afterAll(async () => {
  await mesh?.stop();
  await folder?.remove();
});

beforeEach(() => {
  const { host, port, headers = {} } = folder.requestFrom(folder.v1);
  const fault = (status: number) => (status === 200 ? undefined : `status ${status}`);
  loads = {
    open: startKeepAliveLoad({
      ...{ host, port, headers, connections: CONNECTIONS },
      read: (status) => (status === 200 ? "ok" : undefined),
    }),
    fresh: startLoad({ host, port, headers }, ({ status }) => fault(status)),
  };
});
afterEach(async () => {
  // What fails late is seen, too.
  await sleep(500);
  await Promise.all([loads.open.stop(), loads.fresh.stop()]);
  expect(loads.open.sent).toBeGreaterThan(50);
  expect(loads.fresh.sent).toBeGreaterThan(10);
  expect([...loads.open.faults, ...loads.fresh.faults]).toEqual([]);
});

it("a workload leaves every service, and comes back", async () => {
  const text = await readFile(join(folder.folder, "echo-v2.yaml"), "utf8");
  for (let i = 0; i < 6; i++) {
    await write("echo-v2.yaml", text.replace("app: echo", "app: soon"));
    await answers("v1");
    // Also before its sidecar has stopped listening, and after.
    await sleep(i * 1_000);
    await write("echo-v2.yaml", text);
    await answers("v1 v2");
  }
});

it("another service of the same port comes and goes", async () => {
  for (let i = 0; i < 3; i++) {
    await write("also.yaml", ALSO_V2);
    await sleep(1_000);
    await rm(join(folder.folder, "also.yaml"));
    await sleep(3_000);
  }
  await answers("v1 v2");
});

it("all workloads of a service are replaced by others at once", async () => {
  const service = await readFile(join(folder.folder, "service.yaml"), "utf8");
  await folder.addWorkload("v3", folder.v3, "next");
  await waitFor("v3 to be connected", async () =>
    (await mesh.proxies()).some(({ proxyKey }) => proxyKey === "default/echo-v3") ? true : undefined,
  );
  await write("service.yaml", service.replace("app: echo", "app: next"));
  await answers("v3");
  await write("service.yaml", service);
  await answers("v1 v2");
  await rm(join(folder.folder, "echo-v3.yaml"));
  await v3Ended();
});

it("a workload is added, and deleted", async () => {
  for (let i = 0; i < 4; i++) {
    await folder.addWorkload("v3", folder.v3);
    await answers("v1 v2 v3");
    await rm(join(folder.folder, "echo-v3.yaml"));
    await answers("v1 v2");
    await v3Ended();
  }
});

it(`a rule is changed ${CHANGES} times`, async () => {
  for (let i = 0; i < CHANGES; i++) await route(`change-${i}`, shares(i % 2 === 0 ? 20 : 80));
});

it("the control plane is killed, is away, and comes back to a folder that has changed", async () => {
  await route("before", shares(50));
  await mesh.killControlPlane();
  await write("traffic.yaml", `${RULE}    - headers: { response: { set: { x-sign: after } } }\n${shares(0)}`);
  const sent = loads.open.sent;
  await sleep(AWAY_MS);
  expect(loads.open.sent).toBeGreaterThan(sent);
  // Nobody told the proxies.
  expect((await ask()).headers["x-sign"]).toBe("before");
  await mesh.startControlPlane();
  await signed("after");
  await answers("v2");
});

it("the control plane is slow: it stands still nine tenths of the time", async () => {
  const [controlPlane] = (await processesOf(folder.root)).filter(({ command }) => command.includes("--admin-socket"));
  if (controlPlane === undefined) throw new Error("no control plane");
  let isSlow = true;
  const slowness = (async () => {
    while (isSlow) {
      process.kill(controlPlane.pid, "SIGSTOP");
      await sleep(900);
      process.kill(controlPlane.pid, "SIGCONT");
      await sleep(100);
    }
  })();
  try {
    for (const share of [0, 100, 50]) await route(`slow-${share}`, shares(share));
  } finally {
    isSlow = false;
    await slowness;
  }
});

it("callers with sidecars notice nothing of STRICT; plaintext is refused", async () => {
  await route("strict", shares(50));
  const plaintext = () =>
    get({ host: folder.v2.address, port: 8080 }).then(
      ({ status }) => status,
      () => undefined,
    );
  for (const mode of ["STRICT", "PERMISSIVE", "STRICT"] as const) {
    await write(
      "peers.yaml",
      `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: weft-system }
spec: { mtls: { mode: ${mode} } }
`,
    );
    const wanted = mode === "STRICT" ? undefined : 200;
    await waitFor(`${mode} at echo-v2`, async () => ((await plaintext()) === wanted ? true : undefined));
    for (let i = 0; i < 20; i++) expect((await ask()).status).toBe(200);
  }
});
