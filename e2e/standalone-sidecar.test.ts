import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { occupy } from "./support/ports.js";
import { processesOf } from "./support/processes.js";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { runWeft } from "./support/weft.js";

let mesh: MeshFolder;
let workloadDir: string;

beforeEach(async () => {
  mesh = await createMeshFolder();
  workloadDir = join(mesh.folder, ".weft", "workloads", "default.echo-v1");
  await rm(join(mesh.folder, "hello.yaml"));
});
afterEach(() => mesh.remove());

const sidecarOf = (workload: string, xds: string) => [
  ...["sidecar", "--dir", workloadDir, "--workload", workload],
  ...["--address", mesh.v1.address, "--xds", xds],
];

it("a sidecar that weft up could not start is started by hand, and joins the mesh", async () => {
  // The port is in use while the mesh starts, and free later.
  const { release } = await occupy(mesh.v1.address, 15090);
  const up = mesh.up();
  try {
    await up.printed(/^! sidecar default\/echo-v1 .*15090/);
  } finally {
    await release();
  }
  const [, xds = ""] = /xDS on (\S+),/.exec(await up.printed(/control-plane .*xDS on /)) ?? [];
  const sidecar = mesh.start(...sidecarOf("default/echo-v1", xds));
  await sidecar.printed(/sidecar ready/);
  const answer = await waitFor("an answer through it", () =>
    get(mesh.requestFrom(mesh.v1)).then(
      (found) => (found.status === 200 ? found : undefined),
      () => undefined,
    ),
  );
  expect(answer.body).toBe("v2");
  await up.printed(/ready .*2 workloads in sync/);

  sidecar.signal("SIGINT");
  expect(await sidecar.ended).toBe(0);
  expect(await processesOf(workloadDir)).toEqual([]);
});

it("one that runs already is not started again", async () => {
  const up = mesh.up();
  await up.printed(/ready .*2 workloads in sync/);
  const { code, stderr } = await runWeft(...sidecarOf("default/echo-v1", "127.0.0.1:1"));
  expect(code).toBe(1);
  expect(stderr).toContain(`process ${up.pid} runs this sidecar already`);
  expect((await get(mesh.requestFrom(mesh.v1))).body).toBe("v2");
});

it("wrong usage names the flag", async () => {
  expect((await runWeft(...sidecarOf("echo-v1", "127.0.0.1:1"))).stderr).toContain("--workload is <namespace>/<name>");
  expect((await runWeft(...sidecarOf("default/echo-v1", "here"))).stderr).toContain("--xds is <host>:<port>");
});
