import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiServer, startApiServer } from "./api-server.js";

let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer({
    users: [{ name: "system:node:node1", groups: ["system:nodes"] }, { name: "nobody" }],
  });
});
afterAll(() => server?.close());

describe("the API server of the tests", () => {
  it("is a Kubernetes with pod certificates and trust bundles", async () => {
    const { body: version } = await server.ask("GET", "/version");
    expect(version.gitVersion).toBe("v1.37.2");
    const { body } = await server.ask("GET", "/apis/certificates.k8s.io/v1");
    const names = body.resources.map((resource: { name: string }) => resource.name);
    expect(names).toEqual(expect.arrayContaining(["podcertificaterequests", "clustertrustbundles"]));
  });

  it("keeps an object, its changes, and that it is gone", async () => {
    await server.createNamespace("shop", { "weft.mesh/inject": "enabled" });
    const path = "/api/v1/namespaces/shop/configmaps";
    const object = { metadata: { name: "colours" }, data: { a: "red" } };
    expect((await server.ask("POST", path, object)).status).toBe(201);
    expect((await server.ask("PATCH", `${path}/colours`, { data: { b: "blue" } })).status).toBe(200);
    expect((await server.ask("GET", `${path}/colours`)).body.data).toEqual({ a: "red", b: "blue" });
    expect((await server.ask("DELETE", `${path}/colours`)).status).toBe(200);
    expect((await server.ask("GET", `${path}/colours`)).status).toBe(404);
  });

  it("takes pods without a controller that makes service accounts", async () => {
    const spec = { containers: [{ name: "app", image: "app" }], serviceAccountName: "backend" };
    const { status } = await server.ask("POST", "/api/v1/namespaces/shop/pods", { metadata: { name: "one" }, spec });
    expect(status).toBe(201);
  });

  it("comes back after a crash with what it had, at the same address", async () => {
    const before = await server.ask("GET", "/api/v1/namespaces/shop");
    await server.kill();
    await expect(server.ask("GET", "/api/v1/namespaces/shop")).rejects.toThrow();
    await server.start();
    expect((await server.ask("GET", "/api/v1/namespaces/shop")).body.metadata.uid).toBe(before.body.metadata.uid);
  });

  it("leaves nothing behind", async () => {
    const folder = dirname(server.kubeconfig);
    const pid = server.pid();
    await server.close();
    expect(existsSync(folder)).toBe(false);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});
