import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { ClusterLoadAssignmentSchema } from "../../control-plane/src/envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../control-plane/src/identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../../control-plane/src/identity/certificate-request.js";
import { signServer, signWorkload } from "../../control-plane/src/identity/sign.js";
import { type ControlPlane, startControlPlane } from "../../control-plane/src/main.js";
import { identityFiles, testConfig } from "../control-plane-config.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { createXdsClient, type XdsClient } from "../xds-client.js";

const CRDS = new URL("../../crds/", import.meta.url);
const WAIT = { timeout: 240_000, interval: 100 };
const SHOP = "/api/v1/namespaces/shop";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const ISTIO = "/apis/networking.istio.io/v1/namespaces/shop";
const lifetime = () => ({ ttlMs: 3_600_000, nowMs: Date.now() });

let server: ApiServer;
let dir: string;
let authority: CertificateAuthority;
let controlPlane: ControlPlane;
let client: XdsClient;
let uid: string;
const log: string[] = [];

async function issue(sign: (request: string) => ReturnType<typeof signServer>) {
  const privateKey = await createPrivateKeyPem();
  const signed = await sign(await createCertificateRequest(privateKey));
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, privateKey };
}

async function write(method: "POST" | "PATCH" | "PUT" | "DELETE", path: string, body?: unknown) {
  const answer = await server.ask(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function define(file: string): Promise<void> {
  const definition = parse(await readFile(fileURLToPath(new URL(file, CRDS)), "utf8"));
  await write("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  const { group, names, versions } = definition.spec;
  const path = `/apis/${group}/${versions[0].name}/${names.plural}`;
  await expect.poll(async () => (await server.ask("GET", path)).status, WAIT).toBe(200);
}

/** A pod with its sidecar, as the injector and a kubelet would have made it. */
async function runPod(name: string, podIP: string, labels: Record<string, string>): Promise<string> {
  const pod = await write("POST", `${SHOP}/pods`, {
    metadata: { name, labels, annotations: { "weft.mesh/status": '{"version":1}' } },
    spec: {
      nodeName: "n1",
      serviceAccountName: "web",
      containers: [
        { name: "app", image: "app", ports: [{ name: "web", containerPort: 8080 }] },
        { name: "weft-proxy", image: "envoy" },
      ],
    },
  });
  await write("PATCH", `${SHOP}/pods/${name}/status`, { status: { phase: "Running", podIP, podIPs: [{ ip: podIP }] } });
  return pod.metadata.uid;
}

const service = (name: string) => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: "web" }] },
});
const slice = (name: string, pods: Readonly<Record<string, string>>) => ({
  metadata: { name: `${name}-a`, labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: Object.entries(pods).map(([pod, address]) => ({
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: "Pod", namespace: "shop", name: pod },
  })),
});

const clusterOf = (name: string, subset = "") => `outbound|80|${subset}|${name}.shop.svc.cluster.local`;

/** The addresses in the last endpoints that came for a cluster. */
function addresses(cluster: string): string[] | undefined {
  const last = client.responses.filter(({ type, bytes }) => type === "endpoints" && bytes.has(cluster)).at(-1);
  const found = last?.bytes.get(cluster);
  if (found === undefined) return undefined;
  return fromBinary(ClusterLoadAssignmentSchema, found).endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.flatMap(({ hostIdentifier }) => {
      const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
      return address?.case === "socketAddress" && address.value.portSpecifier.case === "portValue"
        ? `${address.value.address}:${address.value.portSpecifier.value}`
        : [];
    }),
  );
}

async function connect(): Promise<XdsClient> {
  const subject = { namespace: "shop", serviceAccount: "web", workload: "web-1", uid };
  const pair = await issue((request) => signWorkload(authority, request, { ...subject, ...lifetime() }));
  const connected = createXdsClient({ port: controlPlane.xdsPort, tls: { rootCert: authority.rootPem, ...pair } });
  connected.request("cluster", { subscribe: ["*"] });
  connected.request("listener", { subscribe: ["*"] });
  return connected;
}

