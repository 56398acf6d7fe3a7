import { expect, it } from "vitest";
import { isObject } from "../decode/fields.js";
import { inject } from "./inject.js";
import { injectionSettings } from "./injection-settings.js";
import type { JsonObject } from "./json.js";

const CONTEXT = {
  settings: injectionSettings({ rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" }),
  namespace: "shop",
  token: "TOKEN",
};

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: the same numbers for the same seed. */
function createRandom(seed: number) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A pod with all that Kubernetes has a field for, and fields that nobody knows. */
function randomPod(random: () => number): JsonObject {
  const chance = (share: number) => random() < share;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const some = (entries: JsonObject, share = 0.4): JsonObject =>
    Object.fromEntries(Object.entries(entries).filter(() => chance(share)));
  const handler = () =>
    pick<JsonObject>([
      {
        httpGet: {
          path: pick(["/a", "b?c=1", ""]),
          port: pick([80, "http", "8080", "nowhere"]),
          scheme: pick(["HTTP", "HTTPS"]),
        },
      },
      { httpGet: { port: 80, httpHeaders: [{ name: "Host", value: "x" }] } },
      { httpGet: { port: 80, host: "10.0.0.1" } },
      { tcpSocket: { port: pick([80, "http"]) } },
      { grpc: { port: 80, service: "s" } },
      { exec: { command: ["true"] } },
    ]);
  const probe = () => ({
    ...handler(),
    ...some({ periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 4, unknown: 1 }),
  });
  const container = (name: string): JsonObject => ({
    name,
    image: "example.com/app:1",
    ...some({
      ports: [{ name: "http", containerPort: 8080, unknown: true }],
      readinessProbe: probe(),
      livenessProbe: probe(),
      startupProbe: probe(),
      lifecycle: some({ preStop: handler(), postStart: handler(), stopSignal: "SIGINT" }),
      securityContext: { runAsUser: 1000 },
      env: [{ name: "A", value: "$(B)" }],
      args: ["$(A)"],
      volumeMounts: [{ name: "data", mountPath: "/data" }],
      unknown: { deep: [1, { a: null }] },
    }),
  });
  const names = (prefix: string, max: number) =>
    Array.from({ length: Math.floor(random() * max) }, (_, i) => container(`${prefix}${i}`));
  return {
    ...some({ apiVersion: "v1", kind: "Pod", status: { phase: "Pending" }, unknown: 1 }),
    ...(chance(0.8) && {
      metadata: some({
        name: "web",
        labels: { app: "web" },
        annotations: { "example.com/a": "b", "proxy.weft.mesh/concurrency": pick(["1", "3"]) },
        ownerReferences: [{ kind: "Job", name: "j" }],
      }),
    }),
    spec: {
      containers: [container("app"), ...names("app-", 3)],
      ...some({
        initContainers: names("init-", 3),
        ephemeralContainers: [container("debug")],
        volumes: [{ name: "data", emptyDir: {} }],
        imagePullSecrets: [{ name: "s" }],
        securityContext: { fsGroup: 5 },
        restartPolicy: "Never",
        dnsPolicy: "ClusterFirst",
        unknown: [1],
      }),
    },
  };
}

/** Ways to values that are in `before` and not, or others, in `after`. Lists: `before` is the end, or the beginning. */
function lost(before: unknown, after: unknown, path: string): string[] {
  if (Array.isArray(before)) {
    if (!Array.isArray(after)) return [path];
    const ours = path === "spec.initContainers" ? after.length - before.length : 0;
    return before.flatMap((item, i) => lost(item, after[i + ours], `${path}.${i}`));
  }
  if (isObject(before)) {
    if (!isObject(after)) return [path];
    return Object.entries(before).flatMap(([key, value]) =>
      lost(value, after[key], path === "" ? key : `${path}.${key}`),
    );
  }
  return before === after ? [] : [path];
}

const REWRITTEN =
  /Containers\.\d+\.(\w+Probe|lifecycle\.\w+)\.(httpGet|tcpSocket|grpc)\b|^spec\.containers\.\d+\.(\w+Probe|lifecycle\.\w+)\.(httpGet|tcpSocket|grpc)\b/;

it("loses nothing that the user wrote, and injecting twice is injecting once", () => {
  let rewritten = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const pod = randomPod(createRandom(seed));
    const copy = structuredClone(pod);
    const injection = inject(pod, CONTEXT);
    expect(pod, `seed ${seed}: the pod was changed in its place`).toEqual(copy);
    if (injection.kind !== "injected") throw new Error(`seed ${seed}: ${JSON.stringify(injection)}`);
    const gone = lost(pod, injection.pod, "");
    rewritten += gone.length;
    expect(
      gone.filter((path) => !REWRITTEN.test(path)),
      `seed ${seed}`,
    ).toEqual([]);
    expect(inject(injection.pod, CONTEXT), `seed ${seed}`).toMatchObject({
      kind: "skipped",
      reason: "it has its sidecar already",
    });
    expect(inject(pod, CONTEXT), `seed ${seed}`).toEqual(injection);
  }
  expect(rewritten).toBeGreaterThan(500);
});

it("never throws, whatever it is given", () => {
  const random = createRandom(7);
  const wreck = (value: unknown): unknown => {
    if (random() < 0.04) return [null, 1, "x", [], {}, true, [null], { name: 1 }][Math.floor(random() * 8)];
    if (Array.isArray(value)) return value.map(wreck);
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wreck(inner)]))
      : value;
  };
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 400; seed += 1) {
    const pod = wreck(randomPod(createRandom(seed)));
    const injection = inject(pod, CONTEXT);
    kinds.add(injection.kind);
    if (injection.kind === "refused") expect(injection.diagnostics.length).toBeGreaterThan(0);
  }
  expect([...kinds].sort()).toEqual(["injected", "refused"]);
});
