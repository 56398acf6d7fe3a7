import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { type RunningEnvoy, startUpstream, type Upstream } from "../../../test/envoy-static.js";

/** What an upstream saw of a path: when each try came, and the headers of the router that were left. */
export interface Seen {
  readonly times: number[];
  readonly routerHeaders: string[];
}

export interface FlakyUpstream extends Upstream {
  seen(path: string): Seen;
  /** All tries so far. */
  readonly total: number;
}

/**
 * Does what a path says, try by try, the last for all that follow: `/500,reset,200/name`. A number is a status; `reset`
 * ends the connection; `never` gives no answer; `wait` is a 429 with a Retry-After of one second.
 */
export async function startFlakyUpstream(): Promise<FlakyUpstream> {
  const paths = new Map<string, Seen>();
  let total = 0;
  const seen = (path: string): Seen => paths.get(path) ?? { times: [], routerHeaders: [] };
  const upstream = await startUpstream((req, res) => {
    const path = req.url ?? "/";
    const known = seen(path);
    paths.set(path, known);
    const steps = (path.split("/")[1] ?? "200").split(",");
    const step = steps[Math.min(known.times.length, steps.length - 1)] ?? "200";
    total++;
    known.times.push(performance.now());
    known.routerHeaders.push(...Object.keys(req.headers).filter((name) => /^x-envoy-(retr|max-)/.test(name)));
    if (step === "never") return;
    if (step === "reset") res.destroy();
    else if (step === "wait") res.writeHead(429, { "retry-after": "1" }).end();
    else res.writeHead(Number(step)).end("body");
  });
  return {
    ...upstream,
    seen,
    get total() {
      return total;
    },
  };
}

/** The route that the control plane makes while a plugin requires `retryBackoff`, to another cluster. */
export function meshRoute(cluster: string): object {
  const file = new URL("../../../control-plane/src/translate/testdata/retry-backoff.out.yaml", import.meta.url);
  const golden = parse(readFileSync(fileURLToPath(file), "utf8")) as {
    proxies: { resources: { type: string; config: { virtual_hosts?: { routes: MeshRoute[] }[] } }[] }[];
  };
  const routes = golden.proxies
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type === "routes")
    .flatMap(({ config }) => config.virtual_hosts ?? [])
    .flatMap((host) => host.routes);
  const found = routes.find(({ name }) => name === "backend-default");
  if (found === undefined) throw new Error("the golden file has no route backend-default");
  return { ...found, route: { ...found.route, cluster } };
}

interface MeshRoute {
  readonly name: string;
  readonly route?: object;
}

/** Envoy's value of each of the plugin's statistics; those that are 0 are left out. */
export async function statistics(envoy: RunningEnvoy): Promise<Record<string, number>> {
  const text = await envoy.admin("/stats?usedonly&filter=weft_retry");
  return Object.fromEntries(
    [...text.matchAll(/^wasmcustom\.weft_retry_(\S+): (\d+)$/gm)]
      .map(([, name = "", value]) => [name, Number(value)] as const)
      .filter(([, value]) => value !== 0),
  );
}

/** Waits until something holds: the plugin counts after the answer has left. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`${what}: not within a minute`);
}
