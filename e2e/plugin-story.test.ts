import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createMeshFolder, type MeshFolder, type Place } from "./support/mesh-folder.js";
import { freePort } from "./support/ports.js";
import { get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { runWeft } from "./support/weft.js";

// A plugin's way from its source to the fleet, and the way back of a version that does harm. Every step is a command.
let mesh: MeshFolder;
let source: string;
let image: string;
let keys: string;
let places: readonly Place[];
const loads: Load[] = [];

beforeAll(async () => {
  vi.stubEnv("COSIGN_PASSWORD", "correct horse");
  mesh = await createMeshFolder();
  source = join(mesh.pluginsDir, "hello");
  image = `127.0.0.1:${mesh.registryPort}/team/hello:1`;
  keys = join(mesh.root, "release");
  await writeFile(join(mesh.folder, "hello.yaml"), "");
  const v4 = { address: mesh.v1.address.replace(/\d+$/, "4"), appPort: await freePort() };
  await mesh.addWorkload("v3", mesh.v3);
  await mesh.addWorkload("v4", v4);
  places = [mesh.v1, mesh.v2, mesh.v3, v4];
  await mesh.up().printed(/ready .*4 workloads in sync/);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all(loads.map((load) => load.stop()));
  await mesh?.remove();
});

/** Runs a command that must succeed; what it printed. */
async function weft(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runWeft(...args);
  expect([code, stderr], `weft ${args.join(" ")}`).toEqual([0, expect.any(String)]);
  return stdout;
}

const plainHttp = () => ["--plain-http", `127.0.0.1:${mesh.registryPort}`];

/** What an author does for a release. */
async function release(): Promise<void> {
  await weft("plugin", "build", source);
  await weft("plugin", "push", source, image, ...plainHttp());
  await weft("plugin", "sign", image, "--key", `${keys}.key`, ...plainHttp());
}

const greetings = () =>
  Promise.all(
    places.map(({ address }) =>
      get({ host: address, port: 8080 }).then(
        ({ headers }) => headers["x-hello"],
        () => undefined,
      ),
    ),
  );
const allGreet = (greeting: string) =>
  waitFor(`${greeting} from all`, async () =>
    (await greetings()).every((seen) => seen === `${greeting}, mesh`) ? true : undefined,
  );

it("an author makes a key pair, builds, pushes and signs; anybody can verify", async () => {
  await weft("plugin", "generate-key-pair", "--output-prefix", keys);
  await release();
  expect(await weft("plugin", "verify", image, "--key", `${keys}.pub`, ...plainHttp())).toContain("sha256:");
});

it("an operator attaches it: signed by that key only, and new versions step by step", async () => {
  const pem = (await readFile(`${keys}.pub`, "utf8")).trimEnd().replaceAll("\n", "\n          ");
  await writeFile(
    join(mesh.folder, "hello.yaml"),
    `apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: hello }
spec:
  url: oci://${image}
  imagePullPolicy: Always
  selector: { matchLabels: { app: echo } }
  verification:
    keys:
      - pem: |
          ${pem}
  rollout:
    steps:
      - { weight: 25, pause: 1s }
      - { weight: 50, pause: 1s }
`,
  );
  await allGreet("hello");
  expect(await weft("status", "plugins", "-f", mesh.folder)).toMatch(/^default\/hello /m);
});

it("a good version reaches all of them", async () => {
  await mesh.edit("plugins/hello/assembly/greeting.ts", '"hello"', '"welcome"');
  await release();
  await allGreet("welcome");
  await waitFor("the rollout to end", async () =>
    (await weft("rollout", "status", "hello", "-f", mesh.folder)).includes("Completed") ? true : undefined,
  );
});

it("a version that nobody signed reaches none", async () => {
  await mesh.edit("plugins/hello/assembly/greeting.ts", '"welcome"', '"unsigned"');
  await weft("plugin", "push", source, image, ...plainHttp());
  await waitFor("the status to say so", async () => {
    const status = await mesh.status("WasmPlugin", "hello");
    return status?.conditions.some(({ type, reason }) => type === "Verified" && reason === "NoSignature")
      ? true
      : undefined;
  });
  expect(new Set(await greetings())).toEqual(new Set(["welcome, mesh"]));
  await mesh.edit("plugins/hello/assembly/greeting.ts", '"unsigned"', '"welcome"');
});

it("a version that breaks on real traffic goes back by itself, and the status says why", async () => {
  const hook = "onResponseHeaders(endOfStream: bool): Action {";
  const trap = `onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-rare") != null) unreachable();
    return Action.Continue;
  }

  `;
  await mesh.edit("plugins/hello/assembly/index.ts", hook, trap + hook);
  // The requests that no pre-flight thought of.
  for (const { address } of places)
    loads.push(startLoad({ host: address, port: 8080, headers: { "x-rare": "1" } }, () => undefined));
  await release();
  const listing = await waitFor("the rollout to go back", async () => {
    const text = await weft("rollout", "status", "hello", "-f", mesh.folder);
    return text.includes("RolledBack") ? text : undefined;
  });
  expect(listing).toMatch(/^default\/hello +RolledBack +1\/2 /m);
  expect(listing).toMatch(/why: rolled back at step 1 of 2/);
  await allGreet("welcome");
  expect(await weft("status", "plugins", "-f", mesh.folder)).toMatch(/rolled back at step 1/i);
});

it("what happened to it can be read afterwards", async () => {
  const story = await weft("status", "plugins", "--events", "-f", mesh.folder);
  expect(story).toMatch(/^LAST SEEN +TYPE +REASON +PLUGIN +COUNT +MESSAGE$/m);
  const reasons = [...story.matchAll(/^\S+Z +(?:Normal|Warning) +(\w+) +default\/hello /gm)].map(
    ([, reason]) => reason,
  );
  for (const reason of ["Pulled", "Verified", "Validated", "Programmed", "RolloutStep", "RolloutCompleted", "Refused"])
    expect(reasons, story).toContain(reason);
  expect(story).toMatch(/ Warning +Refused .* NoSignature: /);
  expect(story).toMatch(/ Warning +RolledBack .* rolled back at step 1 of 2/);
  const data = JSON.parse(await weft("status", "plugins", "--events", "-f", mesh.folder, "-o", "json"));
  expect(data.events).toHaveLength(reasons.length);
});
