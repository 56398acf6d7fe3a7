import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { generateKeyPair, loadSigningKey, type SigningKey } from "@weft/registry";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type FaultMesh,
  GUARD_IMAGE,
  type PluginSpec,
  startFaultMesh,
  TAG_POLL_MS,
  whenAllSee,
} from "./plugin-faults-mesh.js";
import { dribble, type Expected, isBlob, REGISTRY_FAULTS, spoil, stall } from "./plugin-faults-registry.js";
import type { Condition } from "./support/mesh-folder.js";
import { waitFor } from "./support/wait-for.js";

const MIB = 1024 * 1024;
/** How late a timer may be on a machine that is busy. */
const LATE_MS = 10_000;
const WORKLOADS = ["echo-v1", "echo-v2"] as const;

let mesh: FaultMesh;
let number = 0;
/** The version of `guard` that a test finds in force. */
let before = "";

/** A version that there was not yet. */
const nextVersion = () => `v${String(++number).padStart(4, "0")}`;

const guard = (...spec: readonly string[]) =>
  mesh.write("guard.yaml", [
    { name: "guard", url: mesh.urlOf(GUARD_IMAGE), spec: ["imagePullPolicy: Always", "phase: AUTHN", ...spec] },
  ]);

/** Waits for a condition of a plugin, with another message than the one given. */
async function whenCondition(
  { type, status, reason, message }: { type: string; status: string; reason?: string; message?: RegExp },
  { plugin = "guard", not }: { plugin?: string; not?: string } = {},
): Promise<Condition> {
  let seen: Condition | undefined;
  return waitFor(
    `${plugin} ${type}=${status} ${reason ?? ""}`,
    async () => {
      seen = await mesh.condition(plugin, type);
      if (seen?.status !== status || (reason !== undefined && seen.reason !== reason)) return undefined;
      return seen.message === not || message?.test(seen.message) === false ? undefined : seen;
    },
    { seen: () => JSON.stringify(seen) },
  );
}
const whenFailed = (expected: Expected, not?: string) =>
  whenCondition({ ...expected, status: "False" }, not === undefined ? {} : { not });

/** Waits until every request meets the version, and the status has nothing against it. */
async function whenInForce(version: string): Promise<void> {
  await whenAllSee(mesh, version, (sign) => sign === `${version}.guard`);
  for (const type of ["Resolved", "Verified", "Validated", "Programmed"]) await whenCondition({ type, status: "True" });
  await whenCondition({ type: "Degraded", status: "False" });
}

/** Waits for more requests at every workload. */
async function moreRequests(): Promise<void> {
  const marks = new Map([...mesh.loads].map(([name, { sent }]) => [name, sent]));
  await waitFor("more requests", () =>
    [...mesh.loads].every(([name, { sent }]) => sent >= (marks.get(name) ?? 0) + 100) ? true : undefined,
  );
}

/** What every connection has met in this test: these versions, in this order and no other. */
function expectVersions(...versions: readonly string[]): void {
  for (const [name, { signs }] of mesh.loads)
    for (const list of signs) expect(list, name).toEqual(versions.map((version) => `${version}.guard`));
}

function attemptOf({ message }: Condition): number {
  const [, date] = /; next attempt at (\S+)$/.exec(message) ?? [];
  expect(date, message).toBeDefined();
  return Date.parse(date ?? "");
}

beforeAll(async () => {
  mesh = await startFaultMesh();
  before = nextVersion();
  await mesh.push(before);
  await guard();
  for (const workload of WORKLOADS)
    await waitFor(`${workload} to answer`, async () =>
      (await mesh.trail(workload).catch(() => "")) === `${before}.guard` ? true : undefined,
    );
  mesh.startLoads();
  await whenInForce(before);
});
beforeEach(async () => {
  await mesh.registry.heal();
  before = nextVersion();
  await mesh.push(before);
  await whenInForce(before);
  for (const load of mesh.loads.values()) load.mark();
  mesh.complaints();
});
afterEach(() => {
  for (const [name, load] of mesh.loads) expect(load.faults, name).toEqual([]);
});
afterAll(() => mesh?.close());

