import type { ChildProcess } from "node:child_process";
import { chmod, chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateRequest, createPrivateKeyPem } from "../control-plane/src/identity/certificate-request.js";
import { POD_DIRECTORIES } from "../control-plane/src/injection/identity-files.js";
import { inject } from "../control-plane/src/injection/inject.js";
import { injectionSettings } from "../control-plane/src/injection/injection-settings.js";
import { envoyPath } from "../test/envoy-static.js";
import { expandArguments } from "../test/kubelet-arguments.js";
import { type NetworkPod, NO_NAMESPACES } from "../test/network-namespaces.js";
import { createPodMesh, type PodMesh, SIDECAR_UID } from "./support/pod-mesh.js";
import { waitFor } from "./support/wait-for.js";

/*
 * What the injector puts into a pod, run as a kubelet would run it, in a network namespace: the init container's script,
 * then Envoy with the sidecar's arguments, then the app. The kubelet asks from outside, and is no member of the mesh.
 */

const APP = fileURLToPath(new URL("injection/probed-app.mjs", import.meta.url));
const TOKEN = "0123456789abcdef0123456789abcdef";
const FILES = {
  "web.yaml": `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: web, annotations: { weft.mesh/interception: redirect } }
spec: { address: 10.77.0.3, labels: { app: web }, serviceAccount: web }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`,
  "strict.yaml": `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: weft-system }
spec: { mtls: { mode: STRICT } }
`,
};
const POD = {
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    containers: [
      {
        name: "web",
        image: "web",
        ports: [{ name: "http", containerPort: 8080 }],
        startupProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
        readinessProbe: {
          httpGet: {
            path: "/ready?deep=1",
            port: "http",
            httpHeaders: [
              { name: "Host", value: "shop.example.com" },
              { name: "X-Probe", value: "yes" },
            ],
          },
        },
        livenessProbe: { grpc: { port: 9000, service: "shop.Api" }, periodSeconds: 1 },
        lifecycle: { preStop: { httpGet: { path: "/bye", port: 8080 } } },
      },
      {
        name: "tls",
        image: "web",
        readinessProbe: {
          httpGet: {
            path: "/tls",
            port: 8443,
            scheme: "HTTPS",
            httpHeaders: [{ name: "Host", value: "tls.example.com" }],
          },
        },
        livenessProbe: { httpGet: { path: "/login", port: 8080 } },
        startupProbe: { grpc: { port: 9000, service: "shop.Unknown" }, periodSeconds: 1 },
      },
    ],
  },
};

interface HttpGet {
  readonly path: string;
  readonly port: number;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}
interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly lifecycle: { readonly preStop: { readonly httpGet: HttpGet } };
}
type Probed = Readonly<Record<"startupProbe" | "readinessProbe" | "livenessProbe", { readonly httpGet: HttpGet }>> &
  Pick<Container, "lifecycle">;

/** One request of `asker`: the status and what of the answer matters; 0 where there was none. */
async function ask(asker: NetworkPod, { address }: NetworkPod, { path, port, httpHeaders = [] }: HttpGet) {
  const script = `
    const [url, headers] = process.argv.slice(1);
    require("node:http")
      .get(url, { headers: JSON.parse(headers), timeout: 10000 }, (response) => {
        let text = "";
        response.on("data", (data) => (text += data));
        const { location, connection } = response.headers;
        response.on("end", () => console.log(JSON.stringify({ status: response.statusCode, text, location, connection })));
      })
      .on("error", (error) => console.log(JSON.stringify({ status: 0, text: error.code })))`;
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  const { stdout, stderr } = await asker.run([
    ...[process.execPath, "-e", script],
    ...[`http://${address}:${port}${path}`, JSON.stringify({ connection: "keep-alive", ...headers })],
  ]);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as { status: number; text: string; location?: string; connection?: string };
}

