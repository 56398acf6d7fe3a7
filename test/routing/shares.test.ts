import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Workload } from "../../control-plane/src/model/workload.js";
import { POLL } from "../translated-mesh.js";
import { createRoutingMesh, objectsOf, type RoutingMesh } from "./routing-mesh.js";

const TO_A = "route: [{destination: {host: a, subset: v1}}]";

const RULES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shares}
spec:
  hosts: [shares.test]
  http:
  - {match: [{uri: {prefix: /half}}], fault: {abort: {httpStatus: 555, percentage: {value: 50}}}, ${TO_A}}
  - {match: [{uri: {prefix: /slow}}], fault: {delay: {fixedDelay: 400ms, percentage: {value: 100}}}, ${TO_A}}
  - match: [{uri: {prefix: /weighted}}]
    route: [{destination: {host: a, subset: v1}, weight: 3}, {destination: {host: a, subset: v2}, weight: 1}]
  - {match: [{uri: {prefix: /mirrored}}], mirror: {host: b}, ${TO_A}}
  - match: [{uri: {prefix: /twice}}]
    mirrors: [{destination: {host: b}}, {destination: {host: a, subset: v2}, percentage: {value: 100}}]
    ${TO_A}
  - {match: [{uri: {prefix: /some}}], mirror: {host: b}, mirrorPercentage: {value: 50}, ${TO_A}}
  - {match: [{uri: {prefix: /unmirrored}}], mirror: {host: b}, mirrorPercentage: {value: 0}, ${TO_A}}
  - {match: [{sourceLabels: {tier: silver}}], route: [{destination: {host: b}}]}
  - {${TO_A}}
`;

const MANY = 200;

let routing: RoutingMesh;

beforeAll(async () => {
  routing = await createRoutingMesh(RULES);
});

afterAll(() => routing?.stop());

const call = (text: string) => routing.call(text, "shares.test");
const many = (text: string) => Promise.all(Array.from({ length: MANY }, () => call(text)));
/** How often a backend was asked for a path. */
const asked = (name: "a-v1" | "a-v2" | "b", path: string) =>
  routing.backends[name].paths.filter((seen) => seen === path).length;

/** Of so many tries, a share of one half is outside of these bounds once in a hundred million runs. */
function expectHalf(count: number): void {
  expect(count).toBeGreaterThan(MANY * 0.3);
  expect(count).toBeLessThan(MANY * 0.7);
}

test("a fault of 50 per cent befalls half of the requests", async () => {
  const statuses = (await many("GET /half")).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 555]));
  expectHalf(statuses.filter((status) => status === 555).length);
});

test("a delay of 100 per cent befalls every request", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => call("GET /slow")));
  for (const { status, ms } of answers) {
    expect(status).toBe(200);
    expect(ms).toBeGreaterThanOrEqual(395);
  }
});

test("weights are shares of their sum", async () => {
  const names = (await many("GET /weighted")).map(({ seen }) => seen?.name);
  const first = names.filter((name) => name === "a-v1").length;
  expect(names.filter((name) => name === "a-v2").length).toBe(MANY - first);
  expect(first).toBeGreaterThan(MANY * 0.55);
  expect(first).toBeLessThan(MANY * 0.95);
});

test("a mirrored request arrives at both, and only one answers", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => call("GET /mirrored")));
  expect(new Set(answers.map(({ seen }) => seen?.name))).toEqual(new Set(["a-v1"]));
  await vi.waitFor(() => expect(asked("b", "/mirrored")).toBe(20), POLL);
  expect(asked("a-v1", "/mirrored")).toBe(20);
});

test("several mirrors each get a copy", async () => {
  expect((await call("GET /twice")).seen?.name).toBe("a-v1");
  await vi.waitFor(() => expect([asked("b", "/twice"), asked("a-v2", "/twice")]).toEqual([1, 1]), POLL);
});

test("half of the requests are mirrored, or none", async () => {
  await many("GET /some");
  await many("GET /unmirrored");
  // A last request that is always mirrored: what was sent to b before it has arrived by then, or soon after.
  await call("GET /mirrored?last");
  await vi.waitFor(() => expect(asked("b", "/mirrored?last")).toBe(1), POLL);
  await vi.waitFor(() => expectHalf(asked("b", "/some")), POLL);
  expect(asked("b", "/unmirrored")).toBe(0);
});

test("a caller that gets other labels follows other rules, and so do callers when rules ask for others", async () => {
  expect((await call("GET /")).seen?.name).toBe("a-v1");
  const frontend = routing.mesh.store.current.snapshot.workloads.get("default/frontend") as Workload;
  const silver: Workload = { ...frontend, labels: { ...frontend.labels, tier: "silver" } };
  routing.mesh.apply({ kind: "WorkloadEntry", value: silver });
  await vi.waitFor(async () => expect((await call("GET /")).seen?.name).toBe("b"), POLL);
  expect((await call("GET / | by: other")).seen?.name).toBe("a-v1");
  routing.mesh.apply(...objectsOf(RULES.replace("tier: silver", "tier: tin")));
  await vi.waitFor(async () => expect((await call("GET / | by: other")).seen?.name).toBe("b"), POLL);
  await vi.waitFor(async () => expect((await call("GET /")).seen?.name).toBe("a-v1"), POLL);
  expect(routing.mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});
