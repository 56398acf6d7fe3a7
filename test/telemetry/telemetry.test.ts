import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { decodeObject } from "../../control-plane/src/decode/decode.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { type FakeOtlp, type FakeZipkin, startFakeOtlp, startFakeZipkin } from "./collectors.js";

const BLOCK = addressBlock();
const CALLER = `${BLOCK}.1`;

let app: Server;
let zipkin: FakeZipkin;
let otlp: FakeOtlp;
let mesh: TranslatedMesh;
let proxies: MeshProxy[];
let logs: string;

function objects(yaml: string): MeshObject[] {
  return parseAllDocuments(yaml).map((document) => {
    const result = decodeObject(document.toJS(), { standalone: true });
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    return result.object;
  });
}

const meshConfig = (defaults: string): string => `
apiVersion: weft.mesh/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec:
  providers:
  - {name: zipkin, zipkin: {host: 127.0.0.1, port: ${zipkin.port}}}
  - {name: otlp, openTelemetry: {host: 127.0.0.1, port: ${otlp.port}}}
  - {name: file, file: {path: ${join(logs, "access.log")}}}
  - {name: text, file: {path: ${join(logs, "text.log")}, text: "%RESPONSE_CODE% %REQ(X-MARK)%"}}
  ${defaults}
`;

const telemetry = (spec: string): string => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: backend, namespace: default}
spec: {selector: {matchLabels: {app: backend}}, ${spec}}
`;

/** A request of the app of `frontend` to `backend`. */
function call(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: CALLER, port: 15001, path, headers: { host: "backend:8080", ...headers }, agent: false },
      (got) => {
        got.resume().on("end", () => resolve(got.statusCode ?? 0));
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

/** Lines of a log with a mark in them, once there are as many as wanted. */
async function lines(file: string, mark: string, wanted: number): Promise<string[]> {
  return vi.waitFor(async () => {
    const all = (await readFile(join(logs, file), "utf8")).split("\n").filter((line) => line.includes(mark));
    expect(all).toHaveLength(wanted);
    return all;
  }, POLL);
}

/** Applies objects, and waits until the listeners are in force. */
async function apply(yaml: string): Promise<void> {
  mesh.apply(...objects(yaml));
  await mesh.settled();
  for (const proxy of proxies)
    await vi.waitFor(async () => {
      const warming = (await proxy.admin("/stats?filter=listener_manager.total_listeners_warming")).trim();
      expect(warming).toMatch(/: 0$/);
    }, POLL);
  // Connections between the sidecars are told with a response that they end with the listener that they came through.
  await call("/told-to-end");
}

beforeAll(async () => {
  [zipkin, otlp, logs] = await Promise.all([
    startFakeZipkin(),
    startFakeOtlp(),
    mkdtemp(join(tmpdir(), "weft-telemetry-")),
  ]);
  app = createServer((got, response) => {
    response.statusCode = Number(got.headers["x-status"] ?? 200);
    response.end();
  });
  await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
  mesh = await createTranslatedMesh();
  mesh.apply(
    ...objects(`
