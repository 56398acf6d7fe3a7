import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ClientTls } from "../../control-plane/src/model/traffic-policy.js";
import { mkWorkload } from "../builders.js";
import { createTranslatedMesh, type MeshProxy, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { BLOCK, call, caller, inForce, metric, rule, service } from "./backends.js";

const CLUSTER = "outbound|8080||secure_default_svc_cluster_local";

let mesh: TranslatedMesh;
let proxy: MeshProxy;
let dir: string;
const close: (() => void)[] = [];

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  dir = await mkdtemp(join(tmpdir(), "weft-tls-"));
  await writeFile(join(dir, "ca.pem"), mesh.authority.rootCert);
  const own = await mesh.authority.issue({ dns: "client.test" });
  await writeFile(join(dir, "cert.pem"), own.certificateChain);
  await writeFile(join(dir, "key.pem"), own.privateKey, { mode: 0o600 });
  const pair = await mesh.authority.issue({ dns: "secure.default" });
  const server = createServer(
    {
      key: pair.privateKey,
      cert: pair.certificateChain,
      ca: mesh.authority.rootCert,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket & { servername?: string };
      response.end(`${socket.servername} ${socket.authorized ? "known" : "stranger"}`);
    },
  );
  await new Promise<void>((resolve) => server.listen(8443, `${BLOCK}.9`, resolve));
  close.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  mesh.apply(caller(), service("secure"), {
    kind: "WorkloadEntry",
    value: mkWorkload("secure", {
      address: `${BLOCK}.9`,
      labels: { app: "secure" },
      ports: { http: 8443 },
      hasSidecar: false,
    }),
  });
  proxy = await mesh.startProxy("caller");
  await mesh.settled();
});

afterAll(async () => {
  // One test has a mistake.
  expect(mesh?.events.filter((event) => event.startsWith("nack") && !event.includes("missing.pem"))).toEqual([]);
  await mesh?.stop();
  for (const end of close) end();
  await rm(dir, { recursive: true, force: true });
});

const simple = { mode: "SIMPLE", subjectAltNames: [] as string[] } as const;
const file = () => ({ kind: "file", path: join(dir, "ca.pem") }) as const;

test.each<[string, () => ClientTls, string]>([
  ["its certificate is for the host that is called", () => ({ ...simple, trust: file() }), "secure.default stranger"],
  ["the public roots are trusted", () => ({ ...simple, trust: { kind: "public" } }), "secure.default stranger"],
  [
    "another name is asked for, and the certificate's expected",
    () => ({ ...simple, sni: "other.test", subjectAltNames: ["secure.default"], trust: file() }),
    "other.test stranger",
  ],
  [
    "whoever answers is believed",
    () => ({ ...simple, sni: "other.test", trust: { kind: "nobody" } }),
    "other.test stranger",
  ],
  [
    "the caller shows a certificate",
    () => ({
      ...simple,
      mode: "MUTUAL",
      trust: file(),
      certificate: { chainPath: join(dir, "cert.pem"), keyPath: join(dir, "key.pem") },
    }),
    "secure.default known",
  ],
])("a TLS server is reached where %s", async (_, tls, expected) => {
  await inForce(mesh, rule("secure", { tls: tls() }));
  const { status, body } = await call("secure.default");
  expect([status, body]).toEqual([200, expected]);
});

test.each<[string, () => ClientTls]>([
  ["has no certificate for a name that is expected", () => ({ ...simple, subjectAltNames: ["x.test"], trust: file() })],
  ["has no certificate for the name that it is asked for", () => ({ ...simple, sni: "x.test", trust: file() })],
])("a TLS server is refused that %s", async (_, tls) => {
  await inForce(mesh, rule("secure", { tls: tls() }));
  expect((await call("secure.default")).status).toBe(503);
  expect(await metric(proxy, "envoy_cluster_ssl_fail_verify_san", CLUSTER)).toBeGreaterThan(0);
});

test("plaintext is plaintext, whatever the server wants", async () => {
  await inForce(mesh, rule("secure", { tls: { mode: "DISABLE" } }));
  expect((await call("secure.default")).status).toBe(503);
});

test("a file that is not there leaves in force what was", async () => {
  await inForce(mesh, rule("secure", { tls: { ...simple, trust: file() } }));
  await inForce(mesh, rule("secure", { tls: { ...simple, trust: { kind: "file", path: join(dir, "missing.pem") } } }));
  await vi.waitFor(() => expect(mesh.events.join("\n")).toMatch(/nack default\/caller cluster .*missing\.pem/), POLL);
  expect((await call("secure.default")).body).toBe("secure.default stranger");
});
