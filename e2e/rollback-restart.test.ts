import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import type { RolloutListing } from "../control-plane/src/rollout-control.js";
import { createMeshFolder, type MeshFolder } from "./support/mesh-folder.js";
import { get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { ROOT, type RunningWeft, runWeft } from "./support/weft.js";

const GREETING = "plugins/hello/assembly/greeting.ts";
const INDEX = "plugins/hello/assembly/index.ts";
const ON_RESPONSE = "onResponseHeaders(endOfStream: bool): Action {";
const TRAP = `onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-trap") != null) unreachable();
    return Action.Continue;
  }

  `;

let mesh: MeshFolder | undefined;
const loads: Load[] = [];
const KILL = ["NODE_OPTIONS", "WEFT_TEST_KILL_AT", "WEFT_TEST_KILL_TEXT", "WEFT_TEST_KILL_MARK"] as const;
const environment = new Map(KILL.map((name) => [name, process.env[name]]));

afterEach(async () => {
  for (const [name, value] of environment) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await Promise.all(loads.splice(0).map((load) => load.stop()));
  await mesh?.remove();
  mesh = undefined;
});

/** What a control plane that is started from now on ends at. */
function killAt(when: "before" | "after", mark: string): void {
  process.env.NODE_OPTIONS = `--import ${pathToFileURL(join(ROOT, "e2e", "support", "kill-at.mjs")).href}`;
  process.env.WEFT_TEST_KILL_AT = when;
  process.env.WEFT_TEST_KILL_TEXT = "state: RolledBack";
  process.env.WEFT_TEST_KILL_MARK = mark;
}

async function listing(folder: string): Promise<RolloutListing | undefined> {
  const { stdout } = await runWeft("rollout", "status", "-f", folder, "-o", "json");
  return (JSON.parse(stdout || "[]") as RolloutListing[])[0];
}

async function whenRollout(up: RunningWeft, folder: string, check: (listing: RolloutListing) => boolean) {
  let seen: RolloutListing | undefined;
  return waitFor(
    "the rollout",
    async () => {
      seen = await listing(folder);
      return seen !== undefined && check(seen) ? seen : undefined;
    },
    { seen: () => `${up.output()}\n${JSON.stringify(seen)}` },
  );
}

describe("a control plane that is killed in the middle of a rollback", () => {
  it.each([
    ["between the decision and what it writes of it", "before"],
    ["between what it writes and what it pushes", "after"],
  ] as const)("%s ends it the next time, and nobody gets the bad version anew", async (_name, when) => {
    mesh = await createMeshFolder();
    const { folder, v1, v2, v3 } = mesh;
    const mark = join(mesh.root, "killed");
    killAt(when, mark);
    await mesh.addWorkload("v3", v3);
    const places = [v1, v2, v3];
    const up = mesh.up("--plugins", mesh.pluginsDir);
    await up.printed(/ready .*3 workloads in sync/);

    const ask = async (address: string): Promise<string | undefined> => {
      const answer = await get({ host: address, port: 8080 }).catch(() => undefined);
      return /^(.*), tester$/.exec(`${answer?.headers["x-hello"]}`)?.[1];
    };
    const allGreet = (greeting: string) =>
      waitFor(
        `${greeting} from all`,
        async () => {
          const seen = await Promise.all(places.map(({ address }) => ask(address)));
          return seen.every((one) => one === greeting) ? true : undefined;
        },
        { seen: () => up.output() },
      );
    await allGreet("hello");
    await mesh.edit(
      "mesh/hello.yaml",
      "  imagePullPolicy",
      "  rollout: { steps: [{ weight: 30, pause: 1h }] }\n  imagePullPolicy",
    );
    // Two bad versions; the second has another greeting, by which it is seen, and takes the place of the first.
    await mesh.edit(INDEX, ON_RESPONSE, TRAP + ON_RESPONSE);
    await whenRollout(up, folder, ({ message }) => message.startsWith("well so far"));
    await mesh.edit(GREETING, '"hello"', '"ahoy"');
    await whenRollout(up, folder, ({ message, state }) => state === "Progressing" && message.startsWith("well so far"));
    await waitFor("the bad version in its step", async () => {
      const seen = await Promise.all(places.map(({ address }) => ask(address)));
      return seen.includes("ahoy") ? true : undefined;
    });

    const greetings = places.map(() => [] as string[]);
    for (const [index, { address }] of places.entries())
      loads.push(
        startLoad({ host: address, port: 8080 }, ({ headers }) => {
          const list = greetings[index] ?? [];
          const greeting = /^(.*), tester$/.exec(`${headers["x-hello"]}`)?.[1];
          if (greeting !== undefined && list.at(-1) !== greeting) list.push(greeting);
          return undefined;
        }),
      );
    const begin = up.mark();
    for (const { address } of places)
      loads.push(startLoad({ host: address, port: 8080, headers: { "x-trap": "now" } }, () => undefined));
    await up.printed(/control-plane .*runs again/, begin);
    await whenRollout(up, folder, ({ state }) => state === "RolledBack");
    await allGreet("hello");
    const sent = () => loads.reduce((sum, load) => sum + load.sent, 0);
    const mark2 = sent();
    await waitFor("more requests", () => (sent() > mark2 + 60 ? true : undefined));
    await Promise.all(loads.splice(0).map((load) => load.stop()));
    for (const list of greetings) expect(["hello", "ahoy,hello"]).toContain(list.join());
    expect(greetings.map((list) => list.join())).toContain("ahoy,hello");
    const status = await mesh.status("WasmPlugin", "hello");
    expect(status?.conditions.find(({ type }) => type === "Degraded")).toMatchObject({ reason: "RolledBack" });
    await rm(mark);
  });
});