apiVersion: v1
kind: Service
metadata: {name: backend}
spec: {selector: {app: backend}, ports: [{name: http, port: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: frontend}
spec: {address: ${CALLER}, serviceAccount: frontend, labels: {app: frontend}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: backend}
spec:
  address: ${BLOCK}.2
  serviceAccount: backend
  labels: {app: backend, version: v3}
  ports: {http: ${(app.address() as AddressInfo).port}}
`),
  );
  proxies = [await mesh.startProxy("frontend"), await mesh.startProxy("backend")];
});

afterAll(async () => {
  await mesh?.stop();
  app?.closeAllConnections();
  await new Promise((done) => app?.close(done));
  await Promise.all([zipkin?.stop(), otlp?.stop(), rm(logs, { recursive: true, force: true })]);
});

test("a line says who called whom and how it went, and never what stands in the query", async () => {
  await apply(meshConfig("accessLog: {mode: On, providers: [file]}"));
  expect(await call("/cart/first?token=secret", { authorization: "Bearer secret" })).toBe(200);
  const found = await lines("access.log", "/cart/first", 2);
  expect(found.join()).not.toContain("secret");
  const entries = found.map((line) => JSON.parse(line) as Record<string, unknown>);
  const [source, destination] = ["source", "destination"].map((side) => entries.find((e) => e.reporter === side));
  expect(source).toMatchObject({
    workload: "frontend",
    method: "GET",
    authority: "backend:8080",
    path: "/cart/first",
    response_code: 200,
    route: "backend-default",
    destination_service: "backend.default.svc.cluster.local",
    upstream_host: `${BLOCK}.2:8080`,
  });
  expect(destination).toMatchObject({
    workload: "backend",
    caller: expect.stringContaining("spiffe://test/ns/default/sa/frontend"),
    request_id: source?.request_id,
  });
  expect(source).not.toHaveProperty("grpc_status");
});

test("errors alone are logged where that is wanted", async () => {
  await apply(meshConfig("accessLog: {mode: Errors, providers: [text]}"));
  expect(await call("/", { "x-mark": "mark-good" })).toBe(200);
  expect(await call("/", { "x-status": "404", "x-mark": "mark-404" })).toBe(404);
  await lines("text.log", "404 mark-404", 2);
  expect(await readFile(join(logs, "text.log"), "utf8")).not.toContain("mark-good");
});

test("a workload's own rules replace the mesh's, with a condition and for one side", async () => {
  await apply(
    `${meshConfig("accessLog: {mode: Off}")}---${telemetry(
      `accessLogging: [{match: {mode: SERVER}, providers: [{name: text}], filter: {expression: "response.code == 418"}}]`,
    )}`,
  );
  expect(await call("/", { "x-status": "500", "x-mark": "mark-500" })).toBe(500);
  expect(await call("/", { "x-status": "418", "x-mark": "mark-418" })).toBe(418);
  await lines("text.log", "418 mark-418", 1);
  expect(await readFile(join(logs, "text.log"), "utf8")).not.toContain("mark-500");
  mesh.remove("Telemetry", "backend");
});

test("logs and spans go to a collector by OTLP", async () => {
  await apply(
    meshConfig(
      "accessLog: {mode: On, providers: [otlp]}\n  tracing: {providers: [otlp], samplingPercentage: 100, customTags: {tenant: {header: {name: x-tenant}}}}",
    ),
  );
  expect(await call("/otlp-path", { "x-tenant": "tenant-seven" })).toBe(200);
  await vi.waitFor(() => {
    const of = (service: string) =>
      Buffer.concat(otlp.received.get(`/opentelemetry.proto.collector.${service}/Export`) ?? []).toString("latin1");
    for (const text of ["/otlp-path", "frontend", "backend"]) expect(of("logs.v1.LogsService")).toContain(text);
    for (const text of ["tenant-seven", "frontend.default", "backend.default"])
      expect(of("trace.v1.TraceService")).toContain(text);
  }, POLL);
});

test("caller and server have a span each in one trace, with their tags", async () => {
  await apply(
    meshConfig("tracing: {providers: [zipkin], samplingPercentage: 100, customTags: {team: {literal: {value: red}}}}"),
  );
  expect(await call("/traced")).toBe(200);
  await vi.waitFor(() => {
    const found = zipkin.spans.filter(({ tags }) => tags["http.url"]?.endsWith("/traced"));
    const client = found.find(({ kind }) => kind === "CLIENT");
    const server = found.find(({ kind }) => kind === "SERVER");
    expect(client?.tags).toMatchObject({ workload: "frontend", route_name: "backend-default", team: "red" });
    expect(server?.tags).toMatchObject({ workload: "backend", "istio.canonical_revision": "v3", team: "red" });
    expect([server?.traceId, server?.parentId]).toEqual([client?.traceId, client?.id]);
  }, POLL);
});

test.each([
  ["B3", { b3: "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1" }],
  ["W3C", { traceparent: "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-01" }],
])("a trace that the app began is gone on with (%s), whatever the sampling", async (name, headers) => {
  await apply(meshConfig("tracing: {providers: [zipkin], samplingPercentage: 0}"));
  expect(await call(`/unsampled-${name}`)).toBe(200);
  expect(await call(`/begun-${name}`, headers as unknown as Record<string, string>)).toBe(200);
  const wanted = Object.values(headers)[0]?.match(/[0-9a-f]{32}/)?.[0];
  await vi.waitFor(() => {
    const found = zipkin.spans.filter(({ tags }) => tags["http.url"]?.endsWith(`/begun-${name}`));
    expect(found.map(({ traceId }) => traceId)).toEqual([wanted, wanted]);
  }, POLL);
  expect(zipkin.spans.filter(({ tags }) => tags["http.url"]?.includes("unsampled"))).toEqual([]);
});

test("nothing of all this was refused by Envoy", () => {
  expect(mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});
