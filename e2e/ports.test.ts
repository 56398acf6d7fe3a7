import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { type Occupied, occupy } from "./support/ports.js";
import { processesOf } from "./support/processes.js";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { runWeft } from "./support/weft.js";

let mesh: MeshFolder;
let occupied: Occupied[];
const take = async (host: string, port: number) => {
  occupied.push(await occupy(host, port));
};

beforeEach(async () => {
  occupied = [];
  mesh = await createMeshFolder();
  await rm(join(mesh.folder, "hello.yaml"));
});
afterEach(async () => {
  await mesh.remove();
  for (const { release } of occupied) await release();
});

it("without the registry's port nothing can run, and the error says who wants it", async () => {
  await take("127.0.0.1", mesh.registryPort);
  const { code, stderr } = await runWeft("up", mesh.folder, "--registry-port", String(mesh.registryPort));
  expect(code).toBe(1);
  expect(stderr).toContain(`port ${mesh.registryPort} of 127.0.0.1 is in use, and the embedded registry wants it`);
  expect(stderr).toContain("end what listens there");
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(await processesOf(mesh.root)).toEqual([]);
});

it("ports that an app and sidecars want are named with who wants them, and what else there is goes on", async () => {
  const { v1, v2, v3 } = mesh;
  await mesh.addWorkload("v3", v3);
  await take("127.0.0.1", v1.appPort);
  await take(v1.address, 15090);
  await take(v3.address, 8080);
  const up = mesh.up();
  await up.printed(new RegExp(`^! app default/echo-v1 .*port ${v1.appPort} of 127.0.0.1 is in use, and the app of `));
  await up.printed(
    new RegExp(`^! sidecar default/echo-v1 .*wants ${v1.address}:15090 for its metrics, but a process listens there`),
  );
  await up.printed(
    new RegExp(`^! sidecar default/echo-v3 .*wants ${v3.address}:8080 for its listener .*a process listens there`),
  );
  const answer = await waitFor("the other workload to answer", () =>
    get(mesh.requestFrom(v2)).then(
      (found) => (found.status === 200 ? found : undefined),
      () => undefined,
    ),
  );
  expect(answer.body).toBe("v2");
});

it("a folder is run once at a time", async () => {
  const first = mesh.up();
  await first.printed(/ready .*2 workloads in sync/);
  const second = await runWeft("up", mesh.folder, "--registry-port", "0");
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`process ${first.pid} already runs this folder; end it first`);
  const answer = await get(mesh.requestFrom(mesh.v1));
  expect(`${answer.status} ${answer.body}`).toBe("200 v2");
  await mesh.edit("mesh/traffic.yaml", "subset: v2 }\n          weight", "subset: v1 }\n          weight");
  await waitFor("the first to take a change", async () =>
    (await get(mesh.requestFrom(mesh.v1))).body === "v1" ? true : undefined,
  );
});
