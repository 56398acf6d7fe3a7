import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_NAMESPACES } from "../test/network-namespaces.js";
import { createTestAuthority } from "../test/xds-fixture.js";
import type { PodApp } from "./support/pod-app.js";
import { createPodMesh, type PodMesh, type SidecarPod } from "./support/pod-mesh.js";
import { waitFor } from "./support/wait-for.js";

/** Addresses of services. Nobody has them: only sidecars answer there. */
const WEB = "10.96.0.10";
const STRICT = "10.96.0.11";
const WEB_HOST = "web.default.svc.cluster.local";
/** A DNS server in the pods' network; it answers every name with its own address. */
const RESOLVER = "10.77.0.53";
const EXCLUDED_PORT = 8099;
const GIBIBYTE = 1024 ** 3;

const entry = (name: string, last: number, dns = false) => `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: ${name}
  annotations: { weft.mesh/interception: redirect${dns ? ', weft.mesh/capture-dns: "true"' : ""} }
spec: { address: 10.77.0.${last}, labels: { app: ${name} }, serviceAccount: ${name} }
`;

const service = (name: string, address: string) => `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: ${address}, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;

const policy = (mode: string) => `apiVersion: weft.mesh/v1alpha1
kind: MeshConfig
metadata: { name: default, namespace: weft-system }
spec: { outboundTrafficPolicy: { mode: ${mode} } }
`;

const FILES = {
  "web.yaml": `${entry("web", 3)}---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  clusterIP: ${WEB}
  selector: { app: web }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
    - { name: mysql, port: 3306 }
    - { name: unnamed-protocol, port: 7000 }
    - { name: grpc, port: 9000 }
    - { name: tls, port: 8443 }
`,
  "strict.yaml": `${entry("strict", 4)}---
apiVersion: v1
kind: Service
metadata: { name: strict }
spec:
  clusterIP: ${STRICT}
  selector: { app: strict }
  ports: [{ name: http, port: 80, targetPort: 8080 }, { name: mysql, port: 3306 }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict }
spec: { selector: { matchLabels: { app: strict } }, mtls: { mode: STRICT } }
`,
  "six.yaml": `${entry("six", 6).replace("10.77.0.6", '"fd77::6"')}---
apiVersion: v1
kind: Service
metadata: { name: six }
spec: { clusterIP: "fd96::6", clusterIPs: ["fd96::6", 10.96.0.6], selector: { app: six }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`,
  "client.yaml": entry("client", 2, true),
  "unnumbered.yaml": `apiVersion: v1
kind: Service
metadata: { name: unnumbered }
spec: { selector: { app: web }, ports: [{ name: mysql, port: 3306 }] }
`,
  "outside.yaml": `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: unnumbered }
spec:
  hosts: [unnumbered.example.com]
  resolution: STATIC
  location: MESH_EXTERNAL
  ports: [{ number: 8080, name: http, protocol: HTTP }]
  endpoints: [{ address: 10.77.0.9 }]
