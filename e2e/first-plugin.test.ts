import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { runWeft } from "./support/weft.js";

// The steps of the README, with a mesh that runs: compile, push, attach, push again.
let mesh: MeshFolder;
let dir: string;
let reference: string;
let plainHttp: string[];

beforeAll(async () => {
  mesh = await createMeshFolder();
  dir = join(mesh.pluginsDir, "hello");
  const registry = `127.0.0.1:${mesh.registryPort}`;
  reference = `${registry}/plugins/hello:0.1.0`;
  plainHttp = ["--plain-http", registry];
  await rename(join(mesh.folder, "hello.yaml"), join(mesh.folder, "hello.later"));
  await mesh.up().printed(/ready .*2 workloads in sync/);
});
afterAll(() => mesh?.remove());

const hello = (greeting: string) =>
  waitFor(`x-hello: ${greeting}`, async () =>
    (await get(mesh.requestFrom(mesh.v1))).headers["x-hello"] === greeting ? true : undefined,
  );

it("weft plugin build writes the module and says where", async () => {
  const { code, stdout, stderr } = await runWeft("plugin", "build", dir);
  expect([code, stderr]).toEqual([0, ""]);
  const wasm = await readFile(join(dir, "build", "plugin.wasm"));
  expect(stdout.split("\n")[0]).toBe(`${join(dir, "build", "plugin.wasm")} (${wasm.length} bytes)`);
  expect(wasm.subarray(0, 4).toString("latin1")).toBe("\0asm");
});

it("what does not compile is told with file and line, and what is no plugin is told too", async () => {
  const mend = await mesh.edit("plugins/hello/assembly/greeting.ts", "return GREETING", "return GREETIN");
  const broken = await runWeft("plugin", "build", dir);
  await mend();
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/greeting\.ts:5:\d+: .*Cannot find name 'GREETIN'/);
  const none = await runWeft("plugin", "build", join(mesh.root, "no-such-plugin"));
  expect(none.code).toBe(1);
  expect(none.stderr).toContain(`there is no plugin.yaml in ${join(mesh.root, "no-such-plugin")}`);
});

it("weft plugin push puts it into the registry, but not by plain HTTP without being told so", async () => {
  const refused = await runWeft("plugin", "push", dir, reference);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^weft: .*127\.0\.0\.1/);
  const { code, stdout, stderr } = await runWeft("plugin", "push", dir, reference, ...plainHttp);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.trim()).toMatch(new RegExp(`^${reference}@sha256:[0-9a-f]{64}$`));
});

it("a WasmPlugin that names it puts it in force, and another push under the tag replaces it", async () => {
  expect((await get(mesh.requestFrom(mesh.v1))).headers["x-hello"]).toBeUndefined();
  await rename(join(mesh.folder, "hello.later"), join(mesh.folder, "hello.yaml"));
  await hello("hello, tester");
  await waitFor("Programmed=True", async () =>
    (await mesh.status("WasmPlugin", "hello"))?.conditions.find((c) => c.type === "Programmed" && c.status === "True"),
  );
  await mesh.edit("plugins/hello/assembly/greeting.ts", '"hello"', '"welcome"');
  expect((await runWeft("plugin", "push", dir, reference, ...plainHttp)).code).toBe(0);
  await hello("welcome, tester");
});
