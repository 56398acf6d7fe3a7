import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { goldenCases } from "../../../test/golden.js";
import { type ApiServer, startApiServer } from "../../../test/kubernetes/api-server.js";
import { createWebhookCertificate, type WebhookCertificate } from "../../../test/webhook-certificate.js";
import { inject } from "./inject.js";
import { injectionSettings } from "./injection-settings.js";
import { webhookConfigurations } from "./webhook-configurations.js";
import { serveWebhooks, type WebhookServer } from "./webhook-server.js";

const TESTDATA = fileURLToPath(new URL("testdata/pods", import.meta.url));
const CRDS = fileURLToPath(new URL("../../../crds", import.meta.url));
const SETTINGS = { rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" };
const POD = { metadata: { name: "web" }, spec: { containers: [{ name: "web", image: "example.com/web:1" }] } };
const LIMIT_MS = 60_000;

let api: ApiServer;
let certificate: WebhookCertificate;
let webhooks: WebhookServer;
let refused = 0;

async function serve(port = 0): Promise<WebhookServer> {
  return serveWebhooks({
    host: "127.0.0.1",
    port,
    credentials: { ...certificate, tokens: ["secret"] },
    settings: () => injectionSettings(SETTINGS),
    onRefused: () => {
      refused += 1;
    },
  });
}

/** Writes both configurations, with the token and roots that the API server is to use. */
async function configure(token: string, caBundle = certificate.roots): Promise<void> {
  const client = { kind: "url", origin: `https://127.0.0.1:${webhooks.port}` } as const;
  for (const configuration of webhookConfigurations({ client, caBundle, token, rootNamespace: "weft-system" })) {
    const { kind, metadata } = configuration as { kind: string; metadata: { name: string } };
    const path = `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
    const old = await api.ask("GET", `${path}/${metadata.name}`);
    const answer =
      old.status === 404
        ? await api.ask("POST", path, configuration)
        : await api.ask("PUT", `${path}/${metadata.name}`, {
            ...configuration,
            metadata: { ...metadata, resourceVersion: old.body.metadata.resourceVersion },
          });
    expect([200, 201], JSON.stringify(answer.body)).toContain(answer.status);
  }
}

const createPod = (namespace: string, pod: object, query = "") =>
  api.ask("POST", `/api/v1/namespaces/${namespace}/pods${query}`, pod);

interface Named {
  readonly name: string;
}
const names = (list: readonly Named[] = []) => list.map(({ name }) => name);

/** The API server takes notice of a configuration a little later. */
async function until<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const limit = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    if (Date.now() > limit) throw new Error(`not so in time: ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

const isInjected = ({ body }: { body: { spec?: { initContainers?: readonly Named[] } } }) =>
  names(body.spec?.initContainers).includes("weft-proxy");

const settled = () =>
  until(() => createPod("shop", { ...POD, metadata: { generateName: "probe-" } }, "?dryRun=All"), isInjected);

beforeAll(async () => {
  certificate = await createWebhookCertificate();
  [api, webhooks] = await Promise.all([startApiServer(), serve()]);
  await api.createNamespace("shop", { "weft.mesh/inject": "enabled" });
  await api.createNamespace("plain");
  await api.createNamespace("weft-system", { "weft.mesh/inject": "enabled" });
  const crd = parse(readFileSync(`${CRDS}/wasmplugins.weft.mesh.yaml`, "utf8"));
  const { status, body } = await api.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
  expect(status, JSON.stringify(body)).toBe(201);
  await until(
    () => api.ask("GET", "/apis/weft.mesh/v1alpha1"),
    (answer) => answer.status === 200,
  );
  await configure("secret");
  await settled();
});
afterAll(async () => {
  await webhooks?.close();
  await api?.close();
});

describe("a pod that is made", () => {
  it("has a sidecar that the API server accepts field by field", async () => {
    const { status, body, warnings } = await createPod("shop", POD);
    expect(status, JSON.stringify(body)).toBe(201);
    expect(names(body.spec.initContainers)).toEqual(["weft-init", "weft-proxy"]);
    expect(body.spec.initContainers[1].restartPolicy).toBe("Always");
    expect(names(body.spec.volumes)).toEqual(["weft-identity", "weft-sds"]);
    expect(warnings).toEqual([]);
  });

  // Of a webhook's patch the API server drops what it does not know, and says nothing: so it is asked itself.
  it.each(["plain", "probes", "annotations", "images"])(
    "has no field that Kubernetes does not know: %s",
    async (name) => {
      const given = parse(goldenCases(TESTDATA).find((golden) => golden.name === name)?.input ?? "");
      const pod = { apiVersion: "v1", kind: "Pod", ...given.pod, metadata: { ...given.pod.metadata, name } };
      const context = {
        settings: injectionSettings({ ...SETTINGS, ...given.settings }),
        namespace: "plain",
        token: "T",
      };
      const injection = inject(pod, context);
      if (injection.kind !== "injected") throw new Error(injection.kind);
      const answer = await createPod("plain", injection.pod, "?dryRun=All&fieldValidation=Strict");
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      expect(answer.warnings).toEqual([]);
      // Nothing was dropped either: what the API server has is what was asked for, and defaults.
      expect(answer.body).toMatchObject(injection.pod);
      const wrong = JSON.parse(JSON.stringify(injection.pod).replace('"podCertificate"', '"podCertificat"'));
      expect((await createPod("plain", wrong, "?fieldValidation=Strict")).status).toBe(400);
    },
  );

  it("gets none where nobody asked for one, and one where its own label asks", async () => {
    expect(isInjected(await createPod("plain", POD))).toBe(false);
    const metadata = { name: "one", labels: { "weft.mesh/inject": "true" } };
    expect(isInjected(await createPod("plain", { ...POD, metadata }))).toBe(true);
    const without = { name: "without", labels: { "weft.mesh/inject": "false" } };
    expect(isInjected(await createPod("shop", { ...POD, metadata: without }))).toBe(false);
  });

  it("gets none in the network of its node, and its author is told", async () => {
    const metadata = { name: "on-node" };
    const answer = await createPod("shop", { metadata, spec: { ...POD.spec, hostNetwork: true } });
    expect([answer.status, isInjected(answer)]).toEqual([201, false]);
    expect(answer.warnings.join()).toContain("Pod shop/on-node: gets no sidecar: it uses the network of its node");
  });

  it("is refused with the reason when an annotation is wrong", async () => {
    const metadata = { name: "typo", annotations: { "proxy.weft.mesh/cpu-requests": "100m" } };
    const { status, body } = await createPod("shop", { ...POD, metadata });
    expect(status).toBe(422);
    expect(body.message).toContain("did you mean proxy.weft.mesh/cpu-request?");
  });
});

describe("an object of the mesh", () => {
  const plugins = "/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins";
  const plugin = (name: string, spec: object) => ({
    apiVersion: "weft.mesh/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name },
    spec: { url: "oci://registry.example.com/a:1", ...spec },
  });

  it("is refused with the field, the reason and what to do", async () => {
    const { status, body } = await api.ask("POST", plugins, plugin("wrong", { url: "ftp://registry.example.com/a" }));
    expect(status).toBe(422);
    expect(body.message).toMatch(/WasmPlugin shop\/wrong spec\.url: .*Fix: /);
  });

  it("is admitted when it is right", async () => {
    const { status, body } = await api.ask("POST", plugins, plugin("right", {}));
    expect(status, JSON.stringify(body)).toBe(201);
  });
});

describe("when something is away", () => {
  const place = (name: string) => ({ ...POD, metadata: { name } });

  it("no pod is made without its sidecar, and none of the control plane's needs one", async () => {
    const { port } = webhooks;
    await webhooks.close();
    const without = await createPod("shop", place("without-webhook"));
    expect(without.status).toBe(500);
    expect(without.body.message).toContain("namespace.inject.weft.mesh");
    expect((await createPod("weft-system", place("control-plane"))).status).toBe(201);
    expect((await createPod("kube-system", place("dns"))).status).toBe(201);
    expect((await createPod("plain", place("elsewhere"))).status).toBe(201);
    webhooks = await serve(port);
    expect(isInjected(await settled())).toBe(true);
  });

  it("pods are injected again after the API server was killed", async () => {
    await api.kill();
    await api.start();
    await settled();
    expect(isInjected(await createPod("shop", place("after-restart")))).toBe(true);
  });

  it("an API server with another token is taken for a stranger", async () => {
    await configure("guessed");
    const { body } = await until(
      () => createPod("shop", place("stranger"), "?dryRun=All"),
      ({ status }) => status !== 201,
    );
    expect(body.message).toContain("only the API server may ask");
    expect(refused).toBeGreaterThan(0);
    await configure("secret");
    await settled();
  });

  it("a new certificate is taken as soon as its roots are in the configurations", async () => {
    const next = await createWebhookCertificate();
    await configure("secret", `${certificate.roots}\n${next.roots}`);
    webhooks.update({ ...next, tokens: ["secret"] });
    await settled();
    await configure("secret", next.roots);
    await settled();
  });
});
