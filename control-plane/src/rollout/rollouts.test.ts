import { afterEach, describe, expect, it, vi } from "vitest";
import { mkServed } from "../../../test/builders.js";
import { type ModuleState, type ServedPlugin, servedPlugin } from "../model/module-state.js";
import { bucketOf, hasCandidate, type RolloutPlan, type RolloutReport, servedTo } from "../model/rollout.js";
import { createRollouts, type Rollouts } from "./rollouts.js";

const KEY = "default/p";
const POLL_MS = 1;
const LIMIT = { timeout: 20_000, interval: 2 };
const PLAN: RolloutPlan = {
  steps: [
    { weight: 25, pauseMs: 20 },
    { weight: 50, pauseMs: 20 },
  ],
  maxFailures: { kind: "fraction", fraction: 0.05 },
};
const PROXIES = Array.from({ length: 8 }, (_, i) => `default/w${i}`);
/** Half of the proxies have what is on its way with this limit. */
const HALF = [...PROXIES].map((key) => bucketOf(KEY, key)).sort((a, b) => a - b)[PROXIES.length / 2] ?? 0;
const [v1, v2, v3] = ["v1", "v2", "v3"].map((version) => mkServed("p", { version, digest: `sha256:${version}` })) as [
  ServedPlugin,
  ServedPlugin,
  ServedPlugin,
];
const ready = (served: ServedPlugin): ModuleState => ({ kind: "ready", served });

interface WorldOptions {
  readonly plan?: RolloutPlan | undefined;
  readonly remembered?: ReadonlyMap<string, RolloutReport>;
  /** 5xx of each 100 requests with a version. */
  readonly errorRate?: (version: string | undefined) => number;
  readonly unreadable?: (proxyKey: string) => boolean;
  readonly connected?: () => readonly string[];
  /** Whatever is written, before a version is taken back. */
  readonly remember?: (world: Written) => Promise<void>;
}

interface Written {
  readonly rejected: ReadonlyMap<string, string>;
  readonly rollouts: Rollouts;
  readonly state: ModuleState | undefined;
  readonly report: () => RolloutReport | undefined;
}

/** A mesh of values around rollouts: proxies that acknowledge at once, and count requests whenever they are read. */
function createWorld({
  plan = PLAN,
  remembered = new Map(),
  errorRate = () => 0,
  unreadable = () => false,
  connected = () => PROXIES,
  remember = async () => {},
}: WorldOptions = {}) {
  const world = {
    plan: plan as RolloutPlan | undefined,
    state: undefined as ModuleState | undefined,
    rejected: new Map<string, string>(),
    events: [] as string[],
    isRegistryDown: false,
    reads: [] as string[],
    /** Every version that a proxy was given, in order. */
    given: new Map<string, string[]>(),
    rollouts: undefined as unknown as Rollouts,
    prove: (state: ModuleState | undefined) => {
      apply(world.rollouts.take(new Map([[KEY, state]])));
    },
    versions: () => PROXIES.map((key) => servedTo(world.state, KEY, key)?.version),
    report: () => world.rollouts.report(KEY),
  };
  const counted = new Map<string, { requests: number; errors: number }>();
  const apply = (states: ReadonlyMap<string, ModuleState | undefined>) => {
    world.state = states.get(KEY);
    for (const key of PROXIES) {
      const version = servedTo(world.state, KEY, key)?.version ?? "none";
      const before = world.given.get(key) ?? [];
      if (before.at(-1) !== version) world.given.set(key, [...before, version]);
    }
  };
  world.rollouts = createRollouts({
    remembered,
    plan: () => world.plan,
    proxies: () =>
      connected().map((key) => ({
        key,
        acked: true,
        site: { filterName: "default.p", managers: ["inbound_1"], failureSeries: [] },
      })),
    readHealth: async (proxyKey) => {
      world.reads.push(proxyKey);
      if (unreadable(proxyKey)) throw new Error("connection refused");
      const { requests, errors } = counted.get(proxyKey) ?? { requests: 0, errors: 0 };
      const failed = errorRate(servedTo(world.state, KEY, proxyKey)?.version);
      const now = { requests: requests + 100, errors: errors + failed };
      counted.set(proxyKey, now);
      return new Map([
        ["http.inbound_1.downstream_rq_completed", now.requests],
        ["http.inbound_1.downstream_rq_5xx", now.errors],
      ]);
    },
    fetchBytes: async (_plugin, served) => {
      if (world.isRegistryDown) throw new Error("registry away");
      return served.version === "v1" ? v1.wasm : undefined;
    },
    isRejected: (_plugin, version) => world.rejected.has(version),
    reject: (_plugin, version, message) => {
      world.rejected.set(version, message);
      // As the modules do: the version is not the wanted one any more.
      world.prove({
        kind: "failed",
        failure: { stage: "Validated", reason: "RejectedByProxy", message },
        digest: `sha256:${version}`,
        lastGood: v1,
      });
    },
    onChange: apply,
    onReport: () => {},
    remember: () => remember(world),
    onEvent: (_level, message) => world.events.push(message),
    pollMs: POLL_MS,
  });
  worlds.push(world.rollouts);
  return world;
}

