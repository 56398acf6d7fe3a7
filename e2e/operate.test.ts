import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { processesOf } from "./support/processes.js";
import { waitFor } from "./support/wait-for.js";
import { type Finished, runWeft } from "./support/weft.js";

const CLUSTER = (subset: string) => `outbound|8080|${subset}|echo.default.svc.cluster.local`;

let mesh: MeshFolder;

beforeAll(async () => {
  mesh = await createMeshFolder();
  await rm(join(mesh.folder, "hello.yaml"));
});
afterAll(() => mesh?.remove());

const weft = (...args: string[]) => runWeft(...args, "-f", mesh.folder);
/** Asks until a command says what is waited for. */
const until = (what: string, args: readonly string[], isSo: (answer: Finished) => boolean) =>
  waitFor(what, async () => {
    const answer = await weft(...args);
    return isSo(answer) ? answer : undefined;
  });

it("without a control plane, status and check say so", async () => {
  const status = await weft("status");
  expect(status.code).toBe(1);
  expect(status.stderr).toContain("no control plane runs");
  expect(JSON.parse((await weft("status", "-o", "json")).stdout)).toEqual({ running: false });
  const check = await weft("check");
  expect(check.code).toBe(1);
  expect(check.stdout).toMatch(/✗ control plane .*\n {2}Fix: start one: weft up/);
});

it("a running mesh is in sync, and every check is a tick", async () => {
  await mesh.up().printed(/ready .*2 workloads in sync/);
  const status = await until("a mesh in sync", ["status"], ({ code }) => code === 0);
  expect(status.stdout).toContain("2 of 2 in sync");
  expect(status.stdout).toMatch(/default\/echo-v1 +in sync .*ends in/);
  expect((await weft("status", "plugins")).stdout).toContain("has no WasmPlugin");
  const check = await weft("check", "-o", "json");
  expect(JSON.parse(check.stdout)).toMatchObject({ ok: true });
  expect(check.code).toBe(0);
});

it("analyze finds what does nothing, with file and line; explain and the proxy itself tell the same route", async () => {
  expect(await weft("analyze", "--strict")).toMatchObject({ code: 0, stdout: "nothing found\n" });
  await mesh.edit("mesh/traffic.yaml", "- { name: v2,", "- { name: v3, labels: { version: v3 } }\n    - { name: v2,");
  const found = await weft("analyze", "--strict");
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/! traffic\.yaml:\d+: DestinationRule default\/echo spec\.subsets\[1\]: .*EmptySubset/);

  const weighted = `subset: v1 }\n          weight: 70\n        - destination: { host: echo, subset: v2 }\n          weight: 30`;
  await mesh.edit("mesh/traffic.yaml", "subset: v2 }\n          weight: 100", weighted);
  const routes = await until("the route in the proxy", ["proxy", "config", "echo-v1", "routes"], ({ stdout }) =>
    stdout.includes(CLUSTER("v1")),
  );
  expect(routes.stdout).toMatch(/70.*30/);
  const told = await weft("explain", "--from", "echo-v1", "--to", "echo:8080", "--path", "/x");
  expect(told.stdout).toContain(`sends 70 % to ${CLUSTER("v1")}`);
  expect(told.stdout).toContain(`sends 30 % to ${CLUSTER("v2")}`);
  expect(told.stdout).toContain("✓ default/echo-v2: let through; mutual TLS (PERMISSIVE)");
  expect(told.code).toBe(0);
});

it("a sidecar that does not answer is stale, with type and time, until it answers again", async () => {
  const envoys = (await processesOf(join(mesh.folder, ".weft", "workloads", "default.echo-v2"))).map(({ pid }) => pid);
  expect(envoys).not.toEqual([]);
  for (const pid of envoys) process.kill(pid, "SIGSTOP");
  try {
    await mesh.edit("mesh/traffic.yaml", "weight: 70", "weight: 60");
    const stale = await until("a stale proxy", ["status"], ({ code }) => code === 1);
    expect(stale.stdout).toMatch(/✗ default\/echo-v2: routes stale since .*it does not answer/);
    expect((await weft("check")).stdout).toContain("✗ proxies       default/echo-v2 stale");
  } finally {
    for (const pid of envoys) process.kill(pid, "SIGCONT");
  }
  await until("a mesh in sync again", ["status"], ({ code }) => code === 0);
});

it("wrong usage is 2, and every command has examples", async () => {
  expect((await weft("explain", "--from", "echo-v1", "--to", "echo", "--path", "x")).code).toBe(2);
  expect((await weft("explain", "--from", "nobody", "--to", "echo")).code).toBe(1);
  for (const command of ["status", "analyze", "explain", "check"])
    expect((await runWeft(command, "--help")).stdout).toMatch(/Examples:[\s\S]*Exit codes:/);
});