`,
};

const suffix = NO_NAMESPACES === undefined ? "" : ` (${NO_NAMESPACES})`;
describe.skipIf(NO_NAMESPACES !== undefined)(`a mesh of pods with interception${suffix}`, () => {
  let mesh: PodMesh;
  let client: SidecarPod;
  let web: SidecarPod;
  let strict: SidecarPod;
  let six: SidecarPod;
  let outsider: PodApp;
  let fingerprint: string;

  beforeAll(async () => {
    mesh = await createPodMesh("mesh", FILES);
    const resolvConf = await mesh.writeFile("resolv.conf", `nameserver ${RESOLVER}\noptions timeout:2 attempts:2\n`);
    outsider = mesh.addOutsider("outsider", 9);
    const resolver = mesh.addOutsider("resolver", 53, 0);
    await resolver.do("serveDns", { port: 53, address: "192.0.2.53" });
    [client, web, strict, six] = await Promise.all([
      mesh.addPod("client", 2, {
        serviceAccount: "client",
        mounts: { "/etc/resolv.conf": resolvConf },
        intercept: ["--capture-dns", "--exclude-outbound-port", String(EXCLUDED_PORT)],
      }),
      mesh.addPod("web", 3, { serviceAccount: "web", intercept: ["--exclude-inbound-port", String(EXCLUDED_PORT)] }),
      mesh.addPod("strict", 4, { serviceAccount: "strict" }),
      mesh.addPod("six", 6, { serviceAccount: "six", ipv6: true }),
    ]);
    // Of an authority that the mesh does not know.
    const own = await (await createTestAuthority()).issue({ dns: "app.example.com" });
    fingerprint = new X509Certificate(own.certificateChain).fingerprint256;
    for (const app of [web, strict, outsider]) {
      await app.do("serve", { kind: "http", port: 8080 });
      await app.do("serve", { kind: "greeting", port: 3306 });
    }
    await six.do("serve", { kind: "http", port: 8080, host: "::" });
    await outsider.do("serve", { kind: "http", port: 8081, host: "::" });
    await outsider.do("serve", { kind: "http", port: EXCLUDED_PORT });
    await outsider.do("serveUdp", { port: 5000 });
    await web.do("serve", { kind: "http", port: EXCLUDED_PORT });
    await web.do("serve", { kind: "greeting", port: 7000 });
    await web.do("serve", { kind: "grpc", port: 9000 });
    await web.do("serve", { kind: "tls", port: 8443, key: own.privateKey, cert: own.certificateChain });
    await web.do("serveUdp", { port: 5000 });
  });
  afterAll(() => mesh?.close());

  /** A counter or gauge of a pod's Envoy; 0 where it is not there yet. */
  const stat = async (pod: SidecarPod, name: string): Promise<number> => {
    const text = await pod.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`);
    return [...text.matchAll(/: (\d+)/g)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  const seen = (answer: { body: string }) => JSON.parse(answer.body);

  const stillServes = async () => {
    const answer = await client.do("request", { host: WEB, port: 80, headers: { host: "web" } });
    expect(answer).toMatchObject({ status: 200 });
  };

  describe("within the mesh", () => {
    it.each([
      ["by its address", WEB, "web"],
      ["by its name", WEB, WEB_HOST],
      ["by its name and port", WEB, `${WEB_HOST}:80`],
    ])("HTTP to a service %s goes through both sidecars", async (_, host, authority) => {
      const answer = await client.do("request", { host, port: 80, headers: { host: authority } });
      expect(answer.status).toBe(200);
      // The sidecar calls its app from an address of its own, at the app's port.
      expect(seen(answer)).toMatchObject({ name: "web", from: "127.0.0.6", to: "10.77.0.3" });
      // Set from the certificate that the other sidecar showed.
      const caller = seen(answer).headers["x-forwarded-client-cert"];
      expect(caller).toContain("URI=spiffe://cluster.local/ns/default/sa/client");
    });

    it("HTTP to a pod's own address reaches the pod, through its sidecar", async () => {
      const answer = await client.do("request", { host: web.pod.address, port: 8080 });
      expect(answer.status).toBe(200);
      expect(seen(answer)).toMatchObject({ name: "web", from: "127.0.0.6" });
    });

    it("a server that speaks first is heard at once", async () => {
      const { text } = await client.do("tcp", {
        ...{ host: WEB, port: 3306, after: "220 .*\n", send: "query\n", until: "query\n" },
      });
      expect(text).toBe("220 web ready for ::ffff:127.0.0.6\nquery\n".replace("::ffff:", ""));
    });

    it("a server that speaks first on a port without a protocol is heard after a short wait", async () => {
      const { text } = await client.do("tcp", { host: WEB, port: 7000, after: "220", send: "x\n", until: "x\n" });
      expect(text).toMatch(/^220 web ready .*\nx\n$/);
    });

    it("half-close: what is sent after the other side has ended arrives", async () => {
      const { text, open } = await client.do("tcp", { host: WEB, port: 3306, after: "220", send: "12345", end: true });
      expect(text).toMatch(/^220 web .*\n12345221 5 bytes\n$/);
      expect(open).toBe(false);
    });

    it("gRPC streams in both directions, with trailers", async () => {
      const answer = await client.do("grpc", { host: WEB, port: 9000, authority: "web:9000", count: 20 });
      expect(answer.status).toBe(200);
      expect(answer.answers).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i};`));
      expect(answer.trailers).toMatchObject({ "grpc-status": "0", "x-path": "/echo.Echo/Chat" });
    });

    it("WebSocket", async () => {
      const answer = await client.do("websocket", {
        ...{ host: WEB, port: 80, authority: "web", messages: ["one", "two", "three"] },
      });
      expect(answer).toMatchObject({ status: 101, answers: ["one", "two", "three"] });
      // As RFC 6455 computes it for the key that was sent.
      expect(answer.accept).toMatch(/^[A-Za-z0-9+/]{27}=$/);
    });

    it("HTTP/1.0, from within and from outside", async () => {
      const send = "GET /old HTTP/1.0\r\nHost: web\r\n\r\n";
      for (const [app, host, port] of [[client, WEB, 80] as const, [outsider, web.pod.address, 8080] as const]) {
        const { text, open } = await app.do("tcp", { host, port, send });
        expect(text).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
        expect(text).toContain('"url":"/old"');
        expect(text).not.toMatch(/transfer-encoding/i);
        expect(open).toBe(false);
      }
    });

    it("keep-alive: one connection for many requests", async () => {
      const ports = new Set<number>();
      for (let i = 0; i < 10; i++) {
        const answer = await client.do("request", { host: WEB, port: 80, headers: { host: "web" }, agent: "keep" });
        expect(answer.status).toBe(200);
        ports.add(answer.port);
      }
      expect(ports.size).toBe(1);
    });

    it("TLS of the app's own is not looked into", async () => {
      const answer = await client.do("tls", { host: WEB, port: 8443, servername: "app.example.com", send: "hello" });
      expect(answer).toEqual({ fingerprint256: fingerprint, text: "secret of web\nhello" });
    });

    it("a gibibyte goes up unchanged, and no sidecar keeps it", async () => {
      const answer = await client.do("upload", { host: WEB, port: 80, headers: { host: "web" }, bytes: GIBIBYTE });
      expect(answer.status).toBe(200);
      expect(seen(answer)).toMatchObject({ bytes: GIBIBYTE, sha256: answer.sha256 });
      for (const pod of [client, web])
        expect(await stat(pod, "server.memory_physical_size"), pod.pod.name).toBeLessThan(GIBIBYTE / 4);
    });
  });

  describe("an app calls itself", () => {
    it("by loopback and by its own address, without its sidecar", async () => {
      for (const host of ["127.0.0.1", web.pod.address]) {
        const answer = await web.do("request", { host, port: 8080 });
        expect(seen(answer)).toMatchObject({ name: "web", from: host });
      }
    });

    it("by its service, through its sidecar, and it does not go round", async () => {
      const answer = await web.do("request", { host: WEB, port: 80, headers: { host: "web" } });
      expect(answer.status).toBe(200);
      expect(seen(answer)).toMatchObject({ name: "web", from: "127.0.0.6" });
      const { text } = await web.do("tcp", { host: WEB, port: 3306, until: "220 .*\n" });
      expect(text).toMatch(/^220 web ready/);
    });

    it("the sidecar's own ports are no way into a loop", async () => {
      for (const port of [15001, 15006]) {
        const call = client.do("tcp", { host: web.pod.address, port, send: "GET / HTTP/1.1\r\nHost: web\r\n\r\n" });
        const { text } = await call.catch(() => ({ text: "" }));
        expect(text).not.toContain("200 OK");
      }
      await stillServes();
    });
  });

  describe("with what is not in the mesh", () => {
    it("calls go to where they were sent", async () => {
      const answer = await client.do("request", { host: outsider.pod.address, port: 8080 });
      expect(seen(answer)).toMatchObject({ name: "outsider", from: client.pod.address });
      const { text } = await client.do("tcp", { host: outsider.pod.address, port: 3306, until: "220 .*\n" });
      expect(text).toContain(`ready for ${client.pod.address}`);
    });

    it("UDP is left alone", async () => {
      for (const app of [outsider, web])
        expect(await client.do("udp", { host: app.pod.address, port: 5000, send: "ping" })).toEqual({
          text: `${app.pod.name} got ping from ${client.pod.address}`,
          from: app.pod.address,
        });
    });

    it("plaintext is taken by a permissive pod, whoever speaks first", async () => {
      const answer = await outsider.do("request", { host: web.pod.address, port: 8080 });
      expect(seen(answer)).toMatchObject({ name: "web", from: "127.0.0.6" });
      const { text } = await outsider.do("tcp", { host: web.pod.address, port: 3306, until: "220 .*\n" });
      expect(text).toMatch(/^220 web ready/);
    });

    it("plaintext is refused by a strict pod, and the mesh is not", async () => {
      for (const port of [8080, 3306]) {
        const send = "GET / HTTP/1.1\r\nHost: strict\r\n\r\n";
        const { text } = await outsider.do("tcp", { host: strict.pod.address, port, send }).catch(() => ({ text: "" }));
        expect(text, `port ${port}`).toBe("");
      }
      const answer = await client.do("request", { host: STRICT, port: 80, headers: { host: "strict" } });
      expect(seen(answer)).toMatchObject({ name: "strict" });
    });

    it("excluded ports pass by the sidecars, in both directions", async () => {
      const out = await client.do("request", { host: outsider.pod.address, port: EXCLUDED_PORT });
      expect(out.headers).not.toHaveProperty("server", "envoy");
      expect(seen(out)).toMatchObject({ from: client.pod.address });
      const arrived = await outsider.do("request", { host: web.pod.address, port: EXCLUDED_PORT });
      expect(seen(arrived)).toMatchObject({ name: "web", from: outsider.pod.address });
    });

    it("probes and Prometheus reach the sidecar itself, also of a strict pod", async () => {
      const health = await outsider.do("request", { host: strict.pod.address, port: 15021, path: "/healthz/ready" });
      expect(health).toMatchObject({ status: 200, body: "LIVE\n" });
      const stats = await outsider.do("request", { host: strict.pod.address, port: 15090, path: "/stats/prometheus" });
      expect(stats.status).toBe(200);
      expect(stats.body).toContain("envoy_server_live");
    });
  });

  describe("by IPv6", () => {
    it("a pod is called through both sidecars, and calls itself by its service", async () => {
      const called = await client.do("request", { host: "10.96.0.6", port: 80, headers: { host: "six" } });
      expect(called).toMatchObject({ status: 200 });
      expect(seen(called)).toMatchObject({ name: "six", from: "::6", to: "fd77::6" });
      const own = await six.do("request", { host: "fd96::6", port: 80, headers: { host: "six" } });
      expect(own).toMatchObject({ status: 200 });
      expect(seen(own)).toMatchObject({ name: "six", from: "::6" });
    });

    it("plaintext arrives, and calls go out of the mesh", async () => {
      const arrived = await outsider.do("request", { host: six.pod.ipv6, port: 8080 });
      expect(seen(arrived)).toMatchObject({ name: "six", from: "::6" });
      const out = await six.do("request", { host: outsider.pod.ipv6, port: 8081 });
      expect(seen(out)).toMatchObject({ name: "outsider", from: six.pod.ipv6 });
    });
  });

  describe("DNS", () => {
    const ask = (name: string, type = "A", server = RESOLVER): Promise<{ addresses: string[] }> =>
      client.do("resolve", { name, type, server });

    it.each([
      ["a service, in full", WEB_HOST, [WEB]],
      ["a service, in short", "web", [WEB]],
      ["in any case", "Web.Default", [WEB]],
      ["a name outside of the mesh", "example.com", ["192.0.2.53"]],
    ])("knows %s", async (_, name, addresses) => {
      expect((await ask(name)).addresses).toEqual(addresses);
    });

    it("answers whichever server is asked", async () => {
      expect((await ask("web", "A", "10.77.0.250")).addresses).toEqual([WEB]);
    });

    it("gives an address to a service that has none, and it leads there", async () => {
      const { addresses } = await ask("unnumbered");
      expect(addresses).toEqual([expect.stringMatching(/^240\.240\./)]);
      const { text } = await client.do("tcp", { host: addresses[0], port: 3306, until: "220 .*\n" });
      expect(text).toMatch(/^220 web ready/);
    });

    it("gives one to an entry too, and it leads out of the mesh", async () => {
      const { addresses } = await ask("unnumbered.example.com");
      expect(addresses).toEqual([expect.stringMatching(/^240\.240\./)]);
      const headers = { host: "unnumbered.example.com:8080" };
      const answer = await client.do("request", { host: addresses[0], port: 8080, headers });
      expect(answer).toMatchObject({ status: 200 });
      expect(seen(answer)).toMatchObject({ name: "outsider" });
    });

    it("by TCP reaches the server that was asked", async () => {
      const answer = await client.do("resolveByTcp", { name: "example.com", server: RESOLVER });
      expect(answer).toEqual({ addresses: ["192.0.2.53"] });
      expect(await stat(client, "tcp.dns-tcp.downstream_cx_total")).toBeGreaterThan(0);
    });

    it("does not ask itself", async () => {
      // The same port again and again: a question of the sidecar must not be taken for the app's.
      for (let i = 0; i < 20; i++) expect((await ask(`host-${i}.example.com`)).addresses).toEqual(["192.0.2.53"]);
    });

    it("learns of a service that comes", async () => {
      expect((await ask("late.default.svc.cluster.local")).addresses).toEqual(["192.0.2.53"]);
      await mesh.write("late.yaml", service("late", "10.96.0.99"));
      await waitFor("the name", async () => {
        // While Envoy takes the new table, a question that it has passed on may be lost.
        const { addresses } = await ask("late.default.svc.cluster.local").catch(() => ({ addresses: [] }));
        return addresses[0] === "10.96.0.99" ? true : undefined;
      });
    });
  });

  it("changes of policy and of services fail no request", async () => {
    const faults: string[] = [];
    let running = true;
    const load = ["keep-alive", undefined].map(async (agent) => {
      while (running) {
        const options = { host: WEB, port: 80, headers: { host: "web" }, ...(agent === undefined ? {} : { agent }) };
        const fault = await client.do("request", options).then(
          ({ status, body }) => (status === 200 ? undefined : `${status} ${body}`),
          (error: Error) => error.message,
        );
        if (fault !== undefined) faults.push(fault);
      }
    });
    const inForce = (what: string, look: () => Promise<boolean>) =>
      waitFor(what, async () => ((await look().catch(() => false)) ? true : undefined));
    const answers = async (host: string) => (await client.do("request", { host, port: 8080 })).status === 200;
    const address = async (name: string) => (await client.do("resolve", { name, server: RESOLVER })).addresses[0];
    try {
      await mesh.write("mesh-config.yaml", policy("REGISTRY_ONLY"));
      await inForce("the refusal", async () => !(await answers(outsider.pod.address)));
      await mesh.write("mesh-config.yaml", policy("ALLOW_ANY"));
      await inForce("the end of the refusal", () => answers(outsider.pod.address));
      await mesh.write("more.yaml", service("more", "10.96.0.98"));
      await inForce("the service", async () => (await address("more.default")) === "10.96.0.98");
      await mesh.remove("more.yaml");
      await inForce("the service to go", async () => (await address("more.default")) !== "10.96.0.98");
    } finally {
      running = false;
      await Promise.all(load);
      await mesh.remove("mesh-config.yaml");
    }
    expect(faults).toEqual([]);
  });

  describe("with REGISTRY_ONLY", () => {
    beforeAll(() => mesh.write("mesh-config.yaml", policy("REGISTRY_ONLY")));
    afterAll(() => mesh.remove("mesh-config.yaml"));

    it("what no entry names is refused, and the mesh is not", async () => {
      const host = outsider.pod.address;
      // One listener after the other takes the policy.
      await waitFor("the refusal", async () => {
        const http = await client.do("request", { host, port: 8080 }).catch(() => ({ status: 0 }));
        const tcp = await client.do("tcp", { host, port: 3306, until: "220" }).catch(() => ({ text: "" }));
        return [0, 502].includes(http.status) && tcp.text === "" ? true : undefined;
      });
      const answer = await client.do("request", { host, port: 8080 });
      expect(answer).toMatchObject({ status: 502 });
      await stillServes();
    });
  });
});