describe("a plugin at all requests goes on, and gets its new version by itself, in spite of", () => {
  it.each(REGISTRY_FAULTS.map((row) => [row.name, row] as const))(
    "%s",
    async (_, { fault, expected, retryAfterMs = 0 }) => {
      const { registry } = mesh;
      if (fault === undefined) await registry.down();
      else registry.fail(fault);
      const after = nextVersion();
      await mesh.push(after);
      if (expected === undefined) {
        await whenInForce(after);
        expect(mesh.complaints()).toEqual([]);
        return expectVersions(before, after);
      }
      const first = await whenFailed(expected);
      await moreRequests();
      expectVersions(before);
      expect(await mesh.condition("guard", "Degraded")).toMatchObject({ status: "True", reason: "LastGoodServed" });
      // A proxy that is new has the last good version from its first request on.
      expect(await mesh.join()).toBe(`${before}.guard`);

      const next = retryAfterMs === 0 ? await whenFailed(expected) : await whenFailed(expected, first.message);
      const asked = registry.seen.map(({ atMs }) => atMs);
      for (const [index, atMs] of asked.slice(1).entries())
        expect(atMs - (asked[index] ?? 0)).toBeGreaterThanOrEqual(0.9 * retryAfterMs);
      const healedMs = Date.now();
      await registry.heal();
      await whenInForce(after);
      expectVersions(before, after);
      await waitFor("the new version at the new proxy", async () =>
        (await mesh.joinedTrail()) === `${after}.guard` ? true : undefined,
      );
      await mesh.leave();
      expect(registry.seen[0]?.atMs).toBeLessThan(Math.max(attemptOf(next), healedMs) + LATE_MS);
    },
  );
});

it("a registry that is away is asked again and again, ever more seldom, and the status says when", async () => {
  await mesh.registry.down();
  const expected: Expected = { type: "Resolved", reason: "Unavailable", message: /next attempt at/ };
  let seen = await whenFailed(expected);
  const attempts = [attemptOf(seen)];
  while (attempts.length < 3) {
    seen = await whenFailed(expected, seen.message);
    attempts.push(attemptOf(seen));
  }
  const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  expect(gaps[1]).toBeGreaterThan(gaps[0] ?? 0);
  await mesh.registry.heal();
  await whenInForce(before);
  expectVersions(before);
});

it("a tag that moves to what is no module leaves the last good version, until it moves on", async () => {
  await mesh.pushGarbage();
  const { message } = await whenFailed({ type: "Verified", reason: "NotWasm", message: /no valid Wasm module/ });
  expect(message).not.toContain("next attempt");
  await moreRequests();
  expectVersions(before);
  const after = nextVersion();
  await mesh.push(after);
  await whenInForce(after);
  expectVersions(before, after);
});

it("a wrong signature leaves the last good version, until there is a right one", async () => {
  const [ours, theirs] = await Promise.all([newKey(), newKey()]);
  await mesh.sign(ours);
  const pem = ours.publicKey.pem.trim().split("\n");
  await guard("verification:", "  keys:", "    - pem: |", ...pem.map((line) => `        ${line}`));
  await whenCondition({ type: "Verified", status: "True", message: /signed by key/ });
  const after = nextVersion();
  await mesh.push(after);
  await whenFailed({ type: "Verified", reason: "NoSignature", message: /the image has none/ });
  await mesh.sign(theirs);
  await whenFailed({ type: "Verified", reason: "UnknownKey", message: /another key/ });
  await moreRequests();
  expectVersions(before);
  await mesh.sign(ours);
  await whenInForce(after);
  expectVersions(before, after);
  await guard();
  await whenCondition({ type: "Verified", status: "True", message: /^$/ });
});

async function newKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("pass");
  return loadSigningKey(privateKey, "pass", "test");
}

const states = () => Promise.all(WORKLOADS.map((workload) => mesh.envoy(workload)));
const reloads = async () => (await states()).map((state) => state.reloads);

describe("a control plane that is killed", () => {
  it("in the middle of a pull pulls again, and what runs is not touched", async () => {
    const loaded = await reloads();
    let isInPull = false;
    mesh.registry.fail(
      spoil(isBlob, (response, answer) => {
        isInPull = true;
        return stall(response, answer);
      }),
    );
    const after = nextVersion();
    await mesh.push(after);
    await waitFor("the pull", () => (isInPull ? true : undefined));
    await mesh.mesh.killControlPlane();
    await moreRequests();
    mesh.registry.fail(spoil(isBlob, dribble));
    await mesh.mesh.startControlPlane();
    await whenInForce(after);
    expectVersions(before, after);
    expect(await reloads()).toEqual(loaded.map((count) => count + 1));
  });

  it("and comes back without a registry gives a new proxy the last good version", async () => {
    await mesh.mesh.killControlPlane();
    await mesh.registry.down();
    await mesh.mesh.startControlPlane();
    expect(await mesh.join()).toBe(`${before}.guard`);
    await mesh.leave();
    expectVersions(before);
  });

  it("and comes back without its cache and without a registry leaves the last good version", async () => {
    const loaded = await reloads();
    await mesh.mesh.killControlPlane();
    await mesh.registry.down();
    await rm(mesh.mesh.state.cache, { recursive: true, force: true });
    const after = nextVersion();
    await mesh.push(after);
    await mesh.mesh.startControlPlane();
    await whenFailed({ type: "Resolved", reason: "Unavailable", message: /next attempt at/ });
    await moreRequests();
    expectVersions(before);
    expect(await reloads()).toEqual(loaded);
    await mesh.registry.heal();
    await whenInForce(after);
    expectVersions(before, after);
  });
});

