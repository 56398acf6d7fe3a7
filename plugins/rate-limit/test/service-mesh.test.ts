import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createMeshFolder, type MeshFolder } from "../../../e2e/support/mesh-folder.js";
import { type Answer, get } from "../../../e2e/support/requests.js";
import { waitFor } from "../../../e2e/support/wait-for.js";
import type { RunningWeft } from "../../../e2e/support/weft.js";
import {
  type RunningRateLimitService,
  rateLimitServiceMissing,
  startRateLimitService,
} from "../../../test/real/rate-limit-service.js";
import { type RunningRedis, startRedis } from "../../../test/real/redis.js";

const missing = rateLimitServiceMissing();
const PLUGIN = fileURLToPath(new URL("..", import.meta.url));
const LIMIT = 12;
/* Compiling the plugin alone can take half a minute on a busy machine. */
const START_LIMIT_MS = 240_000;

describe.skipIf(missing)(`a rate limit service in the mesh${missing ? ` (skipped: ${missing})` : ""}`, () => {
  let mesh: MeshFolder;
  let weft: RunningWeft;
  let ended: number | string | undefined;
  let redis: RunningRedis;
  let service: RunningRateLimitService;

  beforeAll(async () => {
    mesh = await createMeshFolder();
    redis = await startRedis();
    service = await startRateLimitService({
      redis,
      port: mesh.v3.appPort,
      domain: "shop",
      rules: [{ key: "user", limit: { unit: "year", requestsPerUnit: LIMIT } }],
    });
    await rm(join(mesh.pluginsDir, "hello"), { recursive: true });
    await rm(join(mesh.folder, "hello.yaml"));
    await cp(PLUGIN, join(mesh.pluginsDir, "rate-limit"), {
      recursive: true,
      filter: (path) => !/\/(build|test)$/.test(path),
    });
    const { version } = parse(await readFile(join(PLUGIN, "plugin.yaml"), "utf8")) as { version: string };
    await writeFile(
      join(mesh.folder, "limits.yaml"),
      `apiVersion: v1
kind: Service
metadata: { name: limits }
spec:
  selector: { app: limits }
  ports: [{ name: grpc, port: 8081 }]
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: limits }
spec:
  address: ${mesh.v3.address}
  serviceAccount: limits
  labels: { app: limits }
  ports: { grpc: ${mesh.v3.appPort} }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: limits }
spec:
  selector: { matchLabels: { app: limits } }
  mtls: { mode: STRICT }
---
apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: rate-limit }
spec:
  url: oci://127.0.0.1:${mesh.registryPort}/plugins/rate-limit:${version}
  imagePullPolicy: Always
  selector: { matchLabels: { app: echo } }
  callouts:
    - { name: limits, host: limits, port: 8081, protocol: GRPC }
  pluginConfig:
    limits:
      - { name: users, requests: 1, unit: day, global: true, descriptor: [{ from: header, name: user }] }
    global:
      cluster: "callout:limits"
      domain: shop
      timeoutMs: 10000
      # Until all is in place calls fail, and each worker would stop to ask for a while.
      failures: 1000
      failureMode: closed
`,
    );
    weft = mesh.up("--plugins", mesh.pluginsDir);
    void weft.ended.then((outcome) => {
      ended = outcome;
    });
  });

  afterAll(async () => {
    await mesh?.remove();
    await service?.stop();
    await redis?.stop();
  });

  /* A plaintext client of one workload. */
  const ask = (address: string, user: string): Promise<Answer> =>
    get({ host: address, port: 8080, headers: { host: "echo", user } });

  test(
    "is reached with mTLS, and all proxies admit together what it allows",
    async () => {
      const addresses = [mesh.v1.address, mesh.v2.address];
      for (const address of addresses) {
        let last = "";
        await waitFor(
          `the plugin at ${address} to get an answer`,
          async () => {
            const answer = await ask(address, `first at ${address}`).catch((error: Error) => error);
            if (ended !== undefined) throw new Error(`weft up ended (${ended}):\n${weft.output()}`);
            last = answer instanceof Error ? answer.message : JSON.stringify(answer);
            return last.includes(`"ratelimit-limit":"${LIMIT}"`) ? true : undefined;
          },
          { limitMs: START_LIMIT_MS, seen: () => `${last}\n${weft.output()}` },
        );
      }
      const answers = await Promise.all(
        Array.from({ length: 2 * LIMIT }, (_, i) => ask(addresses[i % 2] ?? "", "ann")),
      );
      expect(answers.map((answer) => answer.status).sort()).toEqual([
        ...Array(LIMIT).fill(200),
        ...Array(LIMIT).fill(429),
      ]);
    },
    2 * START_LIMIT_MS,
  );
});
