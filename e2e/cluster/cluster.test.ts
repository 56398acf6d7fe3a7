import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployment, service } from "./support/app.js";
import { apply, createNamespace, load, removeNamespace, rolledOut } from "./support/cluster.js";

const NAMESPACE = "plain";

beforeAll(async () => {
  await createNamespace(NAMESPACE);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server", replicas: 2 }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
  );
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
});
afterAll(() => removeNamespace(NAMESPACE));

describe("the cluster of the tests, without a mesh", () => {
  it("lets a pod reach others by the name of their Service", async () => {
    const url = "http://server.plain.svc.cluster.local/";
    expect(await load(NAMESPACE, "deployment/client", { url, count: 10 })).toEqual({ "200 server": 10 });
  });
});
