import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTranslatedMesh, POLL, type TranslatedMesh } from "../translated-mesh.js";
import { answers, type Backend, caller, inForce, rule, service, startBackend } from "./backends.js";

let mesh: TranslatedMesh;
let near: Backend;
let far: Backend;

const OUTLIERS = { consecutive5xxErrors: 1, intervalMs: 100, baseEjectionTimeMs: 500, maxEjectionPercent: 100 };

beforeAll(async () => {
  mesh = await createTranslatedMesh();
  near = await startBackend("backend", "near", { locality: "eu/eu-1" });
  far = await startBackend("backend", "far", { locality: "us/us-1" });
  mesh.apply(caller({ locality: "eu/eu-1/a" }), service("backend"), near.object, far.object);
  await mesh.startProxy("caller");
  await mesh.settled();
});

afterAll(async () => {
  expect(mesh?.events.filter((event) => event.startsWith("nack"))).toEqual([]);
  await mesh?.stop();
  await near?.stop();
  await far?.stop();
});

test("without a rule all localities are called", async () => {
  await vi.waitFor(async () => expect(Object.keys(await answers(20, "backend")).sort()).toEqual(["far", "near"]), POLL);
});

test("the nearest locality has all requests, until its endpoints are ejected", async () => {
  await inForce(mesh, rule("backend", { outlierDetection: OUTLIERS }));
  expect(await answers(20, "backend")).toEqual({ near: 20 });
  near.handle = (_request, response) => response.writeHead(500).end();
  await vi.waitFor(async () => expect(await answers(10, "backend")).toEqual({ far: 10 }), POLL);
  near.handle = (_request, response) => response.end("near");
  await vi.waitFor(async () => expect(await answers(10, "backend")).toEqual({ near: 10 }), POLL);
});

test("shares are kept", async () => {
  const to = [
    { locality: "us/*", percent: 75 },
    { locality: "eu", percent: 25 },
  ];
  const locality = { kind: "distribute", rules: [{ from: "eu/*", to }] } as const;
  await inForce(mesh, rule("backend", { loadBalancer: { algorithm: { kind: "ROUND_ROBIN" }, locality } }));
  expect(await answers(40, "backend")).toEqual({ near: 10, far: 30 });
});
