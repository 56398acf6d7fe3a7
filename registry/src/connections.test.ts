import { afterEach, describe, expect, test } from "vitest";
import { createRegistryServer } from "../server/index.js";
import { createCleanup, serve, startRegistry, wasmModule } from "../test/fixtures.js";
import { TEST_TLS } from "../test/test-certificate.js";
import { classOf, guardedLookup, literalAddress } from "./address.js";
import { createConnections } from "./connections.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { createRegistryClient } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const RETRY = { baseDelayMs: 1, maxRetries: 0 };

test.each([
  ["8.8.8.8", "public"],
  ["2606:4700::1", "public"],
  ["10.1.2.3", "internal"],
  ["100.64.0.1", "internal"],
  ["127.0.0.1", "internal"],
  ["172.31.255.255", "internal"],
  ["172.32.0.1", "public"],
  ["192.168.1.1", "internal"],
  ["0.0.0.0", "internal"],
  ["255.255.255.255", "internal"],
  ["::1", "internal"],
  ["::", "internal"],
  ["fd12::1", "internal"],
  ["::ffff:10.0.0.1", "internal"],
  ["::ffff:7f00:1", "internal"],
  ["::ffff:8.8.8.8", "public"],
  ["64:ff9b::a00:1", "internal"],
  ["169.254.169.254", "forbidden"],
  ["::ffff:169.254.169.254", "forbidden"],
  ["::ffff:a9fe:a9fe", "forbidden"],
  ["100.100.100.200", "forbidden"],
  ["fe80::1", "forbidden"],
  ["fd00:ec2::254", "forbidden"],
  ["224.0.0.1", "forbidden"],
  ["not an address", "forbidden"],
])("%s is %s", (address, expected) => {
  expect(classOf(address)).toBe(expected);
});

test.each([
  ["http://127.0.0.1:80/", "127.0.0.1"],
  ["http://[::1]/", "::1"],
  ["http://2130706433/", "127.0.0.1"],
  ["http://0x7f.1/", "127.0.0.1"],
  ["http://localhost/", undefined],
])("the address in %s is %s", (url, address) => {
  expect(literalAddress(new URL(url))).toBe(address);
});

test("a look-up fails for a name that stands for what is not allowed", async () => {
  const look = (allows: boolean) =>
    new Promise((resolve) =>
      guardedLookup(() => allows)("localhost", {}, (error, address) => resolve(error?.message ?? address)),
    );
  expect(await look(true)).toMatch(/^(127\.0\.0\.1|::1)$/);
  expect(await look(false)).toMatch(/^localhost is at .*where no registry may be$/);
});

describe("a registry at a public address", () => {
  /** A registry whose name stands for a public address, which nothing here can be reached at. */
  const place = { registry: "registry.example", isHome: false };
  const connect = createConnections({ caOf: () => undefined, hostOf: () => "93.184.216.34" });

  test.each([
    "http://127.0.0.1:1/",
    "http://[::1]:1/",
    "http://10.0.0.1/",
    "http://localhost:8099/",
    "http://169.254.169.254/",
  ])("may not send us to %s", async (url) => {
    const failure = await connect(new URL(url), {}, place).catch((error: { cause?: unknown }) => error.cause ?? error);
    expect(failure).toMatchObject({ code: "ADDRESS_NOT_ALLOWED" });
  });
});

test("a registry inside may send us inside, but not to a metadata service", async () => {
  const client = (_address: string) => createRegistryClient({ plainHttp: () => true, retry: RETRY });
  const target = await serve(cleanup, (_, response) => response.writeHead(200).end("{}"));
  for (const [location, code] of [
    [`http://${target.address}/v2/`, undefined],
    ["http://169.254.169.254/latest/meta-data/", "unavailable"],
  ] as const) {
    const registry = await serve(cleanup, (_, response) => response.writeHead(307, { location }).end());
    const answer = client(registry.address).ping(registry.address);
    if (code === undefined) await answer;
    else
      await expect(answer).rejects.toMatchObject({
        code,
        retryable: false,
        message: expect.stringContaining("where no registry may be"),
      });
  }
});

test("a registry with a certificate of its own is trusted by the settings", async () => {
  const server = await createRegistryServer({ tls: TEST_TLS });
  cleanup.add(() => server.close(0));
  const reference = parseReference(`oci://${server.address}/p:v1`);
  const artifact = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" });
  await expect(pushPlugin(createRegistryClient({ retry: RETRY }), reference, artifact)).rejects.toMatchObject({
    code: "unavailable",
    hint: expect.stringContaining("CA"),
  });
  const registries = { [server.address]: { ca: TEST_TLS.certificate } };
  const { digest } = await pushPlugin(createRegistryClient({ registries, retry: RETRY }), reference, artifact);
  expect(digest).toBe(artifact.manifestDigest);
});

describe("mirrors", () => {
  async function setUp() {
    const [home, mirror] = [await startRegistry(cleanup), await startRegistry(cleanup)];
    const both = createRegistryClient({ plainHttp: () => true, retry: RETRY });
    const push = async (registry: string, name: string) =>
      (
        await pushPlugin(
          both,
          parseReference(`${registry}/p:${name}`),
          await packPlugin({ wasm: wasmModule(), pluginYaml: `name: ${name}` }),
        )
      ).digest;
    const registries = { [home]: { plainHttp: true, mirrors: ["127.0.0.1:1", mirror] } };
    const client = createRegistryClient({ registries, plainHttp: () => true, retry: RETRY });
    return { home, mirror, push, client };
  }

  test("are asked first when something is pulled, and nothing is pushed to them", async () => {
    const { home, mirror, push, client } = await setUp();
    const reference = parseReference(`${home}/p:v1`);
    const digest = await push(mirror, "v1");
    expect(await client.resolve(reference)).toMatchObject({ digest });
    expect(await pullPlugin(client, reference)).toMatchObject({ digest });
    await pushPlugin(
      client,
      parseReference(`${home}/p:v2`),
      await packPlugin({ wasm: wasmModule(), pluginYaml: "x: y" }),
    );
    expect(await client.tags(reference)).toEqual(["v2"]);
  });

  test("that lack it leave it to the registry, whose error counts", async () => {
    const { home, push, client } = await setUp();
    const digest = await push(home, "v1");
    expect(await pullPlugin(client, parseReference(`${home}/p:v1`))).toMatchObject({ digest });
    await expect(client.resolve(parseReference(`${home}/p:v9`))).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining(home),
      hint: expect.stringMatching(/mirror 127\.0\.0\.1:1: .*; mirror 127/),
    });
  });
});
