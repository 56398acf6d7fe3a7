import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cluster, httpListener, type RunningEnvoy, send, wasmFilter } from "../../test/envoy-static.js";
import { ROOT } from "../measure/repository.js";
import { buildPluginModule } from "./plugin-module.js";
import { LISTENER, type Subject } from "./subject.js";

/** The path at which the upstream fails. */
export const FAILING_PATH = "/fail";

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const HEADERS = { "x-user-id": "user-17", "user-agent": "bench/1.0", accept: "application/json" };
const LIMIT_MS = 30_000;
const POLL_MS = 50;

/** What a plugin of the repository is measured with, and how one sees that it works. */
interface Scenario {
  routes: readonly object[];
  check: (envoy: RunningEnvoy) => Promise<void>;
}

const toUpstream = { route: { cluster: CLUSTER } };
const PLAIN_ROUTES = [{ match: { prefix: "/" }, ...toUpstream }];
const SUBSET = "v2";
/* As the mesh makes them where a plugin requires subsetRoutes. */
const SUBSET_ROUTES = [
  {
    match: { prefix: "/", filter_state: [{ key: "wasm.weft.subset", string_match: { exact: SUBSET } }] },
    response_headers_to_add: [{ header: { key: "x-subset", value: SUBSET } }],
    ...toUpstream,
  },
  ...PLAIN_ROUTES,
];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  retry: {
    routes: PLAIN_ROUTES,
    check: async (envoy) => {
      await get(envoy, FAILING_PATH, {}, 503);
      const stats = await envoy.admin("/stats?filter=upstream_rq_retry$");
      if (!/upstream_rq_retry: [1-9]/.test(stats)) throw new Error("a request that failed was not retried");
    },
  },
  canary: {
    routes: SUBSET_ROUTES,
    check: async (envoy) => {
      const { headers } = await get(envoy, "/", { "x-canary": "always" }, 200);
      if (headers["x-subset"] !== SUBSET) throw new Error(`x-canary: always did not lead to ${SUBSET}`);
    },
  },
  "rate-limit": {
    routes: PLAIN_ROUTES,
    check: async (envoy) => {
      const { headers } = await get(envoy, "/", {}, 200);
      if (!Object.keys(headers).some((name) => name.startsWith("ratelimit")))
        throw new Error("the answer has no RateLimit header");
    },
  },
  telemetry: {
    routes: PLAIN_ROUTES,
    check: async (envoy) => {
      await get(envoy, "/", {}, 200);
      // The access log is written after the answer has left.
      const deadline = Date.now() + LIMIT_MS;
      while (!/^istio_requests_total.* [1-9]\d*$/m.test(await envoy.admin("/stats/prometheus"))) {
        if (Date.now() > deadline) throw new Error("istio_requests_total does not count");
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  },
};

export const PLUGINS = Object.keys(SCENARIOS);

/** The base of the plugins: a route to an upstream. */
export const ROUTED = "routed";

/** The cheapest upstream there is: an Envoy that answers by itself. */
export function upstreamResources(): object {
  const answer = (status: number) => ({ direct_response: { status, body: { inline_string: "ok" } } });
  const routes = [
    { match: { path: FAILING_PATH }, ...answer(503) },
    { match: { prefix: "/" }, ...answer(200) },
  ];
  return { listeners: [httpListener({ name: LISTENER, filters: [], routes })] };
}

export function routedSubject(upstreamPort: number): Subject {
  const check = async (envoy: RunningEnvoy): Promise<void> => void (await get(envoy, "/", {}, 200));
  const resources = resourcesOf(upstreamPort, [], PLAIN_ROUTES);
  return { name: ROUTED, what: "Envoy with an upstream", filters: 0, resources, headers: HEADERS, check };
}

export async function pluginSubject(name: string, upstreamPort: number, outDir: string): Promise<Subject> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario for plugin ${name}`);
  const { routes, check } = scenario;
  const module = await buildPluginModule(`plugins/${name}`, outDir);
  const configuration = await readFile(join(ROOT, "bench", "filters", "plugins", `${name}.json`), "utf8");
  const filter = wasmFilter({ wasm: module.path, name, rootId: module.manifest.rootId, configuration });
  const resources = resourcesOf(upstreamPort, [filter], routes);
  return { name, what: `plugins/${name}`, base: ROUTED, filters: 1, module, resources, headers: HEADERS, check };
}

function resourcesOf(upstreamPort: number, filters: readonly object[], routes: readonly object[]): object {
  const listener = { ...httpListener({ name: LISTENER, filters, routes }), traffic_direction: "OUTBOUND" };
  return { clusters: [cluster(CLUSTER, upstreamPort)], listeners: [listener] };
}

async function get(envoy: RunningEnvoy, path: string, headers: Record<string, string>, expected: number) {
  const answer = await send({ port: envoy.ports.get(LISTENER) ?? 0, path, headers: { ...HEADERS, ...headers } });
  if (answer.status === expected) return answer;
  throw new Error(`the answer to ${path} is ${answer.status}, not ${expected}:\n${answer.body}\n${envoy.log()}`);
}
