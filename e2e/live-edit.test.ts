import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { processesOf } from "./support/processes.js";
import { type Answer, get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import type { RunningWeft } from "./support/weft.js";

const GREETING = "plugins/hello/assembly/greeting.ts";

let mesh: MeshFolder;
let up: RunningWeft;

/** Asks as the app of echo-v1 would; undefined when no answer comes. */
const ask = (): Promise<Answer | undefined> => get(mesh.requestFrom(mesh.v1)).catch(() => undefined);
const hello = (greeting: string) =>
  waitFor(`x-hello: ${greeting}`, async () => ((await ask())?.headers["x-hello"] === greeting ? true : undefined), {
    seen: () => up.output(),
  });

beforeAll(async () => {
  mesh = await createMeshFolder();
  up = mesh.up("--plugins", mesh.pluginsDir);
  await up.printed(/ready .*2 workloads in sync/);
  await hello("hello, tester");
});
afterAll(() => mesh?.remove());

describe("while the mesh runs", () => {
  let load: Load;
  beforeAll(() => {
    load = startLoad(mesh.requestFrom(mesh.v1), ({ status, headers }) =>
      status === 200 && /^(hello|welcome|good day), tester$/.test(`${headers["x-hello"]}`)
        ? undefined
        : `${status} ${headers["x-hello"]}`,
    );
  });
  afterAll(() => load?.stop());

  it("a constant that is changed in a plugin's source shows in the next responses", async () => {
    const begin = up.mark();
    await mesh.edit(GREETING, '"hello"', '"welcome"');
    await hello("welcome, tester");
    // What changed, on how many proxies, in how many milliseconds.
    await up.printed(/applied .*plugin default\/hello .*: 2 proxies in \d+ ms/, begin);
  });

  it("a plugin that does not compile leaves the old one in force and asc's message in the terminal", async () => {
    const begin = up.mark();
    const mend = await mesh.edit(GREETING, "return GREETING", "return GREETIN");
    await up.printed(/^! plugin .*hello does not compile; what was pushed before stays/, begin);
    const message = await up.printed(/GREETIN/, begin);
    expect(message).toMatch(/greeting\.ts:5/);
    expect(message).toContain("Cannot find name 'GREETIN'");
    await hello("welcome, tester");
    await mend();
    await mesh.edit(GREETING, '"welcome"', '"good day"');
    await hello("good day, tester");
  });

  it("no request went without the plugin meanwhile", async () => {
    expect(load.sent).toBeGreaterThan(20);
    expect(load.faults).toEqual([]);
  });
});

it("a workload that is added gets a sidecar and requests; one that is removed loses both", async () => {
  const sidecar = join(mesh.folder, ".weft", "workloads", "default.echo-v3");
  const mend = await mesh.edit("mesh/traffic.yaml", "subset: v2 }\n          weight", "subset: v3 }\n          weight");
  await mesh.edit("mesh/traffic.yaml", "  subsets:\n", "  subsets:\n    - { name: v3, labels: { version: v3 } }\n");
  await mesh.addWorkload("v3", mesh.v3);
  await waitFor("v3 to answer", async () => {
    const answer = await ask();
    return answer?.body === "v3" && `${answer.headers["x-hello"]}`.endsWith(", tester") ? true : undefined;
  });
  expect(await processesOf(sidecar)).not.toEqual([]);

  await mend();
  await waitFor("v2 to answer", async () => ((await ask())?.body === "v2" ? true : undefined));
  const begin = up.mark();
  await rm(join(mesh.folder, "echo-v3.yaml"));
  await up.printed(/workload .*default\/echo-v3 is gone; its sidecar ends when its callers know/, begin);
  await waitFor("the sidecar to end", async () => ((await processesOf(sidecar)).length === 0 ? true : undefined));
  await waitFor("the app to end", async () =>
    (await processesOf(mesh.root)).some(({ command }) => command.endsWith("app.mjs v3")) ? undefined : true,
  );
  expect((await ask())?.body).toBe("v2");
});
