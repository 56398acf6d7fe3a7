import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startControlPlane } from "../control-plane/src/main.js";
import { identityFiles, testConfig } from "./control-plane-config.js";
import { findProgram } from "./real/process.js";
import { createXdsClient, type XdsClient } from "./xds-client.js";
import { createTestAuthority } from "./xds-fixture.js";

const WAIT = { timeout: 60_000, interval: 50 };
const OBJECTS = [
  "apiVersion: v1\nkind: Service\nmetadata: { name: echo }\nspec: { selector: { app: echo }, ports: [{ name: http, port: 8080 }] }",
  "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: echo }\nspec: { address: 127.0.1.9, labels: { app: echo }, ports: { http: 18080 } }",
  "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: echo }\nspec: { hosts: [echo], http: [{ route: [] }] }",
];
const undo: (() => Promise<unknown> | unknown)[] = [];
let url: string;
let folder: string;
let connect: () => XdsClient;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "weft-metrics-"));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  folder = join(dir, "mesh");
  await mkdir(folder);
  await writeFile(join(folder, "mesh.yaml"), `${OBJECTS.join("\n---\n")}\n`);
  const authority = await createTestAuthority();
  const own = await authority.issue({ dns: "localhost", uris: ["spiffe://cluster.local/ns/weft-system/sa/weft"] });
  await writeFile(join(dir, "cert.pem"), own.certificateChain);
  await writeFile(join(dir, "key.pem"), own.privateKey, { mode: 0o600 });
  await writeFile(join(dir, "root.pem"), authority.rootCert);
  const log = (_message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (fields?.kind === "metrics") url = `http://${fields.address}`;
  };
  const { xdsPort, close } = await startControlPlane(
    {
      ...testConfig(dir, { kind: "folder", folder, identity: identityFiles(dir) }),
      metrics: { host: "127.0.0.1", port: 0 },
    },
    { info: log, warn: log, error: log },
  );
  undo.push(close);
  const pair = await authority.issue({
    uris: ["spiffe://cluster.local/ns/default/sa/default", "weft://cluster.local/ns/default/workload/echo"],
  });
  connect = () => createXdsClient({ port: xdsPort, tls: { rootCert: authority.rootCert, ...pair } });
});
afterAll(async () => {
  while (undo.length > 0) await undo.pop()?.();
});

const scrape = async () => (await fetch(`${url}/metrics`)).text();
const value = (text: string, series: string) =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1),
  );

it("is ready, and counts what a proxy says and how long a change took", async () => {
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(value(await scrape(), "weft_connected_proxies")).toBe(0);

  const client = connect();
  undo.push(() => client.close());
  client.request("cluster");
  client.request("listener");
  await client.next("listener");
  await vi.waitFor(async () => {
    const text = await scrape();
    expect(value(text, "weft_connected_proxies")).toBe(1);
    expect(value(text, 'weft_xds_streams{protocol="incremental"}')).toBe(1);
    expect(value(text, 'weft_xds_acks_total{type="listener"}')).toBe(1);
    expect(value(text, 'weft_xds_nacks_total{type="listener"}')).toBe(0);
  }, WAIT);

  // Changes the cluster, with it its endpoints, and nothing else: this client answers for all of it.
  client.request("endpoints", { subscribe: ["outbound|8080||echo.default.svc.cluster.local"] });
  await client.next("endpoints");
  await writeFile(
    join(folder, "rule.yaml"),
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: echo }\nspec: { host: echo, trafficPolicy: { connectionPool: { tcp: { connectTimeout: 3s } } } }\n",
  );
  await vi.waitFor(async () => {
    const text = await scrape();
    expect(value(text, "weft_push_duration_seconds_count")).toBeGreaterThan(0);
    expect(value(text, "weft_propagation_duration_seconds_count")).toBeGreaterThan(0);
  }, WAIT);
});

it("tells what is refused, by kind, and when certificates end", async () => {
  const text = await scrape();
  expect(value(text, 'weft_rejected_objects{kind="VirtualService"}')).toBe(1);
  expect(value(text, 'weft_objects{kind="Service"}')).toBe(1);
  for (const role of ["root", "control_plane"]) {
    const end = value(text, `weft_certificate_expiration_timestamp_seconds{certificate="${role}"}`);
    expect(end - Date.now() / 1000).toBeGreaterThan(3000);
    expect(end - Date.now() / 1000).toBeLessThanOrEqual(3600);
  }
});

const promtool = findProgram("promtool");
it.skipIf(promtool === undefined)("keeps to the conventions of Prometheus", async () => {
  const text = await scrape();
  const { status, stderr } = spawnSync(promtool ?? "", ["check", "metrics"], { input: text, encoding: "utf8" });
  expect([status, stderr.split("\n").filter((line) => line.startsWith("weft_"))]).toEqual([expect.any(Number), []]);
  expect(text).not.toContain("default/echo");
});
