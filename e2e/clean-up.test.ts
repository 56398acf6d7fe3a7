import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { kill, processesOf } from "./support/processes.js";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import type { RunningWeft } from "./support/weft.js";

let mesh: MeshFolder;
let up: RunningWeft;

beforeEach(async () => {
  mesh = await createMeshFolder();
  await rm(join(mesh.folder, "hello.yaml"));
  up = mesh.up();
  await up.printed(/ready .*2 workloads in sync/);
});
afterEach(() => mesh.remove());

/** The process of the folder whose command line matches; exactly one has to. */
async function theProcess(command: RegExp, of = mesh.root): Promise<number> {
  const found = (await processesOf(of)).filter((candidate) => command.test(candidate.command));
  expect(found, String(command)).toHaveLength(1);
  return found[0]!.pid;
}

async function noProcessLeft(): Promise<void> {
  let left: string[] = [];
  await waitFor(
    "no process to be left",
    async () => {
      left = (await processesOf(mesh.root)).map(({ pid, command }) => `${pid} ${command}`);
      return left.length === 0 ? true : undefined;
    },
    { limitMs: 20_000, seen: () => left.join("\n") },
  );
}

async function answers(body: string): Promise<void> {
  await waitFor(`${body} to answer`, () =>
    get(mesh.requestFrom(mesh.v1)).then(
      (answer) => (`${answer.status} ${answer.body}` === `200 ${body}` ? true : undefined),
      () => undefined,
    ),
  );
}

it("Ctrl-C ends all of it", async () => {
  // weft, the control plane, two apps, two Envoys under func-e, and their guards.
  expect((await processesOf(mesh.root)).length).toBeGreaterThanOrEqual(8);
  up.signal("SIGINT");
  expect(await up.ended).toBe(0);
  await noProcessLeft();
});

it("after kill -9 nothing is left, and the next start works", async () => {
  up.signal("SIGKILL");
  await up.ended;
  await noProcessLeft();
  const next = mesh.up();
  await next.printed(/ready .*2 workloads in sync/);
  await answers("v2");
});

it("a control plane that dies is started again, also when it dies while it starts; requests do not notice", async () => {
  const CONTROL_PLANE = /^\S*node \S+ control-plane --folder/;
  const begin = up.mark();
  const first = await theProcess(CONTROL_PLANE);
  kill(first);
  await up.printed(/^! control-plane .*ended .*starting it again/, begin);
  expect((await get(mesh.requestFrom(mesh.v1))).body).toBe("v2");
  const second = await waitFor("the next control plane", async () =>
    (await processesOf(mesh.root)).find(({ pid, command }) => pid !== first && CONTROL_PLANE.test(command)),
  );
  kill(second.pid);
  await up.printed(/control-plane .*runs again/, begin);
  // Only what is connected gets this.
  await mesh.edit("mesh/traffic.yaml", "subset: v2 }\n          weight", "subset: v1 }\n          weight");
  await answers("v1");
});

it("an Envoy that dies is started again", async () => {
  const workload = join(mesh.folder, ".weft", "workloads", "default.echo-v2");
  const ENVOY = /^\S*envoy .*-c bootstrap\.json/;
  const begin = up.mark();
  const first = await theProcess(ENVOY, workload);
  kill(first);
  await up.printed(/^! sidecar default\/echo-v2 .*Envoy ended with code .*started again/, begin);
  await answers("v2");
  expect(await theProcess(ENVOY, workload)).not.toBe(first);
});