describe.skipIf(NO_NAMESPACES)("an injected pod", () => {
  let mesh: PodMesh;
  let pod: NetworkPod;
  let kubelet: NetworkPod;
  let app: ChildProcess;
  let sidecar: Container;
  let containers: readonly Probed[];
  let annotations: Readonly<Record<string, string>>;
  let initOutput: string;
  const asked: Record<string, string>[] = [];
  let envoyOutput = "";

  beforeAll(async () => {
    mesh = await createPodMesh("injected", FILES);
    kubelet = mesh.network.gateway;
    pod = mesh.network.addPod("web", 3);
    const settings = injectionSettings({
      ...{ rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" },
      xdsAddress: { host: kubelet.address, port: 15012 },
    });
    const injection = inject(POD, { settings, namespace: "default", token: TOKEN });
    if (injection.kind !== "injected") throw new Error(JSON.stringify(injection));
    const { metadata, spec } = injection.pod as never as {
      metadata: { annotations: typeof annotations };
      spec: { initContainers: [Container, Container]; containers: readonly Probed[] };
    };
    const [init, proxy] = spec.initContainers;
    ({ annotations } = metadata);
    containers = spec.containers;
    sidecar = proxy;

    const run = await pod.run([...init.command, ...init.args]);
    initOutput = run.stdout + run.stderr;
    expect(run.code, initOutput).toBe(0);

    const dir = await startSidecar();
    app = pod.start([process.execPath, APP, pod.address, join(dir, "bundle.pem")], {
      uid: 2000,
      capabilities: ["dac_read_search"],
    });
    let lines = "";
    app.stdout?.setEncoding("utf8").on("data", (text: string) => {
      lines += text;
      const complete = lines.split("\n");
      lines = complete.pop() ?? "";
      asked.push(...complete.map((line) => JSON.parse(line)));
    });
    let errors = "";
    app.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
    await waitFor("the app", () => asked.length > 0 || undefined, { limitMs: 60_000, seen: () => errors });
  });
  afterAll(() => mesh?.close());

  /** Gets what the kubelet would put into the volumes, and runs Envoy as the container would. */
  async function startSidecar(): Promise<string> {
    const dir = join(mesh.workloadsDir, "default.web");
    await mkdir(join(dir, "identity"), { recursive: true });
    const key = await createPrivateKeyPem();
    const file = (name: string) => join(dir, "identity", name);
    await writeFile(file("key.pem"), key);
    await writeFile(file("request.pem"), await createCertificateRequest(key));
    const chain = await waitFor("the certificate", () => readFile(file("cert.pem"), "utf8").catch(() => undefined), {
      limitMs: 60_000,
      seen: () => mesh.controlPlaneOutput(),
    });
    await writeFile(join(dir, "bundle.pem"), key + chain);
    await writeFile(join(dir, "roots.pem"), await readFile(file("root.pem")));
    const here = (text: string) =>
      text.replaceAll(POD_DIRECTORIES.identity, dir).replaceAll(POD_DIRECTORIES.secrets, dir);
    for (const name of ["certificate", "trust"])
      await writeFile(join(dir, `${name}.json`), here(annotations[`weft.mesh/sds-${name}`] ?? ""));
    await chmod(dir, 0o755);
    for (const path of [dir, join(dir, "identity"), file("key.pem")]) await chown(path, SIDECAR_UID, SIDECAR_UID);

    const envoy = join(dir, "envoy");
    await writeFile(envoy, "", { mode: 0o755 });
    const variables = { POD_NAME: "web", POD_NAMESPACE: "default", POD_IP: pod.address, SERVICE_ACCOUNT: "web" };
    const args = expandArguments(sidecar.args, variables).map(here);
    // What the control plane names are files of a workload's folder.
    const child = pod.start(["/bin/sh", "-c", 'cd "$0" && exec "$@"', dir, envoy, ...args], {
      ...{ uid: SIDECAR_UID, capabilities: ["dac_read_search"], mounts: { [envoy]: envoyPath() } },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        envoyOutput += text;
      });
    await waitFor(
      "the sidecar",
      async () => (await ask(kubelet, pod, { path: "/healthz/ready", port: 15021 })).status === 200 || undefined,
      {
        limitMs: 120_000,
        seen: () => envoyOutput,
      },
    );
    return dir;
  }

  const lastAsked = (url: string) => asked.findLast((line) => line.url === url);
  const ourProbe = (container: number, probe: "startupProbe" | "readinessProbe" | "livenessProbe") =>
    ask(kubelet, pod, containers[container]![probe].httpGet);

  it("has its rules from the init container, of both families", () => {
    expect(initOutput).toMatch(
      /the rules are in force \(iptables-\w+-restore\)\n.*the rules are in force \(ip6tables-/,
    );
  });

  it("lets nobody in without mTLS, the kubelet neither", async () => {
    await waitFor(
      "STRICT to be in force",
      async () => (await ask(kubelet, pod, { path: "/ready", port: 8080 })).status === 0 || undefined,
      { limitMs: 60_000, seen: () => envoyOutput },
    );
  });

  it("answers the kubelet's probes by HTTP, with its headers and query, and without the token", async () => {
    expect(await ourProbe(0, "readinessProbe")).toMatchObject({ status: 200, text: "answer of the app" });
    expect(lastAsked("/ready?deep=1")).toEqual({
      url: "/ready?deep=1",
      host: "shop.example.com",
      probe: "yes",
      from: "127.0.0.6",
    });
  });

  it("answers those by HTTPS, asking for the name in the Host header", async () => {
    expect(await ourProbe(1, "readinessProbe")).toMatchObject({ status: 200 });
    expect(lastAsked("/tls")).toMatchObject({ host: "tls.example.com", server: "tls.example.com" });
  });

  it("takes a redirect for a success that nobody follows", async () => {
    const { status, location } = await ourProbe(1, "livenessProbe");
    expect([status, location]).toEqual([302, undefined]);
  });

  const eventually = (what: string, status: number, probe: () => Promise<{ status: number }>) =>
    waitFor(what, async () => (await probe()).status === status || undefined, {
      limitMs: 60_000,
      seen: () => JSON.stringify(asked.slice(-5)),
    });

  it("answers those by gRPC and TCP as the app is now, and passes on that it is not well", async () => {
    await eventually("TCP", 200, () => ourProbe(0, "startupProbe"));
    await eventually("gRPC", 200, () => ourProbe(0, "livenessProbe"));
    expect((await ourProbe(1, "startupProbe")).status).toBe(503);
    app.stdin?.write("unwell\n");
    await eventually("TCP to fail", 503, () => ourProbe(0, "startupProbe"));
    await eventually("gRPC to fail", 503, () => ourProbe(0, "livenessProbe"));
    expect((await ourProbe(0, "readinessProbe")).status).toBe(500);
    app.stdin?.write("well\n");
    await eventually("TCP to heal", 200, () => ourProbe(0, "startupProbe"));
    await eventually("gRPC to heal", 200, () => ourProbe(0, "livenessProbe"));
  });

  it("calls the app's hooks", async () => {
    expect((await ask(kubelet, pod, containers[0]!.lifecycle.preStop.httpGet)).status).toBe(200);
    expect(lastAsked("/bye")).toMatchObject({ from: "127.0.0.6" });
  });

  it("does none of this for who does not have the token", async () => {
    const before = asked.length;
    for (const { path, port } of [
      containers[0]!.readinessProbe.httpGet,
      containers[0]!.startupProbe.httpGet,
      containers[0]!.lifecycle.preStop.httpGet,
      sidecar.lifecycle.preStop.httpGet,
    ])
      for (const httpHeaders of [[], [{ name: "x-weft-kubelet", value: `${TOKEN}0` }]])
        expect((await ask(kubelet, pod, { path, port, httpHeaders })).status).toBe(404);
    expect(asked.slice(before).filter(({ url }) => url !== undefined)).toEqual([]);
  });

  it("drains what comes in when the kubelet says so, and still takes new connections", async () => {
    await mesh.write("strict.yaml", FILES["strict.yaml"].replace("STRICT", "PERMISSIVE"));
    const call = () => ask(kubelet, pod, { path: "/call", port: 8080 });
    await waitFor("PERMISSIVE", async () => (await call()).status === 200 || undefined, {
      limitMs: 60_000,
      seen: () => envoyOutput,
    });
    expect((await call()).connection).not.toBe("close");
    expect((await ask(kubelet, pod, sidecar.lifecycle.preStop.httpGet)).status).toBe(200);
    await waitFor("connections to be ended", async () => (await call()).connection === "close" || undefined, {
      limitMs: 60_000,
      seen: () => envoyOutput,
    });
    expect((await call()).status).toBe(200);
  });
});
