import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { createRegistryClient, packPlugin, parseReference, pushPlugin } from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { ControlPlaneConfig } from "../control-plane/src/config.js";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../control-plane/src/identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../control-plane/src/identity/certificate-request.js";
import { signServer, signWorkload } from "../control-plane/src/identity/sign.js";
import type { Logger } from "../control-plane/src/log.js";
import { type ControlPlane, startControlPlane } from "../control-plane/src/main.js";
import { encodeImage } from "../control-plane/src/modules/module-image.js";
import { MODULES_SERVICE } from "../control-plane/src/modules/peer-protocol.js";
import { buildPlugin } from "./build-plugin.js";
import { identityFiles, testConfig } from "./control-plane-config.js";
import { createXdsClient, type XdsClient } from "./xds-client.js";

const TRUST_DOMAIN = "cluster.local";
const SLOT = "weft/in/8080/default";
const WAIT = { timeout: 100_000, interval: 50 };

interface Pair {
  readonly certificateChain: string;
  readonly privateKey: string;
}

let hello: Uint8Array;
let dir: string;
let folder: string;
let authority: CertificateAuthority;
let own: Pair;
let registry: RegistryServer;
const undo: (() => Promise<unknown> | unknown)[] = [];

async function issue(sign: (request: string) => ReturnType<typeof signServer>): Promise<Pair> {
  const privateKey = await createPrivateKeyPem();
  const signed = await sign(await createCertificateRequest(privateKey));
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, privateKey };
}

const lifetime = () => ({ ttlMs: 3_600_000, nowMs: Date.now() });

beforeAll(async () => {
  hello = (await buildPlugin("hello")).wasm;
  authority = await createCertificateAuthority({ trustDomain: TRUST_DOMAIN });
  own = await issue((request) => signServer(authority, request, lifetime()));
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-sisters-"));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  folder = join(dir, "mesh");
  await mkdir(folder);
  registry = await createRegistryServer({ dir: join(dir, "registry") });
  undo.push(() => registry.close(0));
  await writeFile(join(dir, "cert.pem"), own.certificateChain);
  await writeFile(join(dir, "key.pem"), own.privateKey, { mode: 0o600 });
  await writeFile(join(dir, "root.pem"), authority.rootPem);
  const objects = [
    "apiVersion: v1\nkind: Service\nmetadata: { name: echo }\nspec: { selector: { app: echo }, ports: [{ name: http, port: 8080 }] }",
    "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: echo }\nspec: { address: 127.0.1.9, labels: { app: echo }, ports: { http: 18080 } }",
    `apiVersion: weft.mesh/v1alpha1\nkind: WasmPlugin\nmetadata: { name: hello }\nspec: { url: "oci://${registry.address}/plugins/hello:1" }`,
  ];
  await writeFile(join(folder, "mesh.yaml"), `${objects.join("\n---\n")}\n`);
  const client = createRegistryClient({ plainHttp: [registry.address] });
  const artifact = await packPlugin({ wasm: hello, pluginYaml: "name: hello\nrootId: hello\nside: server\n" });
  await pushPlugin(client, parseReference(`${registry.address}/plugins/hello:1`), artifact);
});
afterEach(async () => {
  while (undo.length > 0) await undo.pop()?.();
});

interface Replica extends ControlPlane {
  readonly log: readonly string[];
}

/** A replica of the control plane: the folder is everybody's, what it keeps its own. */
async function replica(name: string, peers: readonly string[] = []): Promise<Replica> {
  const log: string[] = [];
  const note = (message: string) => void log.push(message);
  const logger: Logger = { info: note, warn: note, error: note };
  const config: ControlPlaneConfig = {
    ...testConfig(dir, { kind: "folder", folder, identity: identityFiles(dir) }, name),
    plainHttpRegistries: [registry.address],
    peers,
  };
  const running = await startControlPlane(config, logger);
  undo.push(running.close);
  return { ...running, log };
}

/** A new proxy that asks for its slot. */
async function proxy({ xdsPort }: ControlPlane): Promise<XdsClient> {
  const workload = { namespace: "default", serviceAccount: "default", workload: "echo" };
  const pair = await issue((request) => signWorkload(authority, request, { ...workload, ...lifetime() }));
  const client = createXdsClient({ port: xdsPort, tls: { rootCert: authority.rootPem, ...pair } });
  undo.push(() => client.close());
  client.request("extension", { subscribe: [SLOT] });
  return client;
}

