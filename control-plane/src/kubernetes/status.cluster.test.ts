import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { type ApiServer, startApiServer } from "../../../test/kubernetes/api-server.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { Condition } from "../status/condition.js";
import type { StatusDocument } from "../status/document.js";
import { createKubernetesApi, type KubernetesApi } from "./api.js";
import { type ClusterStatus, openClusterStatus } from "./cluster-status.js";
import { loadKubeconfig } from "./kubeconfig.js";

const CRDS = fileURLToPath(new URL("../../../crds/", import.meta.url));
const WAIT = { timeout: 120_000, interval: 50 };
const NOW = "2026-01-02T03:04:05.678Z";

/** As far as statuses are concerned it is the one of Gateway API; that is installed by users, and is not here. */
const HTTP_ROUTE = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "httproutes.gateway.networking.k8s.io",
    annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1" },
  },
  spec: {
    group: "gateway.networking.k8s.io",
    scope: "Namespaced",
    names: { kind: "HTTPRoute", listKind: "HTTPRouteList", plural: "httproutes", singular: "httproute" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              status: {
                type: "object",
                required: ["parents"],
                properties: {
                  parents: {
                    type: "array",
                    maxItems: 32,
                    items: {
                      type: "object",
                      required: ["conditions", "controllerName", "parentRef"],
                      properties: {
                        controllerName: { type: "string" },
                        parentRef: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                        conditions: {
                          type: "array",
                          items: {
                            type: "object",
                            required: ["type", "status", "reason", "message", "lastTransitionTime"],
                            properties: {
                              type: { type: "string" },
                              status: { type: "string" },
                              reason: { type: "string", minLength: 1 },
                              message: { type: "string" },
                              observedGeneration: { type: "integer", minimum: 0 },
                              lastTransitionTime: { type: "string", format: "date-time" },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

let server: ApiServer;
let api: KubernetesApi;
let problems: string[];
const undo: (() => void)[] = [];

const leader = (isLeading = true) => {
  const listeners = new Set<(isLeading: boolean) => void>();
  return {
    isLeading,
    subscribe(listener: (isLeading: boolean) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(now: boolean) {
      this.isLeading = now;
      for (const listener of listeners) listener(now);
    },
  };
};

async function open(
  options: { leadership?: ReturnType<typeof leader>; kubeconfig?: string; podName?: string } = {},
): Promise<ClusterStatus> {
  const own = options.kubeconfig === undefined ? api : createKubernetesApi(loadKubeconfig(options.kubeconfig));
  if (own !== api) undo.push(own.close);
  const opened = await openClusterStatus({
    api: own,
    namespace: "weft-system",
    podName: options.podName ?? "weft-0",
    leadership: options.leadership ?? leader(),
    onProblem: (message) => problems.push(message),
  });
  undo.push(opened.close);
  return opened;
}

beforeAll(async () => {
  server = await startApiServer({ users: [{ name: "nobody" }, { name: "reader" }] });
  api = createKubernetesApi(loadKubeconfig(server.kubeconfig));
  const definitions = readdirSync(CRDS)
    .filter((file) => /^(wasmplugins\.weft|virtualservices|meshconfigs)/.test(file))
    .map((file) => parse(readFileSync(join(CRDS, file), "utf8"), { maxAliasCount: -1 }));
  for (const definition of [...definitions, HTTP_ROUTE]) {
    const { status, body } = await server.ask(
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      definition,
    );
    if (status !== 201) throw new Error(JSON.stringify(body));
  }
  const kinds = ["weft.mesh/v1alpha1/wasmplugins", "networking.istio.io/v1/virtualservices"];
  for (const kind of [...kinds, "gateway.networking.k8s.io/v1/httproutes"])
    await vi.waitFor(async () => expect((await server.ask("GET", `/apis/${kind}`)).status).toBe(200), WAIT);
  await server.createNamespace("weft-system");
  for (const [name, resources] of [
    ["reads", ["wasmplugins", "virtualservices", "httproutes", "configmaps"]],
  ] as const) {
    await server.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      metadata: { name },
      rules: [{ apiGroups: ["*"], resources, verbs: ["get", "list"] }],
    });
    await server.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "User", name: "reader", apiGroup: "rbac.authorization.k8s.io" }],
    });
  }
});
afterAll(async () => {
  api?.close();
  await server?.close();
});
let namespace = "";
let count = 0;
beforeEach(async () => {
  problems = [];
  namespace = `shop-${count++}`;
  await server.createNamespace(namespace);
});
afterEach(() => {
  for (const end of undo.splice(0)) end();
});

const plural = {
  WasmPlugin: "weft.mesh/v1alpha1",
  VirtualService: "networking.istio.io/v1",
  HTTPRoute: "gateway.networking.k8s.io/v1",
};
type Kind = keyof typeof plural;
const pathOf = (kind: Kind) => `/apis/${plural[kind]}/namespaces/${namespace}/${kind.toLowerCase()}s`;

async function create(kind: Kind, name: string, spec: object): Promise<void> {
  const object = { apiVersion: plural[kind], kind, metadata: { name }, spec };
  const { status, body } = await server.ask("POST", pathOf(kind), object);
  if (status !== 201) throw new Error(JSON.stringify(body));
}
const read = async (kind: Kind, name: string) => (await server.ask("GET", `${pathOf(kind)}/${name}`)).body;

const condition = (type: string, over: Partial<Condition> = {}): Condition => ({
  type,
  status: "True",
  reason: type,
  message: "",
  observedGeneration: "1",
  lastTransitionTime: NOW,
  ...over,
});
const document = (kind: string, name: string, status: object): StatusDocument => ({
  apiVersion: "",
  object: { kind, namespace, name },
  status: { conditions: [condition("Accepted")], ...status },
});
const PLUGIN = { url: "oci://registry.example/plugins/a:1" };

describe("the status of an object in the cluster", () => {
  it("is what was written, can be read back at the next start, and loses what is no more", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { writer } = await open();
    const lastGood = { digest: "sha256:1", resourceVersion: "v1", env: { A: "1", B: "2" } };
    await writer.write([
      document("WasmPlugin", "a", {
        digest: "sha256:1",
        proxies: { matched: 3, acked: 2, rejected: 1, lastError: "no" },
        lastGood,
        rejected: [{ version: "v0", message: "traps" }],
      }),
    ]);
    const { status, metadata } = await read("WasmPlugin", "a");
    expect(status).toMatchObject({ digest: "sha256:1", lastGood, rejected: [{ version: "v0", message: "traps" }] });
    expect(status.proxies).toEqual({ matched: 3, acked: 2, rejected: 1, lastError: "no", summary: "2/3" });
    expect(status.conditions).toEqual([
      {
        ...{ type: "Accepted", status: "True", reason: "Accepted", message: "" },
        observedGeneration: 1,
        lastTransitionTime: "2026-01-02T03:04:05Z",
      },
    ]);
    expect(metadata.generation).toBe(1);

    const again = await open();
    expect(again.statuses.find(({ object }) => object.namespace === namespace)).toEqual({
      object: { kind: "WasmPlugin", namespace, name: "a" },
      status,
    });
    const later = document("WasmPlugin", "a", {
      proxies: { matched: 3, acked: 3, rejected: 0 },
      lastGood: { ...lastGood, env: { A: "1" } },
    });
    await again.writer.write([later]);
    const now = (await read("WasmPlugin", "a")).status;
    expect(Object.keys(now).sort()).toEqual(["conditions", "lastGood", "proxies"]);
    expect(now.lastGood.env).toEqual({ A: "1" });
    expect(now.proxies).toEqual({ matched: 3, acked: 3, rejected: 0, summary: "3/3" });
    expect(problems).toEqual([]);
  });

  it("is not written again while nothing changes, and a condition keeps its time", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { writer } = await open();
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" })]);
    const { resourceVersion } = (await read("WasmPlugin", "a")).metadata;
    const other = document("WasmPlugin", "a", {
      digest: "sha256:1",
      conditions: [condition("Accepted", { lastTransitionTime: "2026-05-05T05:05:05.000Z" })],
    });
    await writer.write([other]);
    await (await open()).writer.write([other]);
    expect((await read("WasmPlugin", "a")).metadata.resourceVersion).toBe(resourceVersion);
  });

  it("is written although somebody else changed the object meanwhile, with what they wrote", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    await create("VirtualService", "b", { hosts: ["b"] });
    const { writer } = await open();
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" }), document("VirtualService", "b", {})]);
    await vi.waitFor(async () => expect((await read("VirtualService", "b")).status?.conditions).toHaveLength(1), WAIT);
    await server.ask("PATCH", `${pathOf("WasmPlugin")}/a`, { spec: { priority: 7 } });
    const theirs = { type: "Reconciled", status: "True" };
    const accepted = (await read("VirtualService", "b")).status.conditions[0];
    await server.ask("PATCH", `${pathOf("VirtualService")}/b/status`, {
      status: { conditions: [theirs, accepted], validationMessages: [] },
    });
    const refused = { conditions: [condition("Accepted", { status: "False", reason: "UnknownHost" })] };
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:2" }), document("VirtualService", "b", refused)]);
    const plugin = await read("WasmPlugin", "a");
    expect([plugin.spec.priority, plugin.status.digest]).toEqual([7, "sha256:2"]);
    await vi.waitFor(async () => {
      const { status } = await read("VirtualService", "b");
      expect(status.conditions).toEqual([expect.objectContaining({ reason: "UnknownHost" }), theirs]);
      expect(status.validationMessages).toEqual([]);
    }, WAIT);
  });

  it("of a route is a parent of ours, beside those of other controllers, which stay", async () => {
    await create("HTTPRoute", "r", { parentRefs: [{ kind: "Service", name: "s" }] });
    const foreign = {
      parentRef: { name: "gateway" },
      controllerName: "example.com/other",
      conditions: [{ ...condition("Accepted"), observedGeneration: 1 }],
    };
    await server.ask("PATCH", `${pathOf("HTTPRoute")}/r/status`, { status: { parents: [foreign] } });
    const { writer } = await open();
    const parentRef = { group: "", kind: "Service", namespace, name: "s" };
    const ours = (over: Partial<Condition> = {}) => ({
      parentRef,
      controllerName: "weft.mesh/gateway-controller",
      conditions: [condition("Accepted", over), condition("ResolvedRefs")],
    });
    await writer.write([document("HTTPRoute", "r", { parents: [ours()] })]);
    await vi.waitFor(async () => {
      const { parents } = (await read("HTTPRoute", "r")).status;
      expect(parents.map((parent: typeof foreign) => parent.controllerName)).toEqual([
        "example.com/other",
        "weft.mesh/gateway-controller",
      ]);
      expect(parents[0]).toEqual(foreign);
      expect(parents[1].conditions[0].observedGeneration).toBe(1);
    }, WAIT);
    const stored = (await open()).statuses.find(({ object }) => object.kind === "HTTPRoute");
    expect(stored?.status.conditions).toHaveLength(2);
    await writer.write([document("HTTPRoute", "r", { parents: [] })]);
    await vi.waitFor(async () => expect((await read("HTTPRoute", "r")).status.parents).toEqual([foreign]), WAIT);
  });

  it("is written by who leads only, and by the next one when it comes to lead", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const leadership = leader(false);
    const { writer } = await open({ leadership });
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" })]);
    expect((await read("WasmPlugin", "a")).status).toBeUndefined();
    leadership.set(true);
    await vi.waitFor(async () => expect((await read("WasmPlugin", "a")).status?.digest).toBe("sha256:1"), WAIT);
  });

  it("says what to do where it may not be written, and writes when it may", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { writer } = await open({ kubeconfig: server.kubeconfigOf("reader") });
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" })]);
    expect(problems.find((message) => message.startsWith("the status of"))).toMatch(
      /WasmPlugin shop-\d+\/a is not written: 403 .*patch of wasmplugins\.weft\.mesh\/status$/,
    );
    await server.ask("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/reads", {
      rules: [
        { apiGroups: ["*"], resources: ["wasmplugins", "configmaps"], verbs: ["get", "list"] },
        { apiGroups: ["*"], resources: ["wasmplugins/status"], verbs: ["patch"] },
      ],
    });
    await vi.waitFor(async () => expect((await read("WasmPlugin", "a")).status?.digest).toBe("sha256:1"), WAIT);
  });

  it("is forgotten with its object, and a new object of the name has its own", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { writer } = await open();
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" })]);
    await server.ask("DELETE", `${pathOf("WasmPlugin")}/a`);
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:2" })]);
    await create("WasmPlugin", "a", PLUGIN);
    expect((await read("WasmPlugin", "a")).status).toBeUndefined();
    await writer.write([document("WasmPlugin", "a", { digest: "sha256:3" })]);
    expect((await read("WasmPlugin", "a")).status.digest).toBe("sha256:3");
    expect(problems).toEqual([]);
  });

  it("is written after the API server was away, with the newest that there is", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { writer } = await open();
    await server.kill();
    try {
      await writer.write([document("WasmPlugin", "a", { digest: "sha256:1" })]);
      expect(problems).toEqual([expect.stringMatching(/^statuses are not written: .*they are tried again$/)]);
      await writer.write([document("WasmPlugin", "a", { digest: "sha256:2" })]);
    } finally {
      await server.start();
    }
    await vi.waitFor(async () => expect((await read("WasmPlugin", "a")).status?.digest).toBe("sha256:2"), WAIT);
  });
});

