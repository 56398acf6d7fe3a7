import { afterEach, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { FakeApiServer, type FakeKind } from "../../../../test/fake-api-server.js";
import { createKubernetesReader } from "../../kubernetes/reader.js";
import type { MeshObject } from "../../model/mesh-object.js";
import { sourceContract } from "../source.contract.js";
import type { SourceHarness } from "../source-harness.contract.js";
import { SourceProbe } from "../source-probe.js";
import { pause } from "./pause.js";
import { createKubernetesSource, type KubernetesSourceOptions } from "./source.js";

const ISTIO = "networking.istio.io";
const SERVICES: FakeKind = { group: "", version: "v1", kind: "Service", resource: "services" };
const RULES: FakeKind = { group: ISTIO, version: "v1", kind: "DestinationRule", resource: "destinationrules" };
/** Every API server has them. */
const CORE: readonly FakeKind[] = [
  SERVICES,
  { group: "", version: "v1", kind: "Pod", resource: "pods" },
  { group: "", version: "v1", kind: "Node", resource: "nodes" },
];
const KINDS = [...CORE, RULES];
const WATCHES = KINDS.length;

type FakeObject = Parameters<FakeApiServer["apply"]>[0];

const rule = (name: string, host = "backend", spec: object = {}): FakeObject & { spec: object } => ({
  apiVersion: `${ISTIO}/v1`,
  kind: "DestinationRule",
  metadata: { name, namespace: "default" },
  spec: { host, ...spec },
});

/** Waits of seconds would make the tests slow, and none would make a broken server busy. */
const shortly = (ms: number, signal: AbortSignal) => pause(Math.min(ms, 5), signal);

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(kinds: readonly FakeKind[] = KINDS, objects: readonly FakeObject[] = []): Promise<FakeApiServer> {
  const server = new FakeApiServer(kinds);
  await server.start();
  open.push(() => server.stop());
  for (const object of objects) server.apply(object);
  return server;
}

function watch(server: FakeApiServer, options: Partial<KubernetesSourceOptions> = {}) {
  const api = createKubernetesReader(server.kubeconfig);
  const problems: string[] = [];
  const source = createKubernetesSource({
    api,
    pause: shortly,
    discoveryMs: 5,
    onProblem: (message) => problems.push(message),
    ...options,
  });
  const probe = new SourceProbe(source);
  open.push(async () => {
    await probe.close();
    api.close();
  });
  return { probe, problems, source };
}

sourceContract("kubernetes", async (): Promise<SourceHarness> => {
  const server = await serve();
  const api = createKubernetesReader(server.kubeconfig);
  const files = new Map<string, FakeObject[]>();
  return {
    source: createKubernetesSource({ api, pause: shortly, discoveryMs: 5 }),
    async write(texts) {
      for (const [file, text] of Object.entries(texts)) {
        const objects = parseAllDocuments(text ?? "").flatMap((document) => {
          const object = document.toJS() as FakeObject | null;
          return object === null ? [] : { ...object, metadata: { namespace: "default", ...object.metadata } };
        });
        for (const object of files.get(file) ?? [])
          if (!objects.some(({ metadata }) => metadata.name === object.metadata.name)) server.delete(object);
        for (const object of objects) server.apply(object);
        files.set(file, objects);
      }
    },
    async close() {
      api.close();
    },
  };
});

describe("what the server does to its watchers", () => {
  it("lists in pages, and tells all of them at once", async () => {
    const server = await serve(
      KINDS,
      Array.from({ length: 25 }, (_, i) => rule(`r${i}`)),
    );
    const { probe } = watch(server, { pageSize: 10 });
    await probe.next();
    expect(probe.batches).toBe(1);
    expect(probe.names()).toHaveLength(25);
    expect(server.requests.filter((path) => path.includes("continue="))).toHaveLength(2);
  });

  it("resumes a watch that has ended where it was", async () => {
    const server = await serve(KINDS, [rule("a")]);
    const { probe } = watch(server);
    await probe.next();
    for (const how of ["end", "middle"] as const) {
      await until(() => server.watches === WATCHES);
      server.cutWatches(how);
      server.apply(rule(`after-${how}`));
      await probe.until(() => probe.names().includes(`after-${how}`));
    }
    expect(probe.names()).toEqual(["a", "after-end", "after-middle"]);
    expect(listsOf(server, "destinationrules")).toBe(1);
  });

  it("goes on from a bookmark", async () => {
    const server = await serve(KINDS, [rule("a")]);
    const { probe } = watch(server);
    await probe.next();
    await until(() => server.watches === WATCHES);
    server.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "default" } });
    server.bookmark();
    await until(() => server.watches === WATCHES);
    // What was before the bookmark is not remembered: without it the watch would be of an expired version.
    await new Promise((done) => setTimeout(done, 50));
    server.forget();
    server.cutWatches();
    server.apply(rule("b"));
    await probe.until(() => probe.names().length === 2);
    expect(listsOf(server, "destinationrules")).toBe(1);
  });

  it.each(["answer", "event"] as const)("finds by a new list what an expired version has hidden: %s", async (how) => {
    const server = await serve(KINDS, [rule("stays"), rule("goes"), rule("changes", "old")]);
    const { probe } = watch(server);
    await probe.next();
    await until(() => server.watches === WATCHES);
    server.delete(rule("goes"), { isSilent: true });
    server.apply(rule("changes", "new"), { isSilent: true });
    server.apply(rule("comes"), { isSilent: true });
    server.forget();
    if (how === "event") server.expireWatches();
    else server.cutWatches();
    await probe.until(() => probe.names().includes("comes") && !probe.names().includes("goes"));
    expect(probe.names()).toEqual(["changes", "comes", "stays"]);
    expect(probe.hostOf("changes")).toBe("new.default.svc.cluster.local");
    expect(probe.deletes).toBe(1);
  });

  it("tells nothing when a new list has nothing new", async () => {
    const server = await serve(KINDS, [rule("a"), rule("b")]);
    const { probe } = watch(server);
    await probe.next();
    await until(() => server.watches === WATCHES);
    server.expireWatches();
    await until(() => listsOf(server, "destinationrules") === 2);
    server.apply(rule("c"));
    expect(await probe.next()).toMatchObject([{ kind: "apply", ref: { name: "c" } }]);
  });

  it("asks for the whole list when pages expire before it has them", async () => {
    const server = await serve(
      KINDS,
      Array.from({ length: 25 }, (_, i) => rule(`r${i}`)),
    );
    server.failures.push({ path: /continue=/, status: 410, times: 1 });
    const { probe } = watch(server, { pageSize: 10 });
    await probe.next();
    expect(probe.names()).toHaveLength(25);
    expect(server.requests.filter((path) => /destinationrules$/.test(path))).toHaveLength(1);
  });

  it("survives a server that is away, and takes what happened meanwhile", async () => {
    const server = await serve(KINDS, [rule("a"), rule("b")]);
    const { probe, problems } = watch(server);
    await probe.next();
    await server.stop();
    server.delete(rule("a"));
    server.apply(rule("c"));
    server.forget();
    await until(() => problems.length > 6);
    expect(probe.names()).toEqual(["a", "b"]);
    await server.start();
    await probe.until(() => probe.names().join() === "b,c");
    expect(probe.deletes).toBe(1);
  });

  it.each([401, 403, 404, 429, 500, 503])("keeps what it has while the server answers %d", async (status) => {
    const server = await serve(KINDS, [rule("a")]);
    const { probe, problems } = watch(server);
    await probe.next();
    await until(() => server.watches === WATCHES);
    server.failures.push({ path: /destinationrules/, status, times: 8 });
    server.cutWatches();
    server.apply(rule("b"));
    await probe.until(() => probe.names().length === 2);
    expect(problems.some((message) => message.startsWith("cannot follow DestinationRules"))).toBe(true);
    expect(probe.deletes).toBe(0);
  });

  it("is not ready before every kind has been listed", async () => {
    const server = await serve(KINDS, [rule("a")]);
    server.failures.push({ path: /\/services/, status: 403, times: Number.POSITIVE_INFINITY });
    const { probe, problems } = watch(server);
    const first = probe.next();
    await until(() => problems.length > 3);
    expect(probe.batches).toBe(0);
    expect(problems.at(-1)).toContain("let the control plane's service account list and watch them");
    server.failures.length = 0;
    expect((await first).at(-1)).toEqual({ kind: "ready" });
  });
});

