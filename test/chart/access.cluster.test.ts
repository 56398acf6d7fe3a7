import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { parse } from "yaml";
import { envoyPath } from "../envoy-static.js";
import { type ApiServer, startApiServer } from "../kubernetes/api-server.js";
import { CHART, helm, NAMESPACE } from "./helm.js";

const WEFT = fileURLToPath(new URL("../../cli/bin/weft.mjs", import.meta.url));
const SUBJECT = `system:serviceaccount:${NAMESPACE}:weft-control-plane`;
const POLICY = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
const POLL = { timeout: 120_000, interval: 200 };
const OBJECTS = parse(`
- { apiVersion: v1, kind: Service, metadata: { name: backend }, spec: { selector: { app: backend }, ports: [{ name: http, port: 80 }] } }
- { apiVersion: weft.mesh/v1alpha1, kind: WasmPlugin, metadata: { name: wrong }, spec: { url: "oci://r.io/p:1", prioritty: 1 } }
- { apiVersion: weft.mesh/v1alpha1, kind: WasmPlugin, metadata: { name: right }, spec: { url: "oci://127.0.0.1:1/p:1", imagePullSecret: registry } }
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: { name: backend }
  spec: { hosts: [backend], http: [{ route: [{ destination: { host: backend } }] }] }
`);

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly responseStatus?: { readonly code: number };
}

interface Webhook {
  readonly clientConfig: { readonly caBundle: string };
}

let scratch: string;
let server: ApiServer;
let controlPlane: ChildProcess;
let printed = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "weft-access-"));
  const policy = join(scratch, "policy.json");
  writeFileSync(policy, JSON.stringify(POLICY));
  server = await startApiServer({
    args: ["--audit-policy-file", policy, "--audit-log-path", join(scratch, "audit.log")],
  });
  await server.createNamespace(NAMESPACE);
  const installed = helm(["install", "weft", CHART, "--namespace", NAMESPACE], { KUBECONFIG: server.kubeconfig });
  expect(installed.stderr).toBe("");
  const account = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/weft-control-plane`;
  const { body } = await server.ask("POST", `${account}/token`, { spec: { expirationSeconds: 3600 } });
  const settings = join(scratch, "injection.yaml");
  const map = await server.ask("GET", `/api/v1/namespaces/${NAMESPACE}/configmaps/weft-control-plane`);
  writeFileSync(settings, map.body.data["injection.yaml"]);
  controlPlane = spawn(process.execPath, [
    ...[WEFT, "control-plane", "--kubernetes", "--kubeconfig", await server.writeKubeconfig(body.status.token)],
    ...["--namespace", NAMESPACE, "--pod-name", "one", "--state-dir", join(scratch, "state"), "--envoy", envoyPath()],
    ...["--xds-port", "0", "--metrics-port", "0", "--log-format", "json"],
    ...["--injection-settings", settings, "--webhook-port", "0"],
  ]);
  for (const stream of [controlPlane.stdout, controlPlane.stderr])
    stream?.on("data", (data) => {
      printed += data;
    });
});
afterAll(async () => {
  controlPlane?.kill("SIGKILL");
  await server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

function collectionOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}/namespaces/default/${kind.toLowerCase()}s`;
}

describe("the control plane, with what the chart grants its account", () => {
  it("reads objects, elects itself, keeps the authority, and says what became of each object", async () => {
    for (const object of OBJECTS)
      await expect.poll(async () => (await server.ask("POST", collectionOf(object), object)).status, POLL).toBe(201);
    const accepted = async (collection: string, name: string) => {
      const { body } = await server.ask("GET", `${collection}/${name}`);
      return body.status?.conditions?.find(({ type }: { type: string }) => type === "Accepted")?.status;
    };
    const plugins = "/apis/weft.mesh/v1alpha1/namespaces/default/wasmplugins";
    onTestFailed(() => console.error(printed));
    await expect.poll(() => accepted(plugins, "wrong"), POLL).toBe("False");
    await expect.poll(() => accepted(plugins, "right"), POLL).toBe("True");
    const services = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
    await expect.poll(() => accepted(services, "backend"), POLL).toBe("True");
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/weft-control-plane`;
    await expect.poll(async () => (await server.ask("GET", lease)).body.spec?.holderIdentity, POLL).toBeTruthy();
    const authority = `/api/v1/namespaces/${NAMESPACE}/secrets/weft-ca`;
    await expect.poll(async () => (await server.ask("GET", authority)).status, POLL).toBe(200);
  });

  it("fills the webhooks that the chart left empty, once it answers", async () => {
    const root = "/apis/admissionregistration.k8s.io/v1";
    for (const path of [
      "mutatingwebhookconfigurations/weft-injection",
      "validatingwebhookconfigurations/weft-validation",
    ])
      await expect
        .poll(async () => {
          const { body } = await server.ask("GET", `${root}/${path}`);
          return body.webhooks?.every(({ clientConfig }: Webhook) => clientConfig.caBundle.length > 100);
        }, POLL)
        .toBe(true);
  });

  it("asks for nothing that it may not do", async () => {
    controlPlane.kill("SIGTERM");
    await once(controlPlane, "exit");
    const events = readFileSync(join(scratch, "audit.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): AuditEvent => JSON.parse(line))
      .filter(({ user }) => user.username === SUBJECT);
    expect(events.length).toBeGreaterThan(20);
    const refused = events.filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
    const secrets = events.filter(({ requestURI }) => requestURI.includes("/secrets"));
    expect(new Set(secrets.map(({ verb }) => verb))).toEqual(new Set(["get", "create"]));
    const ofUsers = secrets.filter(({ requestURI }) => !requestURI.includes(`/namespaces/${NAMESPACE}/`));
    expect(new Set(ofUsers.map(({ requestURI }) => requestURI))).toEqual(
      new Set(["/api/v1/namespaces/default/secrets/registry"]),
    );
  });
});
