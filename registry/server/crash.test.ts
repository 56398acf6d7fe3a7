import { type ChildProcess, execFile, spawn } from "node:child_process";
import { symlink, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../src/digest.js";
import { packPlugin } from "../src/pack-plugin.js";
import { pullPlugin } from "../src/pull-plugin.js";
import { pushPlugin } from "../src/push-plugin.js";
import { parseReference } from "../src/reference.js";
import { createRegistryClient } from "../src/remote.js";
import { createApi } from "../test/api.js";
import { createCleanup, noise, tempFolder, wasmModule } from "../test/fixtures.js";

/** A registry that can be killed is another process, which runs compiled code. */
const cleanup = createCleanup();
let program = "";
let dir = "";

const SOURCE = `
import { createRegistryServer } from "./compiled/server/index.js";
const server = await createRegistryServer({ dir: process.argv[2] });
process.stdout.write(server.address + "\\n");
`;

beforeAll(async () => {
  const home = await tempFolder(cleanup);
  const registry = fileURLToPath(new URL("..", import.meta.url));
  const require = createRequire(import.meta.url);
  const types = dirname(dirname(require.resolve("@types/node/package.json")));
  const compilerOptions = {
    rootDir: registry,
    outDir: join(home, "compiled"),
    typeRoots: [types],
    composite: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
  };
  const config = {
    extends: join(registry, "tsconfig.json"),
    compilerOptions,
    files: [join(registry, "server/index.ts")],
    include: [],
  };
  await writeFile(join(home, "tsconfig.json"), JSON.stringify(config));
  await writeFile(join(home, "package.json"), '{"type":"module"}');
  // The program is outside of the repository; what it imports is not.
  await symlink(dirname(dirname(require.resolve("typescript/package.json"))), join(home, "node_modules"));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", home]);
  program = join(home, "registry.js");
  await writeFile(program, SOURCE);
  dir = await tempFolder(cleanup);
});
afterAll(() => cleanup.run());

interface Running {
  readonly address: string;
  kill(): Promise<void>;
}

async function start(): Promise<Running> {
  const child: ChildProcess = spawn(process.execPath, [program, dir], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  cleanup.add(kill);
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (line: Buffer) => resolve(line.toString().trim()));
    child.once("exit", (code) => reject(new Error(`the registry ended with ${code}`)));
  });
  return { address, kill };
}

test("killed in the middle of an upload: nothing of it is served, and the client can go on", async () => {
  const bytes = noise(3_000_000);
  const digest = digestOf(bytes);
  const first = await start();
  const location = await createApi(first.address).begin();
  const target = `http://${first.address}${location}?digest=${digest}`;
  const put = httpRequest(target, { method: "PUT", headers: { "content-length": bytes.byteLength } });
  const broken = new Promise((resolve) => put.on("error", resolve));
  put.write(bytes.subarray(0, 1_500_000));
  let received = 0;
  while (received < 1_000_000) {
    const status = await createApi(first.address).call("GET", location);
    received = Number(status.headers.get("range")?.split("-")[1]) + 1;
  }
  await first.kill();
  await broken;

  const second = await start();
  const api = createApi(second.address);
  expect((await api.call("GET", `/v2/p/blobs/${digest}`)).status).toBe(404);
  const status = await api.call("GET", location);
  expect(status.status).toBe(204);
  const from = Number(status.headers.get("range")?.split("-")[1]) + 1;
  expect(from).toBeGreaterThanOrEqual(1_000_000);
  expect((await api.call("PUT", `${location}?digest=${digest}`, { body: bytes.subarray(from) })).status).toBe(201);
  const got = await api.call("GET", `/v2/p/blobs/${digest}`);
  expect(digestOf(new Uint8Array(await got.arrayBuffer()))).toBe(digest);
  await second.kill();
});

test("killed again and again under concurrent pushes: all that was confirmed is there, all that is there is whole", async () => {
  const confirmed = new Map<string, string>();
  const artifacts = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      packPlugin({ wasm: wasmModule(noise(200_000, i + 1)), pluginYaml: `name: p${i}\n` }),
    ),
  );
  const known = new Set(artifacts.map(({ manifestDigest }) => manifestDigest));
  for (let round = 0; round < 5; round += 1) {
    const running = await start();
    const client = createRegistryClient({ plainHttp: [running.address], retry: { maxRetries: 0 } });
    let confirmations = 0;
    let killed: Promise<void> | undefined;
    const push = async (worker: number): Promise<void> => {
      for (let i = 0; killed === undefined; i += 1) {
        const artifact = artifacts[(worker + i + round) % artifacts.length]!;
        // One tag per worker moves in every round, and one repository per round is new.
        for (const repository of ["shared", `round${round}`]) {
          const at = { registry: running.address, repository, tag: `w${worker}` };
          confirmed.delete(`${repository}:w${worker}`);
          const { digest } = await pushPlugin(client, at, artifact);
          confirmed.set(`${repository}:w${worker}`, digest);
          confirmations += 1;
          if (confirmations >= 10 + round * 7) killed ??= running.kill();
        }
      }
    };
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map(push));
    await killed;
    expect(results.some(({ status }) => status === "rejected")).toBe(true);

    const after = await start();
    const reader = createRegistryClient({ plainHttp: [after.address] });
    for (const [name, digest] of confirmed) {
      const pulled = await pullPlugin(reader, parseReference(`${after.address}/${name}`));
      expect(pulled.digest).toBe(digest);
    }
    for (const repository of ["shared", `round${round}`]) {
      for (const tag of await reader.tags({ registry: after.address, repository })) {
        const pulled = await pullPlugin(reader, { registry: after.address, repository, tag });
        expect(known).toContain(pulled.digest);
      }
    }
    await after.kill();
  }
  expect(confirmed.size).toBeGreaterThan(5);
});