describe("kinds that a cluster has or has not", () => {
  it("are followed from the moment that they are there", async () => {
    const server = await serve(CORE);
    const { probe } = watch(server);
    await probe.next();
    server.kinds.push(RULES);
    server.apply(rule("a"));
    await probe.until(() => probe.names().length === 1);
  });

  it("are gone with their definition, and not for a moment of silence", async () => {
    const server = await serve(KINDS, [rule("a")]);
    const { probe } = watch(server);
    await probe.next();
    server.kinds = [...CORE];
    await until(() => server.requests.filter((path) => path === "/apis").length > 2);
    await probe.until(() => probe.names().length === 0);
  });

  it("are read in the newest version that both know", async () => {
    const beta = { ...RULES, version: "v1beta1" };
    const server = await serve([...CORE, beta, { ...RULES, version: "v2" }], [rule("a")]);
    const { probe } = watch(server);
    await probe.next();
    server.kinds.push(RULES);
    await until(() => server.requests.some((path) => path.startsWith(`/apis/${ISTIO}/v1/destinationrules`)));
    server.apply(rule("b"));
    await probe.until(() => probe.names().length === 2);
    expect(server.requests.some((path) => path.includes("/v2/"))).toBe(false);
    expect(probe.deletes).toBe(0);
  });
});