beforeAll(async () => {
  server = await startApiServer();
  dir = await mkdtemp(join(tmpdir(), "weft-cluster-"));
  authority = await createCertificateAuthority({ trustDomain: "cluster.local" });
  const own = await issue((request) => signServer(authority, request, lifetime()));
  await writeFile(join(dir, "cert.pem"), own.certificateChain);
  await writeFile(join(dir, "key.pem"), own.privateKey, { mode: 0o600 });
  await writeFile(join(dir, "root.pem"), authority.rootPem);
  await server.createNamespace("weft-system");
  await server.createNamespace("shop");
  const note = (message: string, fields: object = {}) => void log.push(`${message} ${JSON.stringify(fields)}`);
  controlPlane = await startControlPlane(
    testConfig(dir, {
      kind: "kubernetes",
      kubeconfig: server.kubeconfig,
      namespace: "weft-system",
      podName: "weft-control-plane-0",
      identity: identityFiles(dir),
    }),
    { info: note, warn: note, error: note },
  );
  await write("POST", "/api/v1/nodes", {
    metadata: {
      name: "n1",
      labels: { "topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1" },
    },
  });
  uid = await runPod("web-1", "10.0.0.1", { app: "web", version: "v1" });
});
afterAll(async () => {
  client?.close();
  await controlPlane?.close();
  await server?.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

it("gives a pod's sidecar its listeners, the clusters of Services and who answers for them", async () => {
  await write("POST", `${SHOP}/services`, service("web"));
  await write("POST", SLICES, slice("web", { "web-1": "10.0.0.1" }));
  await vi.waitFor(() => expect(log.join("\n")).toContain("the control plane is ready"), WAIT);
  client = await connect();
  await vi.waitFor(() => expect(client.held.has(`cluster/${clusterOf("web")}`)).toBe(true), WAIT);
  client.request("endpoints", { subscribe: [clusterOf("web")] });
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080"]), WAIT);
  // Those of a pod's interception, and the inbound cluster of the port that the pod numbers itself.
  await vi.waitFor(() => {
    const held = [...client.held.keys()];
    expect(held.some((name) => name.startsWith("listener/virtual"))).toBe(true);
    expect(held).toContain("cluster/inbound|8080||web.shop.svc.cluster.local");
  }, WAIT);
});

it("follows slices and pods as they come, change and go", async () => {
  await runPod("web-2", "10.0.0.2", { app: "web", version: "v2" });
  await write("PUT", `${SLICES}/web-a`, {
    ...slice("web", { "web-1": "10.0.0.1", "web-2": "10.0.0.2" }),
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
  });
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080", "10.0.0.2:8080"]), WAIT);
  await write("DELETE", `${SHOP}/pods/web-2?gracePeriodSeconds=0`);
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080"]), WAIT);
  await write("DELETE", `${SLICES}/web-a`);
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual([]), WAIT);
  await write("POST", SLICES, slice("web", { "web-1": "10.0.0.1" }));
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080"]), WAIT);
});

it("takes rules from the moment that their kinds are defined", async () => {
  await define("destinationrules.networking.istio.io.yaml");
  await define("virtualservices.networking.istio.io.yaml");
  await write("POST", `${ISTIO}/destinationrules`, {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "web" },
    spec: { host: "web", subsets: [{ name: "v1", labels: { version: "v1" } }] },
  });
  await vi.waitFor(() => expect(client.held.has(`cluster/${clusterOf("web", "v1")}`)).toBe(true), WAIT);
});

it("keeps what was right of an object of a newer schema, and names the field", async () => {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/destinationrules.networking.istio.io";
  const { body } = await server.ask("GET", path);
  for (const version of body.spec.versions)
    version.schema.openAPIV3Schema.properties.spec = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  await write("PUT", path, body);
  const spec = { host: "web", fieldOfTomorrow: 1, subsets: [{ name: "v9", labels: { version: "v9" } }] };
  await vi.waitFor(async () => {
    const stored = await write("PATCH", `${ISTIO}/destinationrules/web`, { spec });
    expect(stored.spec.fieldOfTomorrow).toBe(1);
  }, WAIT);
  await vi.waitFor(() => expect(log.join("\n")).toContain("fieldOfTomorrow"), WAIT);
  expect(client.held.has(`cluster/${clusterOf("web", "v1")}`)).toBe(true);
  expect(client.held.has(`cluster/${clusterOf("web", "v9")}`)).toBe(false);
});

it("serves on while the API server is away, and takes what happens when it is back", async () => {
  await server.kill();
  await vi.waitFor(() => expect(log.join("\n")).toContain("cannot follow Services"), WAIT);
  client.close();
  client = await connect();
  client.request("endpoints", { subscribe: [clusterOf("web"), clusterOf("later")] });
  await vi.waitFor(() => expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080"]), WAIT);
  await server.start();
  await write("POST", `${SHOP}/services`, service("later"));
  await write("POST", SLICES, slice("later", { "web-1": "10.0.0.1" }));
  await vi.waitFor(() => expect(addresses(clusterOf("later"))).toEqual(["10.0.0.1:8080"]), WAIT);
  expect(addresses(clusterOf("web"))).toEqual(["10.0.0.1:8080"]);
});

it("takes five thousand objects at once", async () => {
  const names = Array.from({ length: 2_500 }, (_, i) => `many-${i}`);
  const queue = [...names];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
        await write("POST", `${SHOP}/services`, service(name));
        await write("POST", SLICES, slice(name, { "web-1": "10.0.0.1" }));
      }
    }),
  );
  const last = clusterOf("many-2499");
  client.request("endpoints", { subscribe: [last] });
  await vi.waitFor(() => expect(addresses(last)).toEqual(["10.0.0.1:8080"]), WAIT);
}, 600_000);
