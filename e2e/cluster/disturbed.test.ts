import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.js";
import { deployment, service } from "./support/app.js";
import { apply, get, kubectl, load, removeNamespace, rolledOut, startLoad } from "./support/cluster.js";
import { createMeshNamespace, installMesh, ROOT_NAMESPACE } from "./support/mesh.js";

// What goes on around an app that is asked all the time: no request fails.
const NAMESPACE = "disturbed";
const url = `http://server.${NAMESPACE}.svc.cluster.local/`;

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server", replicas: 2 }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
  );
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
  await load(NAMESPACE, "deployment/client", { url, count: 10 });
});
afterAll(() => removeNamespace(NAMESPACE));

/** Sends requests while something happens; gives what was not answered as it should be. */
async function faultsWhile(happens: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  const running = startLoad(NAMESPACE, "deployment/client", { url });
  await sleep(2_000);
  let answers: Readonly<Record<string, number>> = {};
  try {
    await happens();
    await sleep(2_000);
  } finally {
    answers = await running.stop();
  }
  const { "200 server": good = 0, ...faults } = answers;
  expect(good).toBeGreaterThan(50);
  return faults;
}

describe("no request fails", () => {
  it("while the app is restarted, pod by pod", async () => {
    const faults = await faultsWhile(async () => {
      await kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/server");
      await rolledOut(NAMESPACE, "deployment/server");
    });
    expect(faults).toEqual({});
  });

  it("while the leading control plane is killed, and another one leads and takes new pods", async () => {
    const leader = async (): Promise<string> =>
      (await get("-n", ROOT_NAMESPACE, "lease", "weft-control-plane")).spec.holderIdentity;
    const before = await leader();
    const faults = await faultsWhile(async () => {
      await kubectl("delete", "pod", "-n", ROOT_NAMESPACE, before, "--force", "--grace-period=0");
      await waitFor("another leader", async () => ((await leader()) === before ? undefined : true));
      await kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/server");
      await rolledOut(NAMESPACE, "deployment/server");
      await rolledOut(ROOT_NAMESPACE, "deployment/weft-control-plane");
    });
    expect(faults).toEqual({});
  });
});
