import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bucketOf } from "../control-plane/src/model/rollout.js";
import type { RolloutListing } from "../control-plane/src/rollout-control.js";
import { createMeshFolder, type MeshFolder, type Place } from "./support/mesh-folder.js";
import { freePort } from "./support/ports.js";
import { kill, processesOf } from "./support/processes.js";
import { type Answer, get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { type RunningWeft, runWeft } from "./support/weft.js";

const GREETING = "plugins/hello/assembly/greeting.ts";
const INDEX = "plugins/hello/assembly/index.ts";
const PLUGIN_YAML = "mesh/hello.yaml";
const MANIFEST = "plugins/hello/plugin.yaml";
const PLUGIN = "default/hello";
const SERVICE_PORT = 8080;

const ON_RESPONSE = "onResponseHeaders(endOfStream: bool): Action {";
/** Passes every pre-flight, whose requests do not have the header. */
const TRAP = `onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-trap") != null) unreachable();
    return Action.Continue;
  }

  `;

/** Fails nobody's request, and counts. */
const COUNTS = `onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-fail") != null) failures.increment();
    return Action.Continue;
  }

  `;
const FAILURES = "metrics: [{ name: hello_failures_total, type: counter, countedBy: plugin, failure: true }]";

let mesh: MeshFolder;
let up: RunningWeft;
/** Name of a workload → where it is. */
let places: ReadonlyMap<string, Place>;
const loads: Load[] = [];

const ask = ({ address }: Place, headers: Readonly<Record<string, string>> = {}): Promise<Answer | undefined> =>
  get({ host: address, port: SERVICE_PORT, headers }).catch(() => undefined);
/** Waits until every workload's proxy answers with this greeting. */
const allGreet = (greeting: string) =>
  waitFor(
    `${greeting} from all`,
    async () => {
      const answers = await Promise.all([...places.values()].map((place) => ask(place)));
      return answers.every((answer) => answer?.headers["x-hello"] === `${greeting}, tester`) ? true : undefined;
    },
    { seen: () => up.output() },
  );

async function rollout(): Promise<RolloutListing | undefined> {
  const { stdout } = await runWeft("rollout", "status", "-f", mesh.folder, "-o", "json");
  return (JSON.parse(stdout || "[]") as RolloutListing[]).find(({ plugin }) => plugin === PLUGIN);
}
let last: RolloutListing | undefined;
const whenRollout = (what: string, check: (listing: RolloutListing) => boolean) =>
  waitFor(
    `the rollout to be ${what}`,
    async () => {
      const listing = await rollout();
      last = listing;
      return listing !== undefined && check(listing) ? listing : undefined;
    },
    { seen: () => `${up.output()}\n${JSON.stringify(last)}` },
  );

/** What each workload's proxy greeted with, in order, and what went wrong at it. */
interface Watched {
  readonly greetings: Map<string, string[]>;
  readonly faults: Map<string, string[]>;
}

/** Sends requests to every workload's proxy until the test ends. */
function watch(headers: Readonly<Record<string, string>> = {}): Watched {
  const watched: Watched = { greetings: new Map(), faults: new Map() };
  for (const [name, { address }] of places) {
    const greetings: string[] = [];
    const faults: string[] = [];
    watched.greetings.set(name, greetings);
    watched.faults.set(name, faults);
    const load = startLoad({ host: address, port: SERVICE_PORT, headers }, (answer) => {
      const greeting = /^(.*), tester$/.exec(`${answer.headers["x-hello"]}`)?.[1];
      if (answer.status !== 200 || greeting === undefined) {
        faults.push(`${answer.status} ${answer.headers["x-hello"]}`);
        return faults.at(-1);
      }
      if (greetings.at(-1) !== greeting) greetings.push(greeting);
      return undefined;
    });
    loads.push(load);
  }
  return watched;
}

const stopLoads = async () => {
  const stopped = loads.splice(0);
  await Promise.all(stopped.map((load) => load.stop()));
  return stopped;
};

/** Ends the control plane as a fault would, and waits for the next. */
async function killControlPlane(): Promise<void> {
  const begin = up.mark();
  const [controlPlane] = (await processesOf(mesh.root)).filter(({ command }) =>
    /^\S*node \S+ control-plane --folder/.test(command),
  );
  expect(controlPlane).toBeDefined();
  if (controlPlane !== undefined) kill(controlPlane.pid);
  await up.printed(/control-plane .*runs again/, begin);
}

beforeAll(async () => {
  mesh = await createMeshFolder();
  const block = mesh.v1.address.replace(/\d+$/, "");
  const v4 = { address: `${block}4`, appPort: await freePort() };
  await mesh.addWorkload("v3", mesh.v3);
  await mesh.addWorkload("v4", v4);
  places = new Map([
    ["echo-v1", mesh.v1],
    ["echo-v2", mesh.v2],
    ["echo-v3", mesh.v3],
    ["echo-v4", v4],
  ]);
  up = mesh.up("--plugins", mesh.pluginsDir);
  await up.printed(/ready .*4 workloads in sync/);
  await allGreet("hello");
  // Attached as it was, the plugin gets its steps; its version stays, so nothing moves.
  await mesh.edit(
    PLUGIN_YAML,
    "  imagePullPolicy",
    "  rollout: { steps: [{ weight: 25, pause: 1s }, { weight: 50, pause: 1s }] }\n  imagePullPolicy",
  );
});
afterEach(stopLoads);
afterAll(() => mesh?.remove());

describe("a rollout", () => {
  it("brings a good version to all proxies step by step, and fails no request", async () => {
    const begin = up.mark();
    const { greetings, faults } = watch();
    await mesh.edit(GREETING, '"hello"', '"welcome"');
    await up.printed(/applied .*plugin default\/hello .*step 1 of 2 \(weight 25\)/, begin);
    await up.printed(/applied .*plugin default\/hello .*step 2 of 2 \(weight 50\)/, begin);
    const done = await whenRollout("completed", ({ state }) => state === "Completed");
    await allGreet("welcome");
    expect(done.stable).toBe(done.digest);
    const stopped = await stopLoads();
    for (const [name, list] of greetings) expect(list, name).toEqual(["hello", "welcome"]);
    for (const [name, list] of faults) expect(list, name).toEqual([]);
    for (const { sent } of stopped) expect(sent).toBeGreaterThan(10);
  });

  it("takes a version that traps on real traffic back from its first step", async () => {
    const begin = up.mark();
    const { greetings, faults } = watch({ "x-trap": "now" });
    const mend = await mesh.edit(INDEX, ON_RESPONSE, TRAP + ON_RESPONSE);
    const back = await whenRollout("rolled back", ({ state }) => state === "RolledBack");
    await allGreet("welcome");
    expect(back).toMatchObject({ step: 1, steps: 2, weight: 25 });
    expect(back.message).toMatch(/its VM broke or was reloaded|requests failed with 5xx/);
    expect(back.stable).not.toBe(back.digest);
    expect(up.output().slice(begin)).not.toContain("step 2 of 2");

    const before = [...faults].map(([name, list]) => [name, list.length] as const);
    const sent = () => loads.reduce((sum, load) => sum + load.sent, 0);
    const mark = sent();
    await waitFor("more requests", () => (sent() > mark + 40 ? true : undefined));
    await stopLoads();
    expect([...faults].map(([name, list]) => [name, list.length])).toEqual(before);
    const inStep = (name: string) => bucketOf(PLUGIN, `default/${name}`) < back.limit;
    const failed = [...faults].filter(([, list]) => list.length > 0).map(([name]) => name);
    expect(failed).not.toEqual([]);
    expect(failed.filter((name) => !inStep(name))).toEqual([]);
    expect([...places.keys()].filter((name) => !inStep(name)).length).toBeGreaterThan(0);
    for (const [name, list] of greetings) expect(list, name).toEqual(["welcome"]);

    const status = await mesh.status("WasmPlugin", "hello");
    const degraded = status?.conditions.find(({ type }) => type === "Degraded");
    expect(degraded).toMatchObject({ status: "True", reason: "RolledBack" });
    const { stdout, code: exit } = await runWeft("rollout", "status", "hello", "-f", mesh.folder);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^PLUGIN +STATE +STEP/);
    expect(stdout).toMatch(/^default\/hello +RolledBack +1\/2 +25% /m);
    expect(stdout).toMatch(/^ {2}why: rolled back at step 1 of 2/m);
    await mend();
    await allGreet("welcome");
  });

  it("takes a version that counts failures of its own back from its first step, though all requests go well", async () => {
    const begin = up.mark();
    const before = await rollout();
    const { greetings, faults } = watch({ "x-fail": "now" });
    const mends = [
      // A manifest alone makes no other version.
      await mesh.edit(MANIFEST, "side: server", `side: server\n${FAILURES}`),
      await mesh.edit(INDEX, "{ Action, config,", "{ Action, config, Counter,"),
      await mesh.edit(INDEX, ON_RESPONSE, COUNTS + ON_RESPONSE),
      await mesh.edit(INDEX, "@config", 'const failures = new Counter("hello_failures_total");\n\n@config'),
    ];
    const back = await whenRollout(
      "rolled back",
      ({ state, version }) => state === "RolledBack" && version !== before?.version,
    );
    expect(back).toMatchObject({ step: 1, steps: 2, weight: 25 });
    expect(back.message).toMatch(
      /: it counted \d+ failures of its own in \d+ requests on default\/echo-v\d, where 0 are usual/,
    );
    expect(back.stable).not.toBe(back.digest);
    expect(up.output().slice(begin)).not.toContain("step 2 of 2");
    const stopped = await stopLoads();
    for (const [name, list] of faults) expect(list, name).toEqual([]);
    for (const [name, list] of greetings) expect(list.length, name).toBe(1);
    for (const { sent } of stopped) expect(sent).toBeGreaterThan(10);
    for (const mend of mends.reverse()) await mend();
    await whenRollout("over", ({ state }) => state !== "Progressing");
  });

  it("goes on where it was when the control plane is killed, and moves no proxy back", async () => {
    const shorten = await mesh.edit(PLUGIN_YAML, "pause: 1s }, {", "pause: 1h }, {");
    const { greetings, faults } = watch();
    await mesh.edit(GREETING, '"welcome"', '"good day"');
    const first = await whenRollout("in its pause", ({ message }) => message.startsWith("well so far"));
    expect(first).toMatchObject({ state: "Progressing", step: 1, phase: "observing" });
    await waitFor("the status to tell it", async () => {
      const status = await mesh.status("WasmPlugin", "hello");
      return status?.conditions.some(({ reason }) => reason === "RollingOut") ? true : undefined;
    });

    await killControlPlane();
    const again = await whenRollout("back in its pause", ({ message }) => message.startsWith("well so far"));
    expect(again).toMatchObject({ state: "Progressing", step: 1, limit: first.limit, version: first.version });

    await shorten();
    await whenRollout("completed", ({ state, version }) => state === "Completed" && version === first.version);
    await allGreet("good day");
    await stopLoads();
    for (const [name, list] of greetings) expect(list, name).toEqual(["welcome", "good day"]);
    for (const [name, list] of faults) expect(list, name).toEqual([]);
  });

  it("is paused, and aborted, by command", async () => {
    await mesh.edit(PLUGIN_YAML, "pause: 1s }, {", "pause: 1h }, {");
    const { greetings, faults } = watch();
    await mesh.edit(GREETING, '"good day"', '"ahoy"');
    await whenRollout("in its pause", ({ message }) => message.startsWith("well so far"));
    const weft = (action: string) => runWeft("rollout", action, "-f", mesh.folder);
    expect(await weft("pause")).toMatchObject({ code: 0, stdout: expect.stringContaining("stays at its step") });
    expect(await rollout()).toMatchObject({ state: "Paused", step: 1 });
    expect(await weft("resume")).toMatchObject({ code: 0, stdout: expect.stringContaining("goes on") });
    expect(await rollout()).toMatchObject({ state: "Progressing", step: 1 });
    expect(await weft("abort")).toMatchObject({ code: 0 });
    await allGreet("good day");
    expect(await rollout()).toMatchObject({ state: "Aborted", message: "aborted by hand" });
    const none = await weft("abort");
    expect([none.code, none.stderr]).toEqual([1, "weft: no rollout is under way\n"]);
    await stopLoads();
    for (const [name, list] of faults) expect(list, name).toEqual([]);
    expect([...greetings.values()].filter((list) => list.includes("ahoy")).length).toBeGreaterThan(0);
    expect([...greetings.values()].filter((list) => !list.includes("ahoy")).length).toBeGreaterThan(0);
  });

  it("takes a version that proxies refuse back from its first step", async () => {
    const begin = up.mark();
    const { greetings, faults } = watch();
    const before = await rollout();
    const mends = [
      await mesh.edit(INDEX, "HttpContext, register }", "HttpContext, node, registerRoot, RootContext }"),
      // The pre-flight's Envoy has no labels.
      await mesh.edit(
        INDEX,
        'register<Hello, Config>("hello");',
        'class Root extends RootContext<Config> {\n  onConfigure(): bool {\n    return node.label("app") != "echo";\n  }\n}\nregisterRoot<Hello, Root>("hello");',
      ),
    ];
    const back = await whenRollout(
      "rolled back",
      ({ state, version }) => state === "RolledBack" && version !== before?.version,
    );
    expect(back.message).toMatch(/^rolled back at step 1 of 2 \(weight 25\): default\/echo-v\d refused it: /);
    expect(up.output().slice(begin)).not.toContain("step 2 of 2");
    await stopLoads();
    for (const [name, list] of greetings) expect(list, name).toEqual(["good day"]);
    for (const [name, list] of faults) expect(list, name).toEqual([]);
    for (const mend of mends.reverse()) await mend();
    await allGreet("good day");
  });

  it("goes back also when the control plane was killed meanwhile, and stays back when it is killed again", async () => {
    const { greetings } = watch();
    await mesh.edit(INDEX, ON_RESPONSE, TRAP + ON_RESPONSE);
    const first = await whenRollout("in its pause", ({ message }) => message.startsWith("well so far"));
    await killControlPlane();
    await whenRollout("back in its pause", ({ message }) => message.startsWith("well so far"));
    watch({ "x-trap": "now" });
    const back = await whenRollout("rolled back", ({ state }) => state === "RolledBack");
    expect(back).toMatchObject({ step: 1, version: first.version });
    await waitFor("the status to tell it", async () => {
      const status = await mesh.status("WasmPlugin", "hello");
      return status?.conditions.some(({ reason }) => reason === "RolledBack") ? true : undefined;
    });
    await killControlPlane();
    await allGreet("good day");
    expect(await rollout()).toMatchObject({ state: "RolledBack", version: first.version, message: back.message });
    const { sent } = loads[0] ?? { sent: 0 };
    await waitFor("more requests", () => ((loads[0]?.sent ?? 0) > sent + 20 ? true : undefined));
    await stopLoads();
    // Those of the step had it once and no more; neither end of the control plane moved anybody.
    const once = ["good day", "ahoy", "good day"];
    for (const [name, list] of greetings) expect(list, name).toEqual(list.length > 1 ? once : ["good day"]);
  }, 300_000);
});

it("without a control plane the command says what to do", async () => {
  const { code, stderr } = await runWeft("rollout", "status", "-f", "examples/invalid");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^weft: no control plane runs for examples\/invalid; start one with weft up/);
});
