import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { type ApiAnswer, type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { customResourceDefinitions } from "./definitions.js";
import { exampleObjects, type FoundObject, goldenObjects } from "./objects.js";

const DEFINITIONS = [...customResourceDefinitions().values()];
const ESTABLISHED_LIMIT_MS = 120_000;
const INVALID = fileURLToPath(new URL("../../examples/invalid", import.meta.url));

type ApiObject = FoundObject["object"];

let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  for (const definition of DEFINITIONS) {
    const { status, body } = await server.ask(
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      definition,
    );
    expect(body.message ?? "").toBe("");
    expect(status).toBe(201);
  }
  for (const { metadata } of DEFINITIONS) await established(metadata.name);
  const objects = [...goldenObjects(), ...exampleObjects()].map(({ object }) => object);
  const namespaces = new Set([...objects, ...invalidObjects()].map(namespaceOf));
  for (const name of namespaces) if (name !== "default") await server.createNamespace(name);
});
afterAll(() => server?.close());

async function established(name: string): Promise<void> {
  const limit = Date.now() + ESTABLISHED_LIMIT_MS;
  for (;;) {
    const { body } = await server.ask("GET", `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
    const conditions: readonly { type: string; status: string }[] = body.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
    if (Date.now() > limit) throw new Error(`${name}: ${JSON.stringify(conditions)}`);
    await sleep(50);
  }
}

function namespaceOf({ metadata }: ApiObject): string {
  return typeof metadata?.namespace === "string" ? metadata.namespace : "default";
}

function definitionOf({ apiVersion, kind }: ApiObject) {
  const [group] = String(apiVersion).split("/");
  return DEFINITIONS.find(({ spec }) => spec.group === group && spec.names.kind === kind);
}

/** Objects of the examples of mistakes, as far as they are whole enough to be sent to an API server. */
function invalidObjects(): ApiObject[] {
  return readdirSync(INVALID)
    .filter((name) => name.endsWith(".yaml") && name !== "syntax-error.yaml")
    .flatMap((name) => parseAllDocuments(readFileSync(join(INVALID, name), "utf8")).map((document) => document.toJS()))
    .filter((object) => object !== null && definitionOf(object) !== undefined);
}

/** What the API server makes of an object, without keeping it. */
async function tried(object: ApiObject): Promise<ApiAnswer> {
  const definition = definitionOf(object);
  if (definition === undefined) throw new Error(`no definition of ${object.kind}`);
  const path = `/apis/${object.apiVersion}/namespaces/${namespaceOf(object)}/${definition.spec.names.plural}`;
  // As kubectl asks, which wants to know of fields that would be dropped.
  return server.ask("POST", `${path}?dryRun=All&fieldValidation=Strict`, object);
}

/** Fields of a file's object that the API server would not keep. */
function dropped(written: unknown, kept: unknown, path = ""): string[] {
  if (written === null || written === undefined) return [];
  if (Array.isArray(written))
    return written.flatMap((item, index) =>
      dropped(item, (kept as unknown[] | undefined)?.[index], `${path}[${index}]`),
    );
  if (typeof written !== "object") return written === kept ? [] : [path];
  if (typeof kept !== "object" || kept === null) return [path];
  return Object.entries(written).flatMap(([name, value]) =>
    dropped(value, (kept as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

describe("objects that the mesh acts on", () => {
  const accepted = [...goldenObjects(), ...exampleObjects()].filter(({ object }) => definitionOf(object) !== undefined);
  /** Files of the folder, which there is none of in a cluster. */
  const isOfFolder = ({ object }: FoundObject) =>
    String((object.spec as { readonly url?: unknown } | undefined)?.url).startsWith("file://");

  it.each(accepted.filter((found) => !isOfFolder(found)))(
    "$file $object.kind $object.metadata.name is taken, and kept as it is written",
    async ({ object }) => {
      const { status, body } = await tried(object);
      expect({ status, message: body.message }).toEqual({ status: 201, message: undefined });
      expect(dropped(object.spec, body.spec)).toEqual([]);
    },
  );

  it("are sent in numbers", () => expect(accepted.length).toBeGreaterThan(100));
});

describe("objects with a mistake", () => {
  it("are refused, or kept whole, so that the mesh can name what is wrong", async () => {
    const objects = invalidObjects();
    expect(objects.length).toBeGreaterThan(20);
    for (const object of objects) {
      const { status, body } = await tried(object);
      if (status === 201) expect(dropped(object.spec, body.spec), JSON.stringify(object)).toEqual([]);
      else expect([400, 422], JSON.stringify(body)).toContain(status);
    }
  });
});

describe("a WasmPlugin", () => {
  const plugin = (spec: string): ApiObject => ({
    apiVersion: "weft.mesh/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "x" },
    spec: { url: "oci://r.io/p:1", ...parse(`{${spec}}`) },
  });
  const route = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}";
  const service = "{kind: Service, name: s}";

  it.each([
    ["selector: {matchLabels: {app: a}}, targetRefs: []"],
    [`targetRefs: [${service}], match: [{mode: SERVER, ports: [{number: 80}]}]`],
    [`targetRefs: [${route}], metrics: [{name: a_total, type: counter, countedBy: plugin}]`],
    ["verification: {required: true}"],
    ["verification: {keys: [{secretKeyRef: {name: k}}]}"],
    ["rollout: {steps: [{weight: 10}, {weight: 50, pause: 1m}], maxFailures: 3}"],
    ["callouts: [{name: a, host: h, port: 443, protocol: HTTPS, tls: {sni: h}}]"],
    ["metrics: [{name: x_failures_total, type: counter, value: '%A%', failure: true}]"],
    ["limits: {memory: 32Mi, maxModuleSize: 1000000}"],
  ])("with %s is taken", async (spec) => {
    const { status, body } = await tried(plugin(spec));
    expect({ status, message: body.message }).toEqual({ status: 201, message: undefined });
  });

  it.each([
    ["selector: {}, targetRef: {kind: Service, name: s}", /selector, targetRef and targetRefs exclude each other/],
    [`targetRefs: [${service}, ${route}]`, /Services and routes/],
    ["targetRefs: [{group: apps, kind: Service, name: s}]", /group must be empty for a Service/],
    ["targetRefs: [{kind: HTTPRoute, name: r}]", /gateway.networking.k8s.io for a route/],
    ["targetRefs: [{kind: Gateway, name: g}]", /Unsupported value: "Gateway"/],
    [`targetRefs: [${service}], match: [{mode: CLIENT}]`, /cannot have mode CLIENT/],
    [`targetRefs: [${route}], match: [{mode: SERVER}]`, /neither mode SERVER nor ports/],
    [`targetRefs: [${route}], match: [{ports: [{number: 80}]}]`, /neither mode SERVER nor ports/],
    [`targetRefs: [${route}], type: NETWORK`, /cannot target a route of HTTP/],
    [`targetRefs: [${route}], metrics: [{name: a_total, type: counter}]`, /only series with countedBy plugin/],
    [`sha256: ${"a".repeat(64)}, url: "oci://r.io/p@sha256:${"b".repeat(64)}"`, /not the digest in url/],
    ["sha256: abc", /should match/],
    ["url: 'file://p.wasm'", /push the plugin to a registry/],
    ["verification: {}", /add keys/],
    ["verification: {keys: [{}]}", /exactly one of pem and secretKeyRef/],
    ["rollout: {steps: [{weight: 50}, {weight: 10}]}", /weights must grow/],
    ["rollout: {steps: [{weight: 50}, {weight: 50}]}", /weights must grow/],
    ["rollout: {steps: []}", /at least 1/],
    ["callouts: [{name: a, host: h, port: 80, protocol: HTTP, tls: {}}]", /for the protocols HTTPS and GRPCS/],
    [
      "callouts: [{name: a, host: h, port: 1, protocol: HTTP}, {name: a, host: i, port: 2, protocol: HTTP}]",
      /Duplicate value/,
    ],
    ["metrics: [{name: a, type: histogram}]", /a histogram needs a value/],
    ["metrics: [{name: a_total, type: counter, when: start}]", /when start is for protocol tcp/],
    ["metrics: [{name: a_total, type: counter, countedBy: plugin, value: x}]", /counts itself/],
    ["metrics: [{name: a_total, type: counter, value: x, failure: true}]", /series of failures/],
    ["priority: high", /must be of type integer/],
    ["vmConfig: {env: [{name: A, value: b}, {name: A, value: c}]}", /Duplicate value/],
  ])("with %s is refused", async (spec, message) => {
    const { status, body } = await tried(plugin(spec));
    expect([400, 422]).toContain(status);
    expect(body.message).toMatch(message);
  });

  it("shows in a list whether it is ready, its digest, and how many proxies have it", async () => {
    const path = "/apis/weft.mesh/v1alpha1/namespaces/default/wasmplugins";
    const created = await server.ask("POST", path, plugin("phase: AUTHZ"));
    expect(created.body.spec).toMatchObject({ priority: 0, failStrategy: "FAIL_CLOSE", type: "HTTP" });
    const now = "2026-01-01T00:00:00Z";
    const of = { status: "True", message: "3 of 3 proxies run it", observedGeneration: 1, lastTransitionTime: now };
    const status = {
      conditions: ["Accepted", "Programmed"].map((type) => ({ ...of, type, reason: type })),
      digest: "sha256:abc",
      wasmSha256: "def",
      servedSha256: "123",
      proxies: { matched: 3, acked: 3, rejected: 0, summary: "3/3" },
      lastGood: { digest: "sha256:abc", resourceVersion: "v", manifest: { name: "x", metrics: [] }, env: { A: "b" } },
      rollout: { state: "Completed", phase: "observing", step: 2, steps: 2, weight: 50, limit: 50, since: now },
      rejected: [{ version: "v0", message: "no" }],
    };
    const patched = await server.ask("PATCH", `${path}/x/status`, { status });
    expect(patched.body.status).toEqual(status);
    expect(patched.body.metadata.generation).toBe(1);
    const [titles, row] = kubectl("get", "wp", "-o", "wide").split("\n");
    expect(titles?.split(/\s+/).filter(Boolean)).toEqual([
      "NAME",
      "READY",
      "DIGEST",
      "PROXIES",
      "PHASE",
      "ACCEPTED",
      "AGE",
      "REASON",
      "ROLLOUT",
    ]);
    expect(row).toMatch(/^x +True +sha256:abc +3\/3 +AUTHZ +True +\S+ +Programmed +Completed/);
  });

  it("is explained, field by field", () => {
    expect(kubectl("explain", "wasmplugins.weft.mesh.spec.rollout")).toMatch(/How a new version comes to the proxies/);
  });
});

describe("a MeshConfig", () => {
  it.each([
    ["other", "{}", /name it default/],
    ["default", "{plugins: {mode: maybe}}", /Unsupported value: "maybe"/],
    ["default", "{plugins: {verification: {required: true}}}", /required needs keys/],
    ["default", "{providers: [{name: a}]}", /exactly one of file/],
    ["default", "{providers: [{name: stdout, file: {}}]}", /choose another name/],
    ["default", "{providers: [{name: a, file: {text: x, json: {a: b}}}]}", /exclude each other/],
  ])("called %s, with %s is refused", async (name, spec, message) => {
    const object = parse(
      `{apiVersion: weft.mesh/v1alpha1, kind: MeshConfig, metadata: {name: ${name}}, spec: ${spec}}`,
    );
    const { status, body } = await tried(object);
    expect(status).toBe(422);
    expect(body.message).toMatch(message);
  });
});

function kubectl(...args: string[]): string {
  const all = ["--kubeconfig", server.kubeconfig, ...args];
  return execFileSync(process.env.WEFT_KUBECTL ?? "kubectl", all, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}
