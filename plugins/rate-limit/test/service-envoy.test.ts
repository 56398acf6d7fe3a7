import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { h2Cluster } from "../../../sdk/test/h2.js";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  type Answer,
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  wasmFilter,
} from "../../../test/envoy-static.js";
import { freePorts, freeze } from "../../../test/real/process.js";
import {
  type RunningRateLimitService,
  rateLimitServiceMissing,
  startRateLimitService,
} from "../../../test/real/rate-limit-service.js";
import { type RunningRedis, startRedis } from "../../../test/real/redis.js";

const missing = rateLimitServiceMissing();

/* Of the service; a year is longer than any test, and its counts do not begin anew in the middle of one. */
const GLOBAL_LIMIT = 30;
/* Of the buckets in each proxy. */
const LOCAL_LIMIT = 3;
const DOMAIN = "shop";
/* Its name is no :authority that an Envoy would take. */
const MESH_CLUSTER = "outbound|8081||limits.default.svc.cluster.local";
/* Nothing that works may depend on how busy the machine is. */
const PATIENT = { timeoutMs: 10_000, failures: 1000, retryAfterMs: 100 };

describe.skipIf(missing)(`rate-limit with Envoy's rate limit service${missing ? ` (skipped: ${missing})` : ""}`, () => {
  let redis: RunningRedis;
  let service: RunningRateLimitService;
  let sidecar: RunningEnvoy;
  let envoys: RunningEnvoy[] = [];
  let wasm: Uint8Array;
  let resources: (listeners: readonly object[]) => object;

  const startService = (port?: number): Promise<RunningRateLimitService> =>
    startRateLimitService({
      redis,
      domain: DOMAIN,
      rules: [{ key: "user", limit: { unit: "year", requestsPerUnit: GLOBAL_LIMIT } }],
      ...(port === undefined ? {} : { port }),
    });

  const listener = (name: string, global: object): object =>
    httpListener({
      name,
      filters: [
        wasmFilter({
          wasm,
          rootId: "rate-limit",
          name: `rate-limit-${name}`,
          configuration: {
            limits: [
              {
                name: "users",
                requests: LOCAL_LIMIT,
                unit: "day",
                global: true,
                descriptor: [{ from: "header", name: "user" }],
              },
            ],
            global: { domain: DOMAIN, cluster: "limits", ...global },
          },
        }),
      ],
    });

  beforeAll(async () => {
    wasm = (await buildPlugin("rate-limit")).wasm;
    redis = await startRedis();
    service = await startService();
    sidecar = await startEnvoy({
      resources: {
        clusters: [h2Cluster(cluster("app", service.port))],
        listeners: [
          httpListener({
            name: "inbound",
            filters: [],
            routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
          }),
        ],
      },
    });
    const [unused = 0] = await freePorts(1);
    resources = (listeners) => ({
      clusters: [
        h2Cluster(cluster("limits", service.port)),
        h2Cluster(cluster(MESH_CLUSTER, sidecar.ports.get("inbound")!)),
        h2Cluster(cluster("refused", unused)),
        h2Cluster({ name: "empty", type: "STATIC", connect_timeout: "5s" }),
      ],
      listeners,
    });
    const closed = { failureMode: "closed", ...PATIENT };
    const listeners = [
      listener("patient", PATIENT),
      listener("hasty", { timeoutMs: 100, failures: 3, retryAfterMs: 600_000, failureMode: "open" }),
      listener("refused", { ...closed, cluster: "refused" }),
      listener("empty", { ...closed, cluster: "empty" }),
      listener("unknown", { ...closed, cluster: "unknown" }),
      listener("mesh", { ...PATIENT, cluster: MESH_CLUSTER, failureMode: "closed" }),
      listener("own-limits", { ...PATIENT, sendLimits: true }),
      listener("other-domain", { ...PATIENT, domain: "not-known-to-the-service" }),
    ];
    envoys = [
      await startEnvoy({ resources: resources(listeners), concurrency: 2 }),
      await startEnvoy({ resources: resources(listeners), concurrency: 2 }),
    ];
  });

  afterAll(async () => {
    await Promise.all([...envoys, sidecar].map((envoy) => envoy?.stop()));
    await service?.stop();
    await redis?.stop();
  });

  const ask = (envoy: number, user: string, name = "patient"): Promise<Answer> =>
    send({ port: envoys[envoy]!.ports.get(name)!, path: "/cart", headers: { user } });

  /** Wasm counters of one Envoy, without what stands before their name. */
  async function counters(envoy: number): Promise<(name: string) => number> {
    const text = await envoys[envoy]!.admin("/stats?filter=weft_rate_limit");
    const lines = text.split("\n").map((line) => line.split(": "));
    const values = new Map(lines.map(([name = "", value]) => [name.replace(/^.*weft_rate_limit_/, ""), Number(value)]));
    return (name) => values.get(name) ?? 0;
  }

  async function eventually(check: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 600; i++) {
      if (await check()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("it did not happen within a minute");
  }

  test("two proxies with two workers each admit together exactly what the service allows", async () => {
    const before = await counters(0);
    const answers = await Promise.all(Array.from({ length: 2 * GLOBAL_LIMIT }, (_, i) => ask(i % 2, "ann")));
    const admitted = answers.filter((answer) => answer.status === 200);
    const refused = answers.filter((answer) => answer.status === 429);
    expect([admitted.length, refused.length]).toEqual([GLOBAL_LIMIT, GLOBAL_LIMIT]);
    const remaining = admitted.map((answer) => Number(answer.headers["ratelimit-remaining"]));
    expect(remaining.sort((a, b) => a - b)).toEqual(Array.from({ length: GLOBAL_LIMIT }, (_, i) => i));
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        "ratelimit-limit": String(GLOBAL_LIMIT),
        "ratelimit-policy": `${GLOBAL_LIMIT};w=${365 * 86400}`,
      });
      expect(Number(headers["ratelimit-reset"])).toBeGreaterThan(0);
    }
    for (const { headers, body } of refused) {
      expect(body).toBe("rate limit exceeded\n");
      expect(headers).toMatchObject({ "x-envoy-ratelimited": "true", "ratelimit-remaining": "0" });
      expect(headers["retry-after"]).toBe(headers["ratelimit-reset"]);
    }
    const after = await counters(0);
    const counted = (name: string) => after(name) - before(name);
    expect(counted("service_answers;code=ok") + counted("service_answers;code=over_limit")).toBe(GLOBAL_LIMIT);
    expect(counted("requests;limit=users;outcome=limited")).toBe(counted("service_answers;code=over_limit"));
  });

  test("each descriptor has its own count", async () => {
    expect((await ask(0, "bob")).headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 1));
    expect((await ask(1, "bob")).headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 2));
    expect((await ask(1, "cid")).headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 1));
    // Those that lack the header share one.
    const anonymous = (envoy: number) => send({ port: envoys[envoy]!.ports.get("patient")!, path: "/cart" });
    expect((await anonymous(0)).headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 1));
    expect((await anonymous(1)).headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 2));
  });

  test("the plugin's own numbers hold where they are sent along", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(i % 2, "ivy", "own-limits")));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(LOCAL_LIMIT);
    for (const { headers } of answers)
      expect(headers).toMatchObject({
        "ratelimit-limit": String(LOCAL_LIMIT),
        "ratelimit-policy": `${LOCAL_LIMIT};w=86400`,
      });
  });

  test("a cluster of the mesh is asked through the service's own sidecar", async () => {
    const { status, headers } = await ask(0, "joe", "mesh");
    expect([status, headers["ratelimit-remaining"]]).toEqual([200, String(GLOBAL_LIMIT - 1)]);
  });

  test("a body waits with its request", async () => {
    const port = envoys[0]!.ports.get("patient")!;
    const body = "x".repeat(200_000);
    expect((await send({ port, method: "POST", headers: { user: "dan" }, body })).status).toBe(200);
  });

  test("a domain that the service does not know has no limits", async () => {
    const { status, headers } = await ask(0, "ann", "other-domain");
    expect([status, headers["ratelimit-limit"]]).toEqual([200, undefined]);
  });

  test.each([
    ["refused", "unavailable"],
    ["empty", "not_sent"],
    ["unknown", "not_sent"],
  ])("a cluster that is %s counts as %s", async (name, reason) => {
    const before = await counters(0);
    const { status, body } = await ask(0, "eve", name);
    expect([status, body]).toEqual([503, "rate limit service unavailable\n"]);
    const after = await counters(0);
    const failures = `service_failures;reason=${reason}`;
    expect(after(failures) - before(failures)).toBe(1);
  });

  test("while the service hangs, requests stop to wait for it, and those that go away disturb nobody", async () => {
    const before = await counters(0);
    await freeze(service.pid);
    try {
      for (let i = 0; i < 20; i++) expect((await ask(0, "fay", "hasty")).status).toBe(200);
      const after = await counters(0);
      const counted = (name: string) => after(name) - before(name);
      const timeouts = counted("service_failures;reason=timeout");
      // Each of two workers gives up after three.
      expect(timeouts).toBeLessThanOrEqual(6);
      expect(timeouts).toBeGreaterThanOrEqual(3);
      expect({
        skipped: counted("service_failures;reason=circuit_open"),
        unavailable: counted("service_failures;reason=unavailable"),
        answered: counted("service_answers;code=ok") + counted("service_answers;code=over_limit"),
      }).toEqual({ skipped: 20 - timeouts, unavailable: 0, answered: 0 });
      await leave(envoys[0]!.ports.get("patient")!);
    } finally {
      process.kill(service.pid, "SIGCONT");
    }
    await eventually(async () => (await ask(0, "fay")).status === 200);
    expect(envoys[0]!.log()).not.toMatch(/\[critical\]|wasm.*trap/i);
  });

  test("a service that is killed leaves the local buckets in force; one that is back counts on", async () => {
    const { port } = service;
    for (let i = 0; i < 5; i++) expect((await ask(i % 2, "gil")).status).toBe(200);
    const before = await counters(0);
    process.kill(service.pid, "SIGKILL");
    await service.stop();
    for (const envoy of [0, 1]) {
      const statuses: number[] = [];
      for (let i = 0; i < LOCAL_LIMIT + 2; i++) statuses.push((await ask(envoy, "gil")).status);
      expect(statuses).toEqual([...Array(LOCAL_LIMIT).fill(200), 429, 429]);
    }
    const refused = await ask(0, "gil");
    expect(refused.headers).toMatchObject({ "ratelimit-limit": String(LOCAL_LIMIT), "x-envoy-ratelimited": "true" });
    const after = await counters(0);
    const failures = "service_failures;reason=unavailable";
    expect(after(failures) - before(failures)).toBe(LOCAL_LIMIT + 3);

    service = await startService(port);
    let answer: Answer | undefined;
    await eventually(async () => {
      answer = await ask(0, "gil");
      return answer.headers["ratelimit-limit"] === String(GLOBAL_LIMIT);
    });
    // Redis still has the five from before.
    expect(answer?.headers["ratelimit-remaining"]).toBe(String(GLOBAL_LIMIT - 6));
    expect((await ask(0, "ann")).status).toBe(429);
  });

  test("a service without its Redis is one without an answer", async () => {
    await redis.stop();
    const before = await counters(1);
    const statuses: number[] = [];
    for (let i = 0; i < LOCAL_LIMIT + 1; i++) statuses.push((await ask(1, "hal")).status);
    expect(statuses).toEqual([...Array(LOCAL_LIMIT).fill(200), 429]);
    const after = await counters(1);
    const failures = "service_failures;reason=error";
    expect(after(failures) - before(failures)).toBe(LOCAL_LIMIT + 1);
  });

  test("Envoy refuses a configuration with an empty cluster", async () => {
    await expect(startEnvoy({ resources: resources([listener("bad", { cluster: "" })]) })).rejects.toThrow(
      /"global.cluster"/,
    );
  });
});

/** Sends a request and goes away before it is answered. */
function leave(port: number): Promise<void> {
  return new Promise((resolve) => {
    const req = request({ host: "127.0.0.1", port, path: "/cart", headers: { user: "fay" }, agent: false });
    req.on("error", () => {});
    req.on("close", () => resolve());
    req.end(() => setTimeout(() => req.destroy(), 200));
  });
}