const hasModule = (client: XdsClient) =>
  client.responses.some(({ bytes }) => Buffer.from(bytes.get(SLOT) ?? "").includes(Buffer.from(hello.subarray(-200))));
const whenHasModule = (client: XdsClient) => vi.waitFor(() => expect(hasModule(client)).toBe(true), WAIT);

/** A first replica, whose proxies run the plugin; then the registry goes. The second one knows its status alone. */
async function firstAndMemory(): Promise<Replica> {
  const first = await replica("first");
  await whenHasModule(await proxy(first));
  await vi.waitFor(async () => {
    await rm(join(dir, "second"), { recursive: true, force: true });
    await cp(join(dir, "first", "status"), join(dir, "second", "status"), { recursive: true });
    const status = await readFile(join(dir, "second", "status", "WasmPlugin", "default.hello.yaml"), "utf8");
    expect(status).toContain("lastGood:");
  }, WAIT);
  await registry.close(0);
  return first;
}

const NAMES_A_SISTER = /^replica \S+ gives no module: /;

describe("a replica with an empty cache, while the registry is down", () => {
  it("gives a new proxy the last good version, from its sister", async () => {
    const first = await firstAndMemory();
    const second = await replica("second", [`127.0.0.1:${first.xdsPort}`]);
    await whenHasModule(await proxy(second));
    expect(second.log.filter((line) => NAMES_A_SISTER.test(line))).toEqual([]);
    // It has it now as if it had pulled it, for the next one that asks.
    await cp(join(dir, "first", "status"), join(dir, "third", "status"), { recursive: true });
    await first.close();
    const third = await replica("third", [`127.0.0.1:${second.xdsPort}`]);
    await whenHasModule(await proxy(third));
  });

  it("has nothing to give without a sister", async () => {
    await firstAndMemory();
    const second = await replica("second");
    const client = await proxy(second);
    await vi.waitFor(() => expect(second.log.join("\n")).toMatch(/Unavailable.*trying again/), WAIT);
    expect(hasModule(client)).toBe(false);
  });

  it("refuses what a lying sister sends, names her, and asks the next", async () => {
    const first = await firstAndMemory();
    const liar = await serveImage(encodeImage([Buffer.from("x"), Buffer.from("{}"), Buffer.from("another module")]));
    const second = await replica("second", [liar, `127.0.0.1:${first.xdsPort}`]);
    await whenHasModule(await proxy(second));
    expect(second.log.filter((line) => NAMES_A_SISTER.test(line))).toEqual([
      expect.stringMatching(new RegExp(`^replica ${liar} gives no module: .*the manifest has the digest sha256:`)),
    ]);
  });

  it("waits no longer for a sister that hangs than it takes to ask the next", async () => {
    const first = await firstAndMemory();
    const hangs = await serveImage(undefined);
    const second = await replica("second", [hangs, `127.0.0.1:${first.xdsPort}`]);
    await whenHasModule(await proxy(second));
    expect(second.log.filter((line) => NAMES_A_SISTER.test(line))).toEqual([
      `replica ${hangs} gives no module: no whole answer within 5000 ms`,
    ]);
  });
});

it("a replica asks its sisters before it pulls from the registry", async () => {
  const first = await replica("first");
  await whenHasModule(await proxy(first));
  const asked: string[] = [];
  const spy = await serveImage(undefined, (digest) => asked.push(digest));
  const second = await replica("second", [spy, `127.0.0.1:${first.xdsPort}`]);
  await whenHasModule(await proxy(second));
  expect(asked.length).toBeGreaterThan(0);
});

/** One with the control plane's own certificate that answers every question with these bytes, or never. */
async function serveImage(
  image: Uint8Array | undefined,
  onAsked: (digest: string) => void = () => {},
): Promise<string> {
  const server = new Server();
  undo.push(() => server.forceShutdown());
  server.addService(MODULES_SERVICE, {
    Fetch: (call: { request: Buffer; write(bytes: Buffer): void; end(): void }) => {
      onAsked(call.request.toString());
      if (image === undefined) return;
      call.write(Buffer.from(image));
      call.end();
    },
  });
  const keys = { private_key: Buffer.from(own.privateKey), cert_chain: Buffer.from(own.certificateChain) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.rootPem), [keys], true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return `127.0.0.1:${port}`;
}
