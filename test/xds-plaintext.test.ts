import { afterEach, beforeAll, expect, test } from "vitest";
import { createXdsServer } from "../control-plane/src/xds/server.js";
import { createXdsClient } from "./xds-client.js";
import {
  authenticateTest,
  createRecordingLogger,
  createTestAuthority,
  createTestWorld,
  type IssuedCertificate,
  type TestAuthority,
} from "./xds-fixture.js";

const PROXY = "shop/frontend-1.2";
const NODE_ID = "sidecar~10.0.0.1~frontend-1.2.shop~shop.svc.cluster.local";

let authority: TestAuthority;
let serverPair: IssuedCertificate;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  authority = await createTestAuthority();
  serverPair = await authority.issue({ dns: "localhost" });
});

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

async function start(plaintextPort?: number) {
  const world = createTestWorld([PROXY]);
  const server = createXdsServer({
    tls: { rootCert: authority.rootCert, keyCertPairs: [serverPair] },
    authenticate: authenticateTest,
    provider: world.provider,
    logger: createRecordingLogger(),
    ...(plaintextPort === undefined ? {} : { plaintextPort }),
  });
  cleanUp.push(() => server.close(0));
  return { world, server, ...(await server.start()) };
}

function connect(port = 0, nodeId = NODE_ID) {
  const client = createXdsClient({ port, nodeId });
  cleanUp.push(() => client.close());
  return client;
}

test("there is no plaintext port unless it is asked for", async () => {
  const { port, plaintextPort } = await start();
  expect(plaintextPort).toBeUndefined();
  const client = connect(port);
  client.request("cluster");
  expect((await client.ended).details).not.toBe("");
  expect(client.responses).toEqual([]);
});

test("a proxy of the plaintext port is who it says, and gets changes as others do", async () => {
  const { world, server, plaintextPort } = await start(0);
  const content = (version: string) => ({ version, bytes: new Uint8Array(8) });
  world.update({ "cluster/a": content("1") });
  const client = connect(plaintextPort);
  client.request("cluster");
  expect([...(await client.next("cluster")).versions]).toEqual([["a", "1"]]);
  expect(server.proxies().map(({ proxyKey }) => proxyKey)).toEqual([PROXY]);
  world.update({ "cluster/a": content("2") });
  expect([...(await client.next("cluster")).versions]).toEqual([["a", "2"]]);
});

test.each([
  ["test", "the node id names no sidecar"],
  ["sidecar~10.0.0.1~frontend~shop.svc.cluster.local", "the node id names no sidecar"],
  ["router~10.0.0.1~frontend-1.2.shop~shop.svc.cluster.local", "the node id names no sidecar"],
  ["sidecar~10.0.0.1~other.shop~shop.svc.cluster.local", "there is no workload shop/other"],
])("node id %s is refused", async (nodeId, message) => {
  const { plaintextPort } = await start(0);
  const client = connect(plaintextPort, nodeId);
  client.request("cluster");
  expect((await client.ended).details).toContain(message);
});