const worlds: Rollouts[] = [];
afterEach(() => {
  for (const rollouts of worlds.splice(0)) rollouts.close();
});

const until = (check: () => void) => vi.waitFor(check, LIMIT);
const all = (version: string) => PROXIES.map(() => version);

describe("rollouts", () => {
  it("bring a good version to all proxies, step by step", async () => {
    const world = createWorld();
    world.prove(ready(v1));
    expect(world.versions()).toEqual(all("v1"));
    expect(world.report()).toMatchObject({ state: "Completed", version: "v1" });
    expect(world.report()?.message).toContain("the first version");
    world.prove(ready(v2));
    expect(world.versions()).toEqual(all("v1"));
    await until(() => expect(world.report()?.state).toBe("Completed"));
    expect(world.versions()).toEqual(all("v2"));
    expect(world.state?.rollout).toBeUndefined();
    for (const key of PROXIES) expect(world.given.get(key)).toEqual(["v1", "v2"]);
    expect(world.rejected.size).toBe(0);
  });

  it("take a bad version back from the first step, and never try it again", async () => {
    const world = createWorld({ errorRate: (version) => (version === "v2" ? 50 : 1) });
    world.prove(ready(v1));
    world.prove(ready(v2));
    await until(() => expect(world.report()?.state).toBe("RolledBack"));
    await until(() => expect(world.versions()).toEqual(all("v1")));
    expect([...world.rejected.keys()]).toEqual(["v2"]);
    expect(world.report()).toMatchObject({ step: 1, steps: 2, weight: 25, version: "v2" });
    expect(world.report()?.message).toMatch(/^rolled back at step 1 of 2 \(weight 25\): .* requests failed with 5xx/);
    const limit = world.report()?.limit ?? 0;
    const first = PROXIES.filter((key) => bucketOf(KEY, key) < limit);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(PROXIES.length);
    for (const key of PROXIES) expect(world.given.get(key)).toEqual(first.includes(key) ? ["v1", "v2", "v1"] : ["v1"]);
  });

  it("take it back when a proxy of the step refuses it, and not when another does", async () => {
    const world = createWorld({ plan: { ...PLAN, steps: [{ weight: 25, pauseMs: 3_600_000 }] } });
    world.prove(ready(v1));
    world.prove(ready(v2));
    await until(() => expect(world.report()).toMatchObject({ phase: "observing" }));
    const has = (key: string) => hasCandidate(world.state, KEY, key);
    world.rollouts.refused(KEY, PROXIES.find((key) => !has(key)) ?? "", "no");
    expect(world.report()?.state).toBe("Progressing");
    world.rollouts.refused(KEY, PROXIES.find(has) ?? "", "Unable to create");
    expect(world.report()?.state).toBe("RolledBack");
    await until(() => expect(world.versions()).toEqual(all("v1")));
    expect(world.rejected.get("v2")).toContain("refused it: Unable to create");
  });

  it("stop where health cannot be read, give nobody the version, and take nothing back", async () => {
    const world = createWorld({ unreadable: () => true });
    world.prove(ready(v1));
    world.prove(ready(v2));
    await until(() => expect(world.report()?.message).toContain("cannot be read: default/w"));
    expect(world.report()).toMatchObject({ state: "Progressing", phase: "preparing", limit: 0 });
    expect(world.versions()).toEqual(all("v1"));
    expect(world.rejected.size).toBe(0);
  });

  it("ask only the proxies of the step, as many others, and nobody without a rollout", async () => {
    const world = createWorld({ plan: { ...PLAN, steps: [{ weight: 1, pauseMs: 3_600_000 }] } });
    world.prove(ready(v1));
    world.prove(ready(v2));
    await until(() => expect(world.reads.length).toBeGreaterThan(6));
    expect(new Set(world.reads).size).toBe(2);
    world.rollouts.abort(KEY);
    // What was begun before may still end.
    const asked = world.reads.length + 2;
    await new Promise((done) => setTimeout(done, 20 * POLL_MS));
    expect(world.reads.length).toBeLessThanOrEqual(asked);
  });

  it("replace the version on its way by a newer one, from the first step on", async () => {
    const world = createWorld({ plan: { ...PLAN, steps: [{ weight: 50, pauseMs: 3_600_000 }] } });
    world.prove(ready(v1));
    world.prove(ready(v2));
    await until(() => expect(world.versions()).toContain("v2"));
    world.prove(ready(v3));
    expect(world.versions()).toEqual(all("v1"));
    await until(() => expect(world.versions()).toContain("v3"));
    expect(world.versions()).not.toContain("v2");
    expect(world.report()).toMatchObject({ version: "v3", step: 1 });
  });

  it("end when the version in force is wanted again, or the plan goes, or the plugin", async () => {
    const plan = { ...PLAN, steps: [{ weight: 50, pauseMs: 3_600_000 }] };
    for (const end of ["back", "no plan", "deleted"] as const) {
      const world = createWorld({ plan });
      world.prove(ready(v1));
      world.prove(ready(v2));
      await until(() => expect(world.versions()).toContain("v2"));
      if (end === "no plan") world.plan = undefined;
      world.prove({ back: ready(v1), "no plan": ready(v2), deleted: undefined }[end]);
      expect(world.versions()).toEqual(
        { back: all("v1"), "no plan": all("v2"), deleted: all("x").map(() => undefined) }[end],
      );
      expect(world.report()).toBeUndefined();
    }
  });

  it("are paused, go on, and are aborted by hand", async () => {
    const world = createWorld();
    const { rollouts } = world;
    expect(rollouts.pause(KEY)).toEqual({ ok: false, message: `no version of WasmPlugin ${KEY} is being rolled out` });
    world.prove(ready(v1));
    world.prove(ready(v2));
    expect(rollouts.pause(KEY).ok).toBe(true);
    await until(() => expect(world.report()?.message).toMatch(/weft rollout resume/));
    expect(world.report()?.state).toBe("Paused");
    expect(rollouts.resume(KEY).ok).toBe(true);
    await until(() => expect(world.report()?.state).toBe("Completed"));
    world.prove(ready(v3));
    expect(rollouts.abort(KEY).ok).toBe(true);
    expect(world.report()).toMatchObject({ state: "Aborted", version: "v3", message: "aborted by hand" });
    expect(rollouts.abort(KEY).ok).toBe(false);
    await until(() => expect(world.rejected.get("v3")).toBe("aborted by hand"));
    expect(world.versions()).toEqual(all("v2"));
    expect(rollouts.abort(KEY).ok).toBe(false);
  });
});

