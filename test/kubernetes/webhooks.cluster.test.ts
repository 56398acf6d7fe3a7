import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { CHART, helm, NAMESPACE } from "../chart/helm.js";
import { envoyPath } from "../envoy-static.js";
import { freePorts } from "../real/process.js";
import { type ApiServer, startApiServer } from "./api-server.js";

/* A control plane as the chart installs it, and the API server that asks its webhooks. */

const WEFT = fileURLToPath(new URL("../../cli/bin/weft.mjs", import.meta.url));
const POLL = { timeout: 120_000, interval: 200 };
const PLUGINS = "/apis/weft.mesh/v1alpha1/namespaces/shop/wasmplugins";
const POD = { metadata: { generateName: "web-" }, spec: { containers: [{ name: "web", image: "web:1" }] } };

let scratch: string;
let server: ApiServer;
let port: number;
let controlPlane: ChildProcess;
let printed = "";

async function start(): Promise<void> {
  const account = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/weft-control-plane`;
  const { body } = await server.ask("POST", `${account}/token`, { spec: { expirationSeconds: 3600 } });
  controlPlane = spawn(process.execPath, [
    ...[WEFT, "control-plane", "--kubernetes", "--kubeconfig", await server.writeKubeconfig(body.status.token)],
    ...["--namespace", NAMESPACE, "--pod-name", "one", "--state-dir", join(scratch, "state"), "--envoy", envoyPath()],
    ...["--xds-port", "0", "--log-format", "json", "--injection-settings", join(scratch, "injection.yaml")],
    ...["--webhook-port", String(port), "--webhook-url", `https://localhost:${port}`],
  ]);
  for (const stream of [controlPlane.stdout, controlPlane.stderr])
    stream?.on("data", (data) => {
      printed += data;
    });
}

async function stop(): Promise<void> {
  const ended = once(controlPlane, "exit");
  controlPlane.kill("SIGTERM");
  await ended;
}

/** The names and images of what a pod begins with; undefined when the API server refuses it. */
async function initContainers(): Promise<readonly string[] | undefined> {
  const { status, body } = await server.ask("POST", "/api/v1/namespaces/shop/pods?dryRun=All", POD);
  if (status !== 201) return undefined;
  return (body.spec.initContainers ?? []).map(
    ({ name, image }: { readonly name: string; readonly image: string }) => `${name} ${image}`,
  );
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "weft-webhooks-"));
  [server, [port]] = await Promise.all([startApiServer(), freePorts(1) as Promise<[number]>]);
  await server.createNamespace(NAMESPACE);
  await server.createNamespace("shop", { "weft.mesh/inject": "enabled" });
  const set = ["--set", "images.registry=registry.example.com/weft", "--set", "injection.proxy.cpuRequest=70m"];
  const { stderr } = helm(["install", "weft", CHART, "--namespace", NAMESPACE, ...set], {
    KUBECONFIG: server.kubeconfig,
  });
  expect(stderr).toBe("");
  const { body } = await server.ask("GET", `/api/v1/namespaces/${NAMESPACE}/configmaps/weft-control-plane`);
  writeFileSync(join(scratch, "injection.yaml"), body.data["injection.yaml"]);
  await start();
});
afterAll(async () => {
  controlPlane?.kill("SIGKILL");
  await server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe("the webhooks of an installed control plane", () => {
  const sidecar = ["weft-init registry.example.com/weft/weft-init:0.1.0", "weft-proxy envoyproxy/envoy:v1.40.0"];
  const isInjecting = () => expect.poll(initContainers, POLL).toEqual(sidecar);

  it("give pods sidecars as the chart's values say", async () => {
    onTestFailed(() => console.error(printed));
    await isInjecting();
    const { body } = await server.ask("POST", "/api/v1/namespaces/shop/pods?dryRun=All", POD);
    expect(body.spec.initContainers[1].resources.requests).toEqual({ cpu: "70m", memory: "64Mi" });
  });

  it("refuse an object that is wrong, and warn of what only later can be known", async () => {
    const plugin = (name: string, spec: object) => ({
      ...{ apiVersion: "weft.mesh/v1alpha1", kind: "WasmPlugin", metadata: { name } },
      spec: { url: "oci://127.0.0.1:1/guard:1", ...spec },
    });
    onTestFailed(() => console.error(printed));
    const wrong = await server.ask("POST", PLUGINS, plugin("wrong", { url: "ftp://127.0.0.1/guard" }));
    expect([wrong.status, wrong.body.message]).toEqual([422, expect.stringMatching(/WasmPlugin shop\/wrong .*Fix: /s)]);
    const guard = await server.ask("POST", PLUGINS, plugin("guard", { phase: "AUTHZ", pluginConfig: { limit: 1 } }));
    expect(guard.status, JSON.stringify(guard.body)).toBe(201);
    expect(guard.warnings.map((text) => /\((\w+)\)\. Fix: /.exec(text)?.[1])).toEqual([
      "GuardNotReady",
      "ConfigNotChecked",
    ]);
  });

  it("are asked in vain while no control plane runs, and again when one does", async () => {
    await stop();
    expect(await initContainers()).toBeUndefined();
    await start();
    onTestFailed(() => console.error(printed));
    await isInjecting();
  });

  it("never tell the path to the log", async () => {
    const secret = await server.ask("GET", `/api/v1/namespaces/${NAMESPACE}/secrets/weft-webhook`);
    const token = Buffer.from(secret.body.data.token, "base64").toString();
    expect(token.length).toBeGreaterThan(30);
    expect(printed).not.toContain(token);
  });
});
