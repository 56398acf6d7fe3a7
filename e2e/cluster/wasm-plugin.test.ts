import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.js";
import { ROOT, runWeft } from "../support/weft.js";
import { deployment, service } from "./support/app.js";
import { apply, doIn, kubectl, load, removeNamespace, rolledOut } from "./support/cluster.js";
import { type Condition, createMeshNamespace, installMesh, REGISTRY, startRegistry, statusOf } from "./support/mesh.js";
import { type PortForward, portForward } from "./support/port-forward.js";

const NAMESPACE = "plugin";
const HOST = `server.${NAMESPACE}.svc.cluster.local`;
const REPLICAS = 3;
/** It passes every pre-flight, whose requests do not have the header. */
const TRAP = `onRequestHeaders(endOfStream: bool): Action {
    if (this.request.headers.get("x-trap") != null) unreachable();
    return Action.Continue;
  }

  onResponseHeaders(`;

let registry: PortForward;
let folder: string;

beforeAll(async () => {
  await installMesh();
  await createMeshNamespace(NAMESPACE);
  await apply(
    ...deployment({ namespace: NAMESPACE, name: "server", replicas: REPLICAS }),
    ...deployment({ namespace: NAMESPACE, name: "client" }),
    service(NAMESPACE, "server"),
  );
  await startRegistry();
  registry = await portForward("plugins", "service/registry", 5000);
  folder = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  await cp(join(ROOT, "plugins", "hello"), folder, { recursive: true });
  await rolledOut(NAMESPACE, "deployment/server", "deployment/client");
});
afterAll(async () => {
  await registry?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
  await removeNamespace(NAMESPACE);
});

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(folder, file), text.replace(from, to));
}

async function push(tag: string): Promise<void> {
  const local = `127.0.0.1:${registry.port}`;
  const { code, stderr } = await runWeft(
    "plugin",
    "push",
    folder,
    `${local}/plugins/hello:${tag}`,
    "--plain-http",
    local,
  );
  expect([code, stderr]).toEqual([0, ""]);
}

const attach = (tag: string) =>
  apply({
    apiVersion: "weft.mesh/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "hello", namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: "server" } },
      url: `oci://${REGISTRY}/plugins/hello:${tag}`,
      pluginConfig: { name: "cluster" },
      rollout: { steps: [{ weight: 50, pause: "2s" }] },
    },
  });

const greeting = async () =>
  (await doIn(NAMESPACE, "deployment/client", "request", { host: HOST, port: 80 })).headers["x-hello"];

/** What all the pods greet with. */
async function greetings(): Promise<readonly string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < 4 * REPLICAS; i++) seen.add(String(await greeting()));
  return [...seen].sort();
}

async function status() {
  const { conditions = [], ...rest } = await statusOf(NAMESPACE, "wasmplugins.weft.mesh", "hello");
  const byType = new Map((conditions as Condition[]).map((condition) => [condition.type, condition]));
  return { ...rest, condition: (type: string) => byType.get(type) };
}

describe("a WasmPlugin in a cluster", () => {
  it("is pulled, proven and attached, says so, and does its work", async () => {
    expect(await greeting()).toBeUndefined();
    await push("1.0.0");
    await attach("1.0.0");
    await waitFor(
      "Programmed",
      async () => ((await status()).condition("Programmed")?.status === "True" ? true : undefined),
      { limitMs: 120_000 },
    );
    expect(await greetings()).toEqual(["hello, cluster"]);
    const { proxies, digest } = await status();
    expect(proxies).toMatchObject({ matched: REPLICAS, acked: REPLICAS, rejected: 0 });
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const [heading, row] = (await kubectl("get", "wasmplugins", "-n", NAMESPACE)).split("\n");
    expect(heading).toMatch(/NAME +READY +.*PROXIES/);
    expect(row).toMatch(/^hello +True .*3\/3/);
  });

  it("reaches all proxies in a new version, step by step", async () => {
    await edit("assembly/greeting.ts", '"hello"', '"welcome"');
    await push("1.1.0");
    await attach("1.1.0");
    await waitFor(
      "the new greeting alone",
      async () => ((await greetings()).every((text) => text === "welcome, cluster") ? true : undefined),
      { limitMs: 180_000 },
    );
    expect(await load(NAMESPACE, "deployment/client", { url: `http://${HOST}/`, count: 20 })).toEqual({
      "200 server": 20,
    });
  });

  it("goes back from a version that fails, by itself", async () => {
    await edit("assembly/index.ts", "onResponseHeaders(", TRAP);
    await edit("assembly/greeting.ts", '"welcome"', '"broken"');
    await push("1.2.0");
    await attach("1.2.0");
    const url = `http://${HOST}/`;
    await waitFor(
      "the version to be refused",
      async () => {
        await load(NAMESPACE, "deployment/client", { url, count: 20, headers: { "x-trap": "1" } });
        const { rejected = [] } = await status();
        return rejected.length > 0 ? true : undefined;
      },
      { limitMs: 180_000 },
    );
    expect(await greetings()).toEqual(["welcome, cluster"]);
    expect(await load(NAMESPACE, "deployment/client", { url, count: 20, headers: { "x-trap": "1" } })).toEqual({
      "200 server": 20,
    });
  });
});
