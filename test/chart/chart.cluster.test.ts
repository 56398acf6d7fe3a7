import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { customResourceDefinitions } from "../crds/definitions.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { CHART, helm, helmWithValues, NAMESPACE, type Rendered, render } from "./helm.js";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SUBJECT = `system:serviceaccount:${NAMESPACE}:weft-control-plane`;
/** Of another mesh, with a field that ours has not. */
const FOREIGN = "telemetries.telemetry.istio.io";
const HOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injection";

let server: ApiServer;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "weft-charts-"));
  server = await startApiServer();
  await server.createNamespace(NAMESPACE);
  const schema = { type: "object", description: "of somebody else" };
  const { status } = await server.ask("POST", CRDS, {
    metadata: { name: FOREIGN },
    spec: {
      group: "telemetry.istio.io",
      scope: "Namespaced",
      names: { kind: "Telemetry", listKind: "TelemetryList", plural: "telemetries", singular: "telemetry" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
  expect(status).toBe(201);
});
afterAll(async () => {
  await server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

function run(command: "install" | "upgrade" | "uninstall", values: unknown = {}, chart = CHART): void {
  const args = [command, "weft", ...(command === "uninstall" ? [] : [chart]), "--namespace", NAMESPACE];
  const env = { KUBECONFIG: server.kubeconfig };
  const { ok, stderr } = command === "uninstall" ? helm(args, env) : helmWithValues(args, values, env);
  expect({ ok, stderr: ok ? "" : stderr }).toEqual({ ok: true, stderr: "" });
}

/** The chart as an older version would have been: without a field of one kind, and with an object less. */
function olderChart(): string {
  const chart = join(scratch, "older");
  cpSync(CHART, chart, { recursive: true });
  rmSync(join(chart, "templates", "network-policy.yaml"));
  const file = join(chart, "files", "crds", "wasmplugins.weft.mesh.yaml");
  const text = readFileSync(file, "utf8");
  const without = text.replace(/ {16}pluginName:\n(?: {18}.*\n)+/, "");
  expect(without).not.toBe(text);
  writeFileSync(file, without);
  const about = join(chart, "Chart.yaml");
  writeFileSync(about, readFileSync(about, "utf8").replace(/^(version|appVersion): .*$/gm, "$1: 0.0.9"));
  return chart;
}

function kubectl(...args: string[]): string {
  const all = ["--kubeconfig", server.kubeconfig, ...args];
  return execFileSync(process.env.WEFT_KUBECTL ?? "kubectl", all, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const PLURALS: Readonly<Record<string, string>> = {
  NetworkPolicy: "networkpolicies",
};

function pathOf({ apiVersion, kind, metadata }: Rendered): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

async function statusOf(path: string): Promise<number> {
  return (await server.ask("GET", path)).status;
}

async function isAllowed(verb: string, resource: string, rest: Record<string, string> = {}): Promise<boolean> {
  const { body } = await server.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    spec: { user: SUBJECT, resourceAttributes: { verb, resource, ...rest } },
  });
  return body.status.allowed;
}

describe("a release", () => {
  it("is installed over an older one's place, beside a kind that is somebody else's", async () => {
    run("install", {}, olderChart());
    const { body } = await server.ask("GET", `${CRDS}/${FOREIGN}`);
    expect(body.spec.versions[0].schema.openAPIV3Schema.description).toBe("of somebody else");
    for (const { metadata } of customResourceDefinitions().values()) {
      const wanted = metadata.name === "wasmplugins.extensions.istio.io" ? 404 : 200;
      expect(await statusOf(`${CRDS}/${metadata.name}`), metadata.name).toBe(wanted);
    }
  });

  it("is upgraded: its kinds too, while users' objects and the filled webhooks stay", async () => {
    const pluginName = async () => {
      const { body } = await server.ask("GET", `${CRDS}/wasmplugins.weft.mesh`);
      return body.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.pluginName?.type;
    };
    expect(await pluginName()).toBeUndefined();
    const plugins = "/apis/weft.mesh/v1alpha1/namespaces/default/wasmplugins";
    const type = { apiVersion: "weft.mesh/v1alpha1", kind: "WasmPlugin" };
    const object = { ...type, metadata: { name: "kept" }, spec: { url: "oci://r.io/p:1" } };
    await expect.poll(async () => (await server.ask("POST", plugins, object)).status, POLL).toBe(201);
    const webhooks = [webhookOf("c2VjcmV0")];
    expect((await server.ask("PATCH", HOOKS, { webhooks })).status).toBe(200);

    run("upgrade");
    expect(await pluginName()).toBe("string");
    expect(kubectl("get", "wasmplugins", "-o", "name").trim()).toBe("wasmplugin.weft.mesh/kept");
    expect(await statusOf(`${plugins}/kept`)).toBe(200);
    const hooks = await server.ask("GET", HOOKS);
    expect(hooks.body.webhooks.map(({ clientConfig }: Webhook) => clientConfig.caBundle)).toEqual(["c2VjcmV0"]);
    expect(hooks.body.metadata.labels["helm.sh/chart"]).toBe("weft-0.1.0");
    expect(
      await statusOf(`/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies/weft-control-plane`),
    ).toBe(200);
  });

  it("takes the objects of the example", () => {
    const folder = fileURLToPath(new URL("../../examples/kubernetes", import.meta.url));
    const files = ["app.yaml", "virtualservice.yaml"].flatMap((file) => ["-f", join(folder, file)]);
    const made = kubectl("apply", "--dry-run=server", "-o", "name", ...files);
    expect(made.trim().split("\n").sort()).toEqual([
      "deployment.apps/backend-v1",
      "deployment.apps/backend-v2",
      "deployment.apps/client",
      "destinationrule.networking.istio.io/backend",
      "service/backend",
      "virtualservice.networking.istio.io/backend",
    ]);
  });

  it("lets the control plane do what it must, and no more", async () => {
    for (const [verb, resource, rest] of [
      ["watch", "pods", {}],
      ["patch", "wasmplugins", { group: "weft.mesh", subresource: "status" }],
      ["update", "leases", { group: "coordination.k8s.io", namespace: NAMESPACE, name: "weft-control-plane" }],
      ["sign", "signers", { group: "certificates.k8s.io", name: "weft.mesh/workload" }],
    ] as const)
      expect(await isAllowed(verb, resource, rest), `${verb} ${resource}`).toBe(true);
    for (const [verb, resource, rest] of [
      ["create", "pods", {}],
      ["delete", "secrets", { namespace: NAMESPACE }],
      ["update", "secrets", { namespace: "default", name: "weft-ca" }],
      ["update", "wasmplugins", { group: "weft.mesh" }],
      ["update", "leases", { group: "coordination.k8s.io", namespace: NAMESPACE, name: "another" }],
      ["sign", "signers", { group: "certificates.k8s.io", name: "kubernetes.io/kube-apiserver-client" }],
      ["update", "mutatingwebhookconfigurations", { group: "admissionregistration.k8s.io", name: "another" }],
      ["impersonate", "users", {}],
    ] as const)
      expect(await isAllowed(verb, resource, rest), `${verb} ${resource}`).toBe(false);
  });

  it("runs in a namespace of pod security level restricted", async () => {
    await server.createNamespace("restricted", { "pod-security.kubernetes.io/enforce": "restricted" });
    const template = render().find(({ kind }) => kind === "Deployment")?.spec.template;
    const pod = { metadata: { ...template.metadata, name: "x" }, spec: template.spec };
    const pods = "/api/v1/namespaces/restricted/pods?dryRun=All";
    expect((await server.ask("POST", pods, pod)).body.message).toBeUndefined();
    const spec = { ...pod.spec, securityContext: {} };
    expect((await server.ask("POST", pods, { ...pod, spec })).body.message).toMatch(/violates PodSecurity/);
  });

  it("leaves, when it is uninstalled, the kinds and the objects of users, and nothing else", async () => {
    const objects = render();
    run("uninstall");
    for (const object of objects) {
      const kept = object.kind === "CustomResourceDefinition";
      await expect.poll(() => statusOf(pathOf(object)), { ...POLL, message: pathOf(object) }).toBe(kept ? 200 : 404);
    }
    expect(await statusOf("/apis/weft.mesh/v1alpha1/namespaces/default/wasmplugins/kept")).toBe(200);
  });

  it("is installed again, with the kinds that were left", async () => {
    run("install");
    expect(await statusOf(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/weft-control-plane`)).toBe(200);
    expect((await server.ask("GET", HOOKS)).body.webhooks ?? []).toEqual([]);
  });

  it("is upgraded to values that have more of everything", async () => {
    const text = readFileSync(new URL("testdata/production.in.yaml", import.meta.url), "utf8");
    // The kind of the Prometheus operator is not there.
    for (const namespace of ["shop", "payments"]) await server.createNamespace(namespace);
    run("upgrade", { ...parse(text), serviceMonitor: { enabled: false } });
    expect(await isAllowed("get", "secrets", { namespace: "shop", name: "registry" })).toBe(true);
    expect(await isAllowed("get", "secrets", { namespace: "default", name: "registry" })).toBe(false);
    expect(await isAllowed("list", "secrets", { namespace: "shop" })).toBe(false);
    const scaler = `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/weft-control-plane`;
    expect((await server.ask("GET", scaler)).body.spec.minReplicas).toBe(3);
  });
});

const POLL = { timeout: 60_000, interval: 100 };

interface Webhook {
  readonly clientConfig: { readonly caBundle: string };
}

function webhookOf(caBundle: string): object {
  return {
    name: "pod.inject.weft.mesh",
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    failurePolicy: "Ignore",
    clientConfig: { caBundle, service: { namespace: NAMESPACE, name: "weft-control-plane", path: "/inject/secret" } },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
    objectSelector: { matchLabels: { "weft.mesh/inject": "true" } },
  };
}