describe("Secrets", () => {
  const PLUGINS: FakeKind = { group: "weft.mesh", version: "v1alpha1", kind: "WasmPlugin", resource: "wasmplugins" };
  const plugin = (name: string, imagePullSecret?: string): FakeObject & { spec: object } => ({
    apiVersion: "weft.mesh/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace: "default" },
    spec: { url: "oci://registry.example/p:1", ...(imagePullSecret === undefined ? {} : { imagePullSecret }) },
  });
  const secret = (name: string, namespace = "default"): FakeObject & { type: string; data: object } => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": Buffer.from("{}").toString("base64") },
  });
  const asked = (server: FakeApiServer) => new Set(server.requests.filter((path) => path.includes("secrets")));

  it("are read by the names that objects give, and no others", async () => {
    const objects = [plugin("a", "pull"), plugin("b"), secret("pull"), secret("other"), secret("pull", "elsewhere")];
    const server = await serve([...CORE, PLUGINS], objects);
    const { probe } = watch(server, { secretsMs: 5 });
    await probe.next();
    expect(probe.names()).toEqual(["a", "b", "pull"]);
    server.apply(plugin("b", "other"));
    await probe.until(() => probe.names().includes("other"));
    server.delete(plugin("a"));
    await probe.until(() => !probe.names().includes("pull"));
    server.delete(secret("other"));
    await probe.until(() => !probe.names().includes("other"));
    const path = (name: string) => `/api/v1/namespaces/default/secrets/${name}`;
    expect(asked(server)).toEqual(new Set([path("pull"), path("other")]));
  });

  it("that may not be read hold up nobody, are named, and are read once they may be", async () => {
    const server = await serve([...CORE, PLUGINS], [plugin("a", "pull"), secret("pull")]);
    server.failures.push({ path: /secrets/, status: 403, times: Number.POSITIVE_INFINITY });
    const { probe } = watch(server, { secretsMs: 5 });
    await probe.next();
    await probe.until(() => probe.diagnostics.length > 0);
    expect(probe.names()).toEqual(["a"]);
    expect(probe.diagnostics).toMatchObject([
      {
        severity: "warning",
        reason: "SecretForbidden",
        object: { kind: "WasmPlugin", namespace: "default", name: "a" },
      },
    ]);
    server.failures.length = 0;
    await probe.until(() => probe.names().includes("pull") && probe.diagnostics.length === 0);
    server.failures.push({ path: /secrets/, status: 403, times: Number.POSITIVE_INFINITY });
    await probe.until(() => probe.diagnostics.length > 0);
    expect(probe.names()).toContain("pull");
  });

  it("of an object that is wrong now stay", async () => {
    const server = await serve([...CORE, PLUGINS], [plugin("a", "pull"), secret("pull")]);
    const { probe } = watch(server, { secretsMs: 5 });
    await probe.next();
    server.apply({ ...plugin("a"), spec: { url: 3 } } as never);
    await probe.until(() => probe.diagnostics.length > 0);
    expect(probe.names()).toEqual(["a", "pull"]);
  });
});

describe("an object that is refused", () => {
  const lastGood: MeshObject = {
    kind: "DestinationRule",
    value: {
      namespace: "default",
      name: "a",
      host: "kept.default.svc.cluster.local",
      exportTo: ["*"],
      policy: {},
      subsets: [],
    } as never,
  };

  it("has its last good value from before the restart, until it is right", async () => {
    const server = await serve(KINDS, [rule("a", "new", { fieldOfTomorrow: 1 })]);
    const { probe } = watch(server, { lastGood: [lastGood] });
    await probe.next();
    expect(probe.hostOf("a")).toBe("kept.default.svc.cluster.local");
    expect(probe.diagnostics).toMatchObject([{ reason: "UnknownField", field: "spec.fieldOfTomorrow" }]);
    expect(probe.diagnostics[0]).not.toHaveProperty("file");
    server.apply(rule("a", "new"));
    await probe.until(() => probe.hostOf("a") === "new.default.svc.cluster.local");
    expect(probe.diagnostics).toEqual([]);
  });

  it("is not brought back from before the restart when it is no more", async () => {
    const server = await serve();
    const { probe } = watch(server, { lastGood: [lastGood] });
    await probe.next();
    expect(probe.names()).toEqual([]);
  });
});

function listsOf(server: FakeApiServer, resource: string): number {
  return server.requests.filter((path) => path.includes(`/${resource}?`) && !path.includes("watch=1")).length;
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not come to be in time");
    await new Promise((done) => setTimeout(done, 5));
  }
}