const eventsOf = async (name: string): Promise<readonly Record<string, unknown>[]> => {
  const { body } = await server.ask("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
  return body.items.filter((event: { regarding: { name: string } }) => event.regarding.name === name);
};

describe("Events", () => {
  const pulled = (digest: string) =>
    document("WasmPlugin", "a", { digest, conditions: [condition("Resolved", { message: "from the registry" })] });
  const failed = (message: string) =>
    document("WasmPlugin", "a", {
      conditions: [condition("Resolved", { status: "False", reason: "NotFound", message })],
    });

  it("tell what happened to a plugin, once however often it happens, and nothing again after a restart", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { events, writer } = await open();
    const { uid } = (await read("WasmPlugin", "a")).metadata;
    for (const status of [failed("no such tag"), pulled("sha256:1"), failed("no such tag"), pulled("sha256:1")])
      await events.take([status], [], new Date().toISOString());
    await vi.waitFor(async () => {
      const found = await eventsOf("a");
      expect(
        found.map(({ reason, type, series }) => [reason, type, (series as { count: number })?.count]).sort(),
      ).toEqual([
        ["PullFailed", "Warning", 2],
        ["Pulled", "Normal", 2],
      ]);
      expect(found[0]).toMatchObject({
        regarding: { kind: "WasmPlugin", apiVersion: "weft.mesh/v1alpha1", namespace, uid },
        reportingController: "weft.mesh/control-plane",
        reportingInstance: "weft-0",
      });
    }, WAIT);
    await writer.write([pulled("sha256:1")]);
    const again = await open();
    await again.events.take([pulled("sha256:1")], [], new Date().toISOString());
    await again.events.take([failed("gone again")], [], new Date().toISOString());
    await vi.waitFor(async () => expect(await eventsOf("a")).toHaveLength(3), WAIT);
    expect(problems).toEqual([]);
  });

  it("tell what is wrong with an object that has no status, and that it is over", async () => {
    await server.ask("POST", `/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: "s" },
      spec: { ports: [{ port: 80 }] },
    });
    const { events } = await open();
    const wrong = {
      diagnostics: ["Service s spec.ports[0]: says no protocol"],
      conditions: [condition("Accepted", { status: "False", reason: "NoProtocol" })],
    };
    await events.take([document("Service", "s", wrong)], [], new Date().toISOString());
    await events.take([document("Service", "s", {})], [], new Date().toISOString());
    await vi.waitFor(async () => {
      const found = await eventsOf("s");
      expect(found.map(({ reason, type }) => [reason, type]).sort()).toEqual([
        ["NoProtocol", "Warning"],
        ["Solved", "Normal"],
      ]);
    }, WAIT);
  });

  it("say what to do where they may not be written", async () => {
    await create("WasmPlugin", "a", PLUGIN);
    const { events } = await open({ kubeconfig: server.kubeconfigOf("reader") });
    await events.take([failed("no such tag")], [], new Date().toISOString());
    await vi.waitFor(
      () => expect(problems.join("\n")).toMatch(/Events are not written: 403 .*create and patch of/),
      WAIT,
    );
  });
});

describe("what is in force and refused now", () => {
  const virtualService = (name: string, text = "x") =>
    ({ kind: "VirtualService", value: { namespace, name, hosts: [text] } }) as unknown as MeshObject;
  const inForce = (objects: readonly MeshObject[], refused: readonly MeshObject[]) => ({
    objects: new Map(
      objects.map((object) => [`${object.kind} ${object.value.namespace}/${object.value.name}`, { object }]),
    ),
    virtualServices: new Map(),
    diagnostics: refused.map(({ kind, value }) => ({
      severity: "error" as const,
      reason: "X",
      object: { kind, namespace: value.namespace, name: value.name },
      message: "",
      hint: "",
    })),
  });

  it("is there at the next start; what is right, and what is secret, is not kept", async () => {
    const status = await open();
    const secret = { kind: "Secret", value: { namespace, name: "key", data: "hunter2" } } as unknown as MeshObject;
    const [a, b] = [virtualService("a"), virtualService("b")];
    await status.keepInForce(inForce([a, b, secret], [b, secret]));
    expect((await open()).lastGood).toEqual([b]);
    const { body } = await server.ask("GET", "/api/v1/namespaces/weft-system/configmaps/weft-last-good");
    expect(Buffer.from(body.binaryData["last-good.json.gz"], "base64").subarray(0, 2)).toEqual(Buffer.from([31, 139]));
    // What does not change is not written again.
    await status.keepInForce(inForce([a, b], [b]));
    const after = await server.ask("GET", "/api/v1/namespaces/weft-system/configmaps/weft-last-good");
    expect(after.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    await status.keepInForce(inForce([a, b], []));
    expect((await open()).lastGood).toEqual([]);
  });

  it("is kept as far as it fits, and what does not is told", async () => {
    const status = await open();
    const random = (size: number) => Array.from({ length: size }, () => Math.random().toString(36)).join("");
    const many = Array.from({ length: 40 }, (_, i) => virtualService(`v${i}`, random(6000)));
    await status.keepInForce(inForce(many, many));
    const { lastGood } = await open();
    expect(lastGood.length).toBeGreaterThan(3);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`${40 - lastGood.length} objects do not fit`))]);
    await status.keepInForce(inForce([], []));
  });

  it("is no reason not to start when it cannot be unpacked", async () => {
    await server.ask("PATCH", "/api/v1/namespaces/weft-system/configmaps/weft-last-good", {
      binaryData: { "last-good.json.gz": Buffer.from("garbage").toString("base64") },
    });
    expect((await open()).lastGood).toEqual([]);
  });
});
