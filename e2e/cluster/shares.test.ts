import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.js";
import { deployment, service } from "./support/app.js";
import { type Answers, apply, createNamespace, load, removeNamespace, rolledOut } from "./support/cluster.js";
import { createMeshNamespace, installMesh } from "./support/mesh.js";

// The VirtualService is the one that must work unchanged: its host is in the namespace default.
const CLIENTS = "shares";
const HOST = "backend.default.svc.cluster.local";
const url = `http://${HOST}/`;

beforeAll(async () => {
  await installMesh();
  await createNamespace("default", { "weft.mesh/inject": "enabled" });
  await createMeshNamespace(CLIENTS);
  const version = (name: string) => ({ app: "backend", version: name });
  await apply(
    ...deployment({ namespace: "default", name: "backend-v1", message: "v1", labels: version("v1") }),
    ...deployment({ namespace: "default", name: "backend-v2", message: "v2", labels: version("v2") }),
    service("default", "backend"),
    ...deployment({ namespace: CLIENTS, name: "client" }),
    {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "backend", namespace: "default" },
      spec: { host: HOST, subsets: ["v1", "v2"].map((name) => ({ name, labels: { version: name } })) },
    },
  );
  await rolledOut("default", "deployment/backend-v1", "deployment/backend-v2");
  await rolledOut(CLIENTS, "deployment/client");
});
afterAll(async () => {
  await removeNamespace(CLIENTS);
});

const sample = () => load(CLIENTS, "deployment/client", { url, count: 400, concurrency: 4 });
const shareOf = (answers: Answers, version: string) => {
  const counts = Object.values(answers).reduce((sum, count) => sum + count, 0);
  return (answers[`200 ${version}`] ?? 0) / counts;
};

describe("a VirtualService with weights 90 and 10", () => {
  it("splits what pods send so, where it was half and half", async () => {
    const before = await sample();
    expect(shareOf(before, "v2")).toBeGreaterThan(0.3);
    const route = ["v1", "v2"].map((subset, i) => ({ destination: { host: HOST, subset }, weight: [90, 10][i] }));
    await apply({
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "VirtualService",
      metadata: { name: "backend", namespace: "default" },
      spec: { hosts: [HOST], http: [{ route }] },
    });
    const after = await waitFor("the shares", async () => {
      const answers = await sample();
      return shareOf(answers, "v2") < 0.2 ? answers : undefined;
    });
    expect(Object.keys(after).sort()).toEqual(["200 v1", "200 v2"]);
    // Of 400 requests 40 are expected; beyond these bounds it is once in a million.
    expect(after["200 v2"]).toBeGreaterThan(10);
    expect(after["200 v2"]).toBeLessThan(72);
  });
});
