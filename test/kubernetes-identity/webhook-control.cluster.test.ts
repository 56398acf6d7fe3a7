import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createClusterApi } from "../../control-plane/src/cluster-api.js";
import { injectionSettings } from "../../control-plane/src/injection/injection-settings.js";
import { createKubernetesApi } from "../../control-plane/src/kubernetes/api.js";
import { loadKubeconfig } from "../../control-plane/src/kubernetes/kubeconfig.js";
import { createKubernetesReader } from "../../control-plane/src/kubernetes/reader.js";
import { ALONE } from "../../control-plane/src/platform.js";
import { createWebhookControl } from "../../control-plane/src/webhook-control.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { freePorts } from "../real/process.js";
import { permitIdentity } from "./permissions.js";

const LIMIT_MS = 60_000;
const SECRET = "/api/v1/namespaces/weft-system/secrets/weft-webhook";
const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

let server: ApiServer;
let port: number;
const undo: (() => unknown)[] = [];
const lines: string[] = [];

beforeAll(async () => {
  server = await startApiServer({ users: [{ name: "weft" }] });
  [port] = (await freePorts(1)) as [number];
  await server.createNamespace("weft-system");
  await server.createNamespace("shop", { "weft.mesh/inject": "enabled" });
  await permitIdentity(server, "weft", "weft-system");
});
afterAll(() => server?.close());
afterEach(async () => {
  while (undo.length > 0) await undo.pop()?.();
});

async function start() {
  const config = loadKubeconfig(server.kubeconfigOf("weft"));
  const [api, reader] = [createKubernetesApi(config), createKubernetesReader(config)];
  undo.push(() => api.close());
  undo.push(() => reader.close());
  const log = (message: string) => void lines.push(message);
  const control = await createWebhookControl({
    api: createClusterApi(api, reader, log),
    ...{ namespace: "weft-system", leadership: ALONE, host: "127.0.0.1", port, lookMs: 200 },
    client: { kind: "url", origin: `https://localhost:${port}` },
    dnsNames: ["localhost"],
    settings: () =>
      injectionSettings({ rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" }),
    logger: { info: log, warn: log, error: log },
  });
  undo.push(() => control.close());
}

/** Whether a pod gets a sidecar now; undefined when the API server refuses it. */
async function isInjected(): Promise<boolean | undefined> {
  const pod = { metadata: { generateName: "web-" }, spec: { containers: [{ name: "web", image: "web:1" }] } };
  const { status, body } = await server.ask("POST", "/api/v1/namespaces/shop/pods?dryRun=All", pod);
  if (status !== 201) return undefined;
  return (body.spec.initContainers ?? []).some(({ name }: { name: string }) => name === "weft-proxy");
}

async function until(look: () => Promise<boolean>, what: string): Promise<void> {
  for (const limit = Date.now() + LIMIT_MS; !(await look()); await sleep(100))
    if (Date.now() > limit) throw new Error(`never: ${what}\n${lines.join("\n")}`);
}

describe("the webhooks of a control plane", () => {
  it("are nobody's business until the chart's configurations are there, and then are called", async () => {
    await start();
    await until(async () => lines.some((line) => line.includes("there is no webhook configuration")), "told");
    expect(await isInjected()).toBe(false);
    await server.ask("POST", CONFIGURATIONS, { metadata: { name: "weft-injection" } });
    await until(async () => (await isInjected()) === true, "a sidecar is injected");
  });

  it("have another certificate and path after their Secret was deleted, and after a restart the same", async () => {
    await start();
    await until(async () => (await isInjected()) === true, "a sidecar is injected");
    const path = async () =>
      (await server.ask("GET", `${CONFIGURATIONS}/weft-injection`)).body.webhooks[0].clientConfig.url as string;
    const first = await path();
    await server.ask("DELETE", SECRET);
    await until(async () => (await path()) !== first, "another path");
    await until(async () => (await isInjected()) === true, "a sidecar is injected by the other path");
    const second = await path();
    while (undo.length > 0) await undo.pop()?.();
    // Fails closed, where the label says so.
    expect(await isInjected()).toBeUndefined();
    await start();
    await until(async () => (await isInjected()) === true, "a sidecar is injected after a restart");
    expect(await path()).toBe(second);
  });

  it("are put right when somebody changes what the API server knows", async () => {
    await start();
    const read = async () => (await server.ask("GET", `${CONFIGURATIONS}/weft-injection`)).body;
    const broken = await read();
    const { caBundle } = broken.webhooks[0].clientConfig;
    broken.webhooks[0].clientConfig.caBundle = "";
    expect((await server.ask("PUT", `${CONFIGURATIONS}/weft-injection`, broken)).status).toBe(200);
    await until(async () => (await read()).webhooks[0].clientConfig.caBundle === caBundle, "the roots are back");
  });

  it("never tell the path to the log", async () => {
    const { data } = (await server.ask("GET", SECRET)).body;
    const token = Buffer.from(data.token, "base64").toString();
    expect(token).toHaveLength(63);
    expect(lines.join("\n")).not.toContain(token);
  });
});
