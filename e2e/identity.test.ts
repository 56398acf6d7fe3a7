import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { envoyPath } from "../test/envoy-static.js";
import { createMeshFolder, type MeshFolder, type Place } from "./support/mesh-folder.js";
import { get, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { runWeft } from "./support/weft.js";

let mesh: MeshFolder;
let app: Server;
/** Of the control plane. */
let xds = "";
let enrolment = "";

beforeEach(async () => {
  mesh = await createMeshFolder();
  await rm(join(mesh.folder, "hello.yaml"));
  app = createServer((_request, response) => response.end("v2"));
  app.keepAliveTimeout = 0;
  await new Promise<void>((done) => app.listen(mesh.v2.appPort, "127.0.0.1", done));
  const state = join(mesh.folder, ".weft");
  const controlPlane = mesh.start(
    ...["control-plane", "--folder", mesh.folder, "--state-dir", state, "--envoy", envoyPath()],
    ...["--authority-dir", join(state, "authority"), "--xds-port", "0", "--enrolment-port", "0"],
    ...["--certificate-ttl", "1h"],
  );
  const line = await controlPlane.printed(/the control plane is ready/);
  [, xds = "", enrolment = ""] = / xds=(\S+) enrolment=(\S+)/.exec(line) ?? [];
});
afterEach(async () => {
  await mesh.remove();
  app.closeAllConnections();
  app.close();
});

const dirOf = (name: string) => join(mesh.root, "machines", name);

/** What two people do: the operator makes a token, and on the workload's machine it is used. */
async function enrol(name: string): Promise<string> {
  const made = await runWeft("identity", "token", `default/${name}`, "-f", mesh.folder, "--ttl", "10m");
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^weft1\.\S+\n$/) });
  expect(made.stderr).toContain(`enrols default/${name} with service account default, once, until `);
  const file = join(mesh.root, `${name}.token`);
  await writeFile(file, made.stdout, { mode: 0o600 });
  const issued = await runWeft("identity", "issue", ...atMachine(name), "--token-file", file);
  expect(issued, issued.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(`enrolled default/${name}`) });
  return file;
}

const atMachine = (name: string) => ["--server", enrolment, "--dir", dirOf(name)];

async function startSidecar(name: string, { address }: Place): Promise<void> {
  const flags = ["--dir", dirOf(name), "--workload", `default/${name}`, "--address", address, "--xds", xds];
  await mesh.start("sidecar", ...flags).printed(/sidecar ready/);
}

it("workloads enrol by token, are seen in weft identity, and lose no request while the root is rotated", async () => {
  const tokenFile = await enrol("echo-v1");
  const again = await runWeft("identity", "issue", ...atMachine("echo-v1"), "--token-file", tokenFile);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("the token was used at ") });
  await enrol("echo-v2");
  await Promise.all([startSidecar("echo-v1", mesh.v1), startSidecar("echo-v2", mesh.v2)]);
  await waitFor("an answer through both", () =>
    get(mesh.requestFrom(mesh.v1)).then(
      ({ body }) => (body === "v2" ? true : undefined),
      () => undefined,
    ),
  );

  const shown = await runWeft("identity", "-f", mesh.folder);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain("trust domain cluster.local, no rotation under way");
  expect(shown.stdout).toMatch(/^root +signing +[0-9a-f]{12} /m);
  expect(shown.stdout).toMatch(/^intermediate +signing +[0-9a-f]{12} /m);
  for (const name of ["echo-v1", "echo-v2"])
    expect(shown.stdout).toMatch(new RegExp(`^default/${name} +connected +[0-9a-f]{12} .* \\d+m$`, "m"));

  const load = startLoad(mesh.requestFrom(mesh.v1), ({ status, body }) =>
    status === 200 && body === "v2" ? undefined : `${status} ${body}`,
  );
  const chain = () => readFile(join(dirOf("echo-v1"), "identity/cert.pem"), "utf8");
  const before = await chain();
  expect(await runWeft("identity", "rotate", "-f", mesh.folder)).toMatchObject({ code: 0 });
  const retiring = await waitFor("the new root to sign", async () => {
    const { stdout } = await runWeft("identity", "show", "-f", mesh.folder, "-o", "json");
    const report = JSON.parse(stdout) as { rotation: { phase: string; obstacles: { workload: string }[] } };
    return report.rotation.phase === "retiring" && report.rotation.obstacles.length > 0 ? report : undefined;
  });
  expect(retiring.rotation.obstacles.map(({ workload }) => workload)).toEqual(["default/echo-v1", "default/echo-v2"]);
  // Workloads hear of it, and have certificates of the new root long before half of their life.
  await waitFor("a certificate of the new root", async () => ((await chain()) === before ? undefined : true), {
    limitMs: 240_000,
  });
  const drop = await runWeft("identity", "rotate", "--drop", "-f", mesh.folder);
  expect(drop.code).toBe(1);
  expect(drop.stderr).toMatch(
    /the old root is in use\n {2}default\/echo-v1 has a certificate of it until .*\n {2}default\/echo-v2 has/,
  );
  await load.stop();
  expect(load.faults).toEqual([]);
  expect(load.sent).toBeGreaterThan(10);

  const own = await runWeft("identity", "show", "--dir", dirOf("echo-v1"));
  expect(own.stdout).toMatch(/^leaf .*spiffe:\/\/cluster.local\/ns\/default\/sa\/default weft:/m);
});

it("mistakes are told with what to do", async () => {
  const identity = (...args: string[]) => runWeft("identity", ...args);
  const folder = ["-f", mesh.folder];
  expect(await identity("token", "default/nobody", ...folder)).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("the mesh knows no workload default/nobody: add a WorkloadEntry for it"),
  });
  expect(await identity("rotate", "--drop", ...folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no root is being retired"),
  });
  expect(await identity("rotate", "--drop", "--abort", ...folder)).toMatchObject({ code: 2 });
  expect(await identity("token", "default/echo-v1", "--ttl", "3d", ...folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("a token lives for 1m to 24h"),
  });
  const file = join(mesh.root, "wrong.token");
  await writeFile(file, "hello\n");
  expect(await identity("issue", ...atMachine("echo-v1"), "--token-file", file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("this is no token"),
  });
  expect(await identity("issue", ...atMachine("echo-v1"))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("give --token-file, or set WEFT_ENROLMENT_TOKEN"),
  });
  expect(await identity("show", "--dir", dirOf("nowhere"))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("the workload has no certificate yet"),
  });
  expect(await identity("show", "-f", mesh.root)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no control plane runs for"),
  });
});
