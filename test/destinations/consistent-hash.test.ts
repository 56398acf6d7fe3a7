import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { HashKey, HashTable } from "../../control-plane/src/model/traffic-policy.js";
import { createTranslatedMesh, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { type Backend, call, caller, inForce, rule, service, startBackend } from "./backends.js";

let mesh: TranslatedMesh;
let backends: Backend[];

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  backends = await Promise.all(["one", "two", "three"].map((name) => startBackend("backend", name)));
  mesh.apply(caller(), service("backend"), ...backends.map(({ object }) => object));
  await mesh.startProxy("caller");
  await mesh.settled();
});

afterAll(async () => {
  expect(mesh?.events.filter((event) => event.startsWith("nack"))).toEqual([]);
  await mesh?.stop();
  for (const backend of backends ?? []) await backend.stop();
});

const hash = (key: HashKey, table: HashTable = { kind: "ring" }) =>
  rule("backend", { loadBalancer: { algorithm: { kind: "consistentHash", key, table } } });

const USERS = Array.from({ length: 12 }, (_, index) => `user-${index}`);

/** Who answers each user, or those that answer a user whose requests go to several. */
async function whoAnswers(send: (user: string) => Promise<{ readonly body: string }>): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  for (const user of USERS) {
    const bodies = new Set<string>();
    for (let i = 0; i < 5; i++) bodies.add((await send(user)).body);
    answers.set(user, [...bodies].join(" and "));
  }
  return answers;
}

test.each<[string, HashKey, HashTable, (user: string) => Promise<{ readonly body: string }>]>([
  ["a header", { kind: "header", name: "x-user" }, { kind: "ring" }, (user) => call("backend", { "x-user": user })],
  [
    "a header, by Maglev",
    { kind: "header", name: "x-user" },
    { kind: "maglev", size: 251 },
    (user) => call("backend", { "x-user": user }),
  ],
  [
    "a cookie",
    { kind: "cookie", name: "user" },
    { kind: "ring", minimumSize: 64 },
    (user) => call("backend", { cookie: `other=1; user=${user}` }),
  ],
  [
    "a query parameter",
    { kind: "query", name: "user" },
    { kind: "maglev" },
    (user) => call("backend", {}, `/?page=1&user=${user}`),
  ],
])("requests with the same value of %s have the same endpoint", async (_, key, table, send) => {
  await inForce(mesh, hash(key, table));
  const answers = await whoAnswers(send);
  const endpoints = new Set(answers.values());
  for (const endpoint of endpoints) expect(["one", "two", "three"]).toContain(endpoint);
  expect(endpoints.size).toBeGreaterThan(1);
});

test("most values keep their endpoint when another one goes", async () => {
  await inForce(mesh, hash({ kind: "header", name: "x-user" }));
  const users = Array.from({ length: 60 }, (_, index) => `user-${index}`);
  const endpoints = async () => {
    const bodies: string[] = [];
    for (const user of users) bodies.push((await call("backend", { "x-user": user })).body);
    return bodies;
  };
  const before = await endpoints();
  const gone = before[0] ?? "";
  mesh.remove("WorkloadEntry", gone);
  await vi.waitFor(async () => expect(await endpoints()).not.toContain(gone), POLL);
  const after = await endpoints();
  const others = users.flatMap((_, index) => (before[index] === gone ? [] : index));
  // Not all: a ring of a given size has more points of each endpoint when there are fewer endpoints.
  const kept = others.filter((index) => before[index] === after[index]);
  expect(kept.length / others.length).toBeGreaterThan(0.6);
  mesh.apply(...backends.map(({ object }) => object));
  await mesh.settled();
});

test("requests from the same address have the same endpoint", async () => {
  await inForce(mesh, hash({ kind: "sourceIp" }));
  const bodies = new Set<string>();
  for (let i = 0; i < 20; i++) bodies.add((await call("backend")).body);
  expect(bodies.size).toBe(1);
});

test("a caller without the cookie is given one that leads to the same endpoint", async () => {
  await inForce(mesh, hash({ kind: "cookie", name: "user", path: "/", ttlMs: 60_000 }));
  const { body, headers } = await call("backend");
  const [cookie = ""] = headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^user="?[0-9a-f]+"?; Max-Age=60; Path=\/; HttpOnly$/);
  for (let i = 0; i < 5; i++) {
    const again = await call("backend", { cookie: cookie.split(";")[0] ?? "" });
    expect([again.body, again.headers["set-cookie"]]).toEqual([body, undefined]);
  }
});
