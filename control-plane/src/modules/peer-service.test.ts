import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../../../test/xds-fixture.js";
import { createModuleCache, type ModuleCache } from "./module-cache.js";
import { createPeerClient } from "./peer-client.js";
import { MODULES_SERVICE } from "./peer-protocol.js";
import { createPeerService } from "./peer-service.js";

const ID = "spiffe://cluster.local/ns/weft-system/sa/weft-control-plane";
const WORKLOAD = "spiffe://cluster.local/ns/default/sa/backend";
/** Of several pieces. */
const IMAGE = Buffer.alloc(1_000_000, "image");
const DIGEST = `sha256:${"a".repeat(64)}`;
const never = new AbortController().signal;

let dir: string;
let cache: ModuleCache;
let authority: TestAuthority;
let own: IssuedCertificate;
const servers: Server[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-peers-"));
  cache = createModuleCache({ dir, maxBytes: 1e8 });
  const wasm = Buffer.from("wasm");
  const wasmSha256 = createHash("sha256").update(wasm).digest("hex");
  await cache.put({ digest: DIGEST, wasmSha256, wasm }, "r", IMAGE);
  authority = await createTestAuthority();
  own = await authority.issue({ dns: "localhost", uris: [ID] });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A gRPC server with this certificate; its address. */
async function serve(implementation: UntypedServiceImplementation, pair = own): Promise<string> {
  const server = new Server();
  servers.push(server);
  server.addService(MODULES_SERVICE, implementation);
  const keys = { private_key: Buffer.from(pair.privateKey), cert_chain: Buffer.from(pair.certificateChain) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.rootCert), [keys], true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return `127.0.0.1:${port}`;
}

const refused: string[] = [];
const sister = () =>
  serve(createPeerService({ cache, controlPlaneId: ID, onRefused: (peer) => refused.push(peer) }).implementation);
const clientOf = (pair = own) =>
  createPeerClient({ identity: () => ({ ...pair, roots: authority.rootCert }), controlPlaneId: ID });

describe("a sister replica", () => {
  it("gives the image that it has, whole", async () => {
    const peer = await sister();
    const got = await clientOf()(peer, DIGEST, 2_000_000, never);
    expect(got !== undefined && IMAGE.equals(got)).toBe(true);
  });

  it("says when it does not have it", async () => {
    expect(await clientOf()(await sister(), `sha256:${"b".repeat(64)}`, 1e6, never)).toBeUndefined();
  });

  it("takes nothing but a digest for a question", async () => {
    await expect(clientOf()(await sister(), "../../etc/passwd", 1e6, never)).rejects.toThrow("no digest");
  });

  it.each<[string, readonly string[]]>([
    ["a workload", [WORKLOAD]],
    ["one without a SPIFFE id", []],
    ["one that says to be two", [ID, WORKLOAD]],
    ["a control plane of another trust domain", [ID.replace("cluster.local", "other.local")]],
    ["one whose id only begins so", [`${ID}-two`]],
    ["one that hides the id behind a comma", [`${WORKLOAD}, URI:${ID}`]],
  ])("gives nothing to %s", async (_name, uris) => {
    const peer = await sister();
    const stranger = await authority.issue({ dns: "localhost", uris });
    refused.length = 0;
    await expect(clientOf(stranger)(peer, DIGEST, 2e6, never)).rejects.toThrow("modules are for control planes");
    expect(refused).toHaveLength(1);
  });

  it("gives nothing to one whose certificate is of another mesh", async () => {
    const other = await createTestAuthority();
    const stranger = await other.issue({ dns: "localhost", uris: [ID] });
    await expect(clientOf(stranger)(await sister(), DIGEST, 2e6, never)).rejects.toThrow();
  });
});

describe("one that asks", () => {
  it.each<[string, readonly string[]]>([
    ["a workload", [WORKLOAD]],
    ["nobody", []],
  ])("believes no server that is %s", async (_name, uris) => {
    const peer = await serve({ Fetch: () => {} }, await authority.issue({ dns: "localhost", uris }));
    await expect(clientOf()(peer, DIGEST, 1e6, never)).rejects.toThrow("it is no control plane of this mesh");
  });

  it("takes no more than it wants", async () => {
    await expect(clientOf()(await sister(), DIGEST, 500_000, never)).rejects.toThrow("more than 500000 bytes");
  });

  it("gives up when it is told to", async () => {
    const peer = await serve({ Fetch: () => {} });
    const stop = new AbortController();
    const asked = clientOf()(peer, DIGEST, 1e6, stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(asked).rejects.toThrow("enough");
  });

  it("says that nobody is there", async () => {
    await expect(clientOf()("127.0.0.1:1", DIGEST, 1e6, never)).rejects.toThrow("No connection established");
  });
});