describe("several plugins", () => {
  const SHARED_IMAGE = "plugins/shared:1";
  const shared = (name: string, ...spec: readonly string[]): PluginSpec => ({
    name,
    url: mesh.urlOf(SHARED_IMAGE),
    spec: ["selector: { matchLabels: { version: v1 } }", ...spec],
  });
  /** Waits until the app of echo-v1 gets these after the guard's. */
  const whenTrail = (...marks: readonly string[]) => {
    const wanted = [`${before}.guard`, ...marks].join(", ");
    let seen = "";
    return waitFor(
      `the trail ${wanted}`,
      async () => {
        seen = await mesh.trail("echo-v1");
        return seen === wanted ? true : undefined;
      },
      // Each is proven in an Envoy of its own before.
      { seen: () => seen, limitMs: 240_000 },
    );
  };

  it("two from one image, and one twice with two configurations, each act as their object says", async () => {
    await mesh.push("v7001", SHARED_IMAGE);
    const always = "imagePullPolicy: Always";
    const one = shared("one", always, "priority: 3");
    const two = shared("two", always, "priority: 2");
    const marker = shared("marker", always, "priority: 1", "pluginName: mark");
    await mesh.write("several.yaml", [marker, two, one]);
    await whenTrail("v7001.one", "v7001.two", "v7001.mark.marker");
    await mesh.push("v7002", SHARED_IMAGE);
    await whenTrail("v7002.one", "v7002.two", "v7002.mark.marker");
    await mesh.write("several.yaml", [marker, { ...two, config: "other" }, one]);
    await whenTrail("v7002.one", "v7002.other", "v7002.mark.marker");
    await mesh.write("several.yaml", [marker]);
    await whenTrail("v7002.mark.marker");
    await mesh.write("several.yaml", []);
    await whenTrail();
  });

  it("fifty on one workload act all, in their order", async () => {
    await mesh.push("v7003", SHARED_IMAGE);
    // In the file they are in another order than the one that holds.
    const names = Array.from({ length: 49 }, (_, index) => `p${String((index * 20) % 49).padStart(2, "0")}`);
    const phaseOf = (name: string) => (Number(name.slice(1)) < 20 ? "phase: STATS" : "phase: UNSPECIFIED_PHASE");
    const plugins = names.map((name) => shared(name, phaseOf(name), `priority: ${100 - Number(name.slice(1))}`));
    await mesh.write("several.yaml", plugins);
    await whenTrail(...[...names].sort().map((name) => `v7003.${name}`));
    expect((await mesh.trail("echo-v2")).split(", ")).toEqual([`${before}.guard`]);
    await mesh.write("several.yaml", []);
    await whenTrail();
  }, 300_000);
});

it("a hundred new versions within a minute are coalesced, and the last one stays", async () => {
  const controlPlaneBytes = await mesh.controlPlaneRssBytes();
  const envoysBefore = await states();
  for (const { vms } of envoysBefore) expect(vms).toBeGreaterThan(0);
  const beganMs = performance.now();
  let last = "";
  for (let count = 0; count < 100; count++) {
    last = nextVersion();
    await mesh.push(last);
    await sleep(100);
  }
  const tookMs = performance.now() - beganMs;
  expect(tookMs).toBeLessThan(60_000);
  await whenInForce(last);
  for (const [name, { signs }] of mesh.loads) for (const list of signs) expect(list, name).toEqual([...list].sort());
  const envoysAfter = await waitFor("the VMs of old versions to be gone", async () => {
    const now = await states();
    return now.every(({ vms }, index) => vms <= (envoysBefore[index]?.vms ?? 0)) ? now : undefined;
  });
  for (const [index, { reloads, rssBytes }] of envoysAfter.entries()) {
    const { reloads: reloadsBefore = 0, rssBytes: bytesBefore = 0 } = envoysBefore[index] ?? {};
    expect(reloads - reloadsBefore).toBeLessThanOrEqual(tookMs / TAG_POLL_MS + 2);
    expect(rssBytes - bytesBefore).toBeLessThan(64 * MIB);
  }
  expect((await mesh.controlPlaneRssBytes()) - controlPlaneBytes).toBeLessThan(128 * MIB);
});