describe("after a restart of the control plane", () => {
  const remembered = (over: Partial<RolloutReport> = {}): ReadonlyMap<string, RolloutReport> =>
    new Map([
      [
        KEY,
        {
          state: "Progressing",
          phase: "observing",
          step: 1,
          steps: 2,
          weight: 25,
          limit: HALF,
          since: "2026-01-01T00:00:00.000Z",
          message: "well so far",
          version: "v2",
          digest: "sha256:v2",
          candidate: v2,
          ...over,
        },
      ],
    ]);
  const pending: ModuleState = { kind: "pending", message: "waiting for the registry", lastGood: v1 };

  it("proxies stay where they are, and the rollout goes on from its step", async () => {
    const world = createWorld({ remembered: remembered() });
    world.prove(pending);
    const before = world.versions();
    expect(new Set(before)).toEqual(new Set(["v1", "v2"]));
    world.prove(ready(v2));
    expect(world.versions()).toEqual(before);
    await until(() => expect(world.report()?.state).toBe("Completed"));
    for (const key of PROXIES) expect(world.given.get(key)?.filter((v) => v === "v1").length).toBeLessThanOrEqual(1);
  });

  it("it waits for proxies to come back", async () => {
    let connected: readonly string[] = [];
    const world = createWorld({ remembered: remembered(), connected: () => connected });
    world.prove(pending);
    world.prove(ready(v2));
    await until(() => expect(world.report()?.message).toContain("no proxy of the step is connected"));
    connected = PROXIES;
    await until(() => expect(world.report()?.state).toBe("Completed"));
  });

  it("it is held while the registry is away, and still taken back when the version does harm", async () => {
    let isBad = false;
    const world = createWorld({ remembered: remembered(), errorRate: (v) => (isBad && v === "v2" ? 50 : 0) });
    world.prove(pending);
    world.prove({
      kind: "failed",
      failure: { stage: "Resolved", reason: "Unreachable", message: "x", nextAttempt: "soon" },
      lastGood: v1,
    });
    await until(() => expect(world.report()?.message).toContain("not usable (Unreachable)"));
    isBad = true;
    await until(() => expect(world.report()?.state).toBe("RolledBack"));
    await until(() => expect(world.versions()).toEqual(all("v1")));
  });

  it("the bytes of the version in force are got for new proxies, where only its status is known", async () => {
    const { wasm: _, ...bare } = v1;
    const world = createWorld({ remembered: remembered({ state: "Paused" }) });
    world.isRegistryDown = true;
    world.prove({ ...pending, lastGood: bare });
    world.prove(ready(v2));
    await until(() => expect(world.events.join()).toContain("cannot be had for new proxies: registry away"));
    expect(servedPlugin(world.state)?.wasm).toBeUndefined();
    world.isRegistryDown = false;
    await until(() => expect(servedPlugin(world.state)?.wasm).toBe(v1.wasm));
    expect(servedPlugin(world.state)?.version).toBe("v1");
  });

  it("a paused one stays paused", async () => {
    const world = createWorld({ remembered: remembered({ state: "Paused" }) });
    world.prove(pending);
    world.prove(ready(v2));
    await until(() => expect(world.report()?.message).toContain("paused by hand"));
    expect(world.report()?.state).toBe("Paused");
  });

  it("what ended is still told, and a plugin that comes later under the name has no past", () => {
    const { candidate: _, ...ended } = { ...remembered().get(KEY), state: "RolledBack" } as RolloutReport;
    const world = createWorld({ remembered: new Map([[KEY, ended]]) });
    world.prove(pending);
    expect(world.report()).toEqual(ended);
    world.prove(undefined);
    expect(world.report()).toBeUndefined();
    world.prove(ready(v1));
    expect(world.report()?.message).toContain("the first version");
  });

  it("a version that was about to go back goes back, and nobody else gets it, when the decision was not written", async () => {
    const errorRate = (version: string | undefined) => (version === "v2" ? 50 : 0);
    let isDecided = false;
    const killed = createWorld({
      errorRate,
      // Its end comes here: what it knows is lost.
      remember: () => {
        isDecided = true;
        return new Promise<void>(() => {});
      },
    });
    killed.prove(ready(v1));
    killed.prove(ready(v2));
    await until(() => expect(isDecided).toBe(true));
    const before = killed.versions();
    expect(new Set(before)).toEqual(new Set(["v1", "v2"]));
    expect(killed.report()).toMatchObject({ state: "RolledBack", version: "v2" });
    expect(killed.rollouts.condemned(KEY)).toMatchObject({ version: "v2", message: killed.report()?.message });
    expect(killed.rejected.size).toBe(0);
    const { limit = 0 } = killed.state?.rollout ?? {};

    const world = createWorld({ errorRate, remembered: remembered({ limit }) });
    world.prove(pending);
    expect(world.versions()).toEqual(before);
    world.prove(ready(v2));
    await until(() => expect(world.versions()).toEqual(all("v1")));
    for (const [i, key] of PROXIES.entries())
      expect(world.given.get(key)).toEqual(before[i] === "v2" ? ["v2", "v1"] : ["v1"]);
  });

  it("a version that was taken back on paper is given to nobody any more", async () => {
    const written: RolloutReport[] = [];
    let isRefused: string | undefined;
    const killed = createWorld({
      errorRate: (version) => (version === "v2" ? 50 : 0),
      remember: async (now) => {
        const report = now.report();
        if (report !== undefined) written.push(report);
        isRefused = now.rollouts.condemned(KEY)?.version;
        await new Promise<void>(() => {});
      },
    });
    killed.prove(ready(v1));
    killed.prove(ready(v2));
    await until(() => expect(isRefused).toBe("v2"));
    expect(new Set(killed.versions())).toEqual(new Set(["v1", "v2"]));

    const world = createWorld({ remembered: new Map(written.map((report) => [KEY, report])) });
    world.rejected.set("v2", "what was written");
    world.prove(pending);
    world.prove({
      kind: "failed",
      failure: { stage: "Validated", reason: "RejectedByProxy", message: "what was written" },
      digest: "sha256:v2",
      lastGood: v1,
    });
    for (const key of PROXIES) expect(world.given.get(key)).toEqual(["v1"]);
    expect(world.report()).toMatchObject({ state: "RolledBack", version: "v2" });
  });

  it("a version that was refused meanwhile is not gone on with", () => {
    const world = createWorld({ remembered: remembered() });
    world.rejected.set("v2", "refused");
    world.prove(pending);
    expect(world.versions()).toEqual(all("v1"));
    expect(world.report()).toBeUndefined();
  });
});
