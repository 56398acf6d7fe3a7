import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.js";
import { apply, execIn, get, kubectl, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh, ROOT_NAMESPACE } from "./support/mesh.js";

const NAMESPACE = "probes";

/** An app with HTTP, gRPC and TCP, as its probes want it. It is well until it is told otherwise. */
const APP = `
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
let isWell = true;
createServer((request, response) => {
  if (request.url === "/unwell" || request.url === "/well") isWell = request.url === "/well";
  if (request.url === "/bye") console.log("the hook was called from " + request.socket.remoteAddress);
  response.writeHead(isWell || request.url !== "/live" ? 200 : 500).end();
}).listen(8080);
createTcpServer((socket) => socket.on("error", () => {}).end()).listen(6379);
const bytes = (value) => value;
const grpc = new Server();
grpc.addService(
  { Check: { path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false, requestSerialize: bytes,
    requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } },
  { Check: (call, done) => done(null, Buffer.from([8, isWell ? 1 : 2])) },
);
grpc.bindAsync("0.0.0.0:9000", ServerCredentials.createInsecure(), () => {});
process.on("SIGTERM", () => setTimeout(() => process.exit(0), 2000));
`;

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await apply({
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "default", namespace: NAMESPACE },
    spec: { mtls: { mode: "STRICT" } },
  });
  // The image of the control plane has Node and gRPC in it.
  const controlPlane = await get("deployment", "-n", ROOT_NAMESPACE, "weft-control-plane");
  const { image } = controlPlane.spec.template.spec.containers[0];
  const labels = { app: "server" };
  const probe = { periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 5 };
  await apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "server", namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "app",
              image,
              workingDir: "/app",
              command: ["node", "--input-type=module", "-e", APP],
              ports: [{ name: "http", containerPort: 8080 }],
              startupProbe: { ...probe, failureThreshold: 120, tcpSocket: { port: 6379 } },
              readinessProbe: { ...probe, grpc: { port: 9000 } },
              livenessProbe: { ...probe, failureThreshold: 600, httpGet: { path: "/live", port: "http" } },
              lifecycle: { preStop: { httpGet: { path: "/bye", port: "http" } } },
            },
            {
              name: "exec",
              image,
              command: ["node", "-e", "process.on('SIGTERM', process.exit); setInterval(() => {}, 1e6)"],
              readinessProbe: {
                ...probe,
                periodSeconds: 10,
                timeoutSeconds: 30,
                exec: { command: ["node", "-e", "0"] },
              },
            },
          ],
        },
      },
    },
  });
  await rolledOut(NAMESPACE, "deployment/server");
});
afterAll(() => removeNamespace(NAMESPACE));

const pod = async () => (await get("pods", "-n", NAMESPACE, "-l", "app=server")).items[0];
const readyContainers = async (): Promise<Readonly<Record<string, boolean>>> =>
  Object.fromEntries(
    (await pod()).status.containerStatuses.map(({ name, ready }: { name: string; ready: boolean }) => [name, ready]),
  );
const tell = (what: string) =>
  execIn(NAMESPACE, "deployment/server", "node", "-e", `fetch("http://127.0.0.1:8080/${what}")`);

describe("the kubelet's probes under STRICT", () => {
  it("pass by TCP, gRPC, HTTP and command, through the sidecar", async () => {
    const { metadata, status } = await pod();
    expect(JSON.parse(metadata.annotations["weft.mesh/status"]).rewrittenProbes).toEqual([
      "app/startupProbe",
      "app/readinessProbe",
      "app/livenessProbe",
      "app/preStop",
    ]);
    expect(await readyContainers()).toEqual({ app: true, exec: true });
    for (const { name, restartCount } of status.containerStatuses) expect([name, restartCount]).toEqual([name, 0]);
  });

  it("fail when the app is not well, and pass again when it is", async () => {
    await tell("unwell");
    await waitFor("the app to be not ready", async () => ((await readyContainers()).app ? undefined : true));
    await tell("well");
    await waitFor("the app to be ready", async () => (await readyContainers()).app || undefined);
  });

  it("are joined by hooks: the app is told when it is to end", async () => {
    const { name } = (await pod()).metadata;
    const log = kubectl("logs", "-f", "-n", NAMESPACE, name, "-c", "app");
    await kubectl("delete", "pod", "-n", NAMESPACE, name);
    expect(await log).toMatch(/the hook was called from (::ffff:)?127\.0\.0\.6/);
  });
});
