import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, beforeAll, expect, it } from "vitest";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../../../test/xds-fixture.js";
import { createPeerClient } from "../modules/peer-client.js";
import { PROXIES } from "./replica-protocol.js";
import { type ReplicaReport, readReport } from "./replica-report.js";
import { createReplicaService } from "./replica-service.js";

const ID = "spiffe://cluster.local/ns/weft-system/sa/weft-control-plane";
const WORKLOAD = "spiffe://cluster.local/ns/default/sa/backend";
/** Of several pieces. */
const REPORT: ReplicaReport = {
  replica: "weft-1",
  plugins: {
    "shop/p": Array.from({ length: 5000 }, (_, i) => ({
      ...{ key: `shop/w${i}`, version: "v1", acked: true, refusal: "a text of some length, as Envoy says it" },
      managers: ["inbound_8080"],
    })),
  },
};

let authority: TestAuthority;
let own: IssuedCertificate;
const servers: Server[] = [];
beforeAll(async () => {
  authority = await createTestAuthority();
  own = await authority.issue({ dns: "localhost", uris: [ID] });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

async function serve(refused: string[]): Promise<string> {
  const server = new Server();
  servers.push(server);
  const { definition, implementation } = createReplicaService({
    controlPlaneId: ID,
    report: () => REPORT,
    onRefused: (peer) => refused.push(peer),
  });
  server.addService(definition, implementation);
  const keys = { private_key: Buffer.from(own.privateKey), cert_chain: Buffer.from(own.certificateChain) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.rootCert), [keys], true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return `127.0.0.1:${port}`;
}
const ask = (peer: string, pair: IssuedCertificate) =>
  createPeerClient({ identity: () => ({ ...pair, roots: authority.rootCert }), controlPlaneId: ID, method: PROXIES })(
    peer,
    "",
    1e8,
    new AbortController().signal,
  );

it("tells another replica of all proxies", async () => {
  const bytes = await ask(await serve([]), own);
  expect(readReport(Buffer.from(bytes ?? []).toString())).toEqual(REPORT);
});

it("tells a workload nothing", async () => {
  const refused: string[] = [];
  const peer = await serve(refused);
  const workload = await authority.issue({ uris: [WORKLOAD] });
  await expect(ask(peer, workload)).rejects.toThrow("reports are for control planes of this mesh");
  expect(refused).toHaveLength(1);
});
