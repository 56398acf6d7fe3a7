import { httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../test/envoy-static.js";
import { buildPlugin } from "../measure/plugin-build.js";
import { runWrk } from "../measure/wrk.js";
import { type Accuracy, accuracy } from "./accuracy.js";

export interface RateLimitOptions {
  wrk: string;
  /** Limits, in requests a second. */
  rates: readonly number[];
  seconds: number;
  workers: number;
  connections: number;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** Whether a limit admits exactly so many requests one after the other. */
export interface Sequence {
  limit: number;
  sent: number;
  admitted: number;
  met: boolean;
}

export interface RateLimitResult {
  accuracies: Accuracy[];
  sequences: Sequence[];
}

/* So slow that no token flows in while the sequence runs. */
const SEQUENCES = [1, 10, 100];
const REFUSED = 429;
const SETTLE_LIMIT_MS = 30_000;
const POLL_MS = 50;

/** Measures the plugin in Envoy, each limit on a listener of its own. */
export async function measureRateLimit(options: RateLimitOptions): Promise<RateLimitResult> {
  const { wrk, rates, seconds, workers, connections, signal, onProgress } = options;
  const { wasm, manifest } = await buildPlugin("plugins/rate-limit");
  const listener = (name: string, limit: object) => {
    const configuration = { limits: [{ name, ...limit }] };
    const filter = wasmFilter({ wasm, name, vmId: name, rootId: manifest.rootId, configuration });
    return httpListener({ name, filters: [filter] });
  };
  const envoy = await startEnvoy({
    concurrency: workers,
    resources: {
      listeners: [
        ...rates.map((rate) => listener(`rate-${rate}`, { requests: rate, unit: "second" })),
        ...SEQUENCES.map((limit) => listener(`exactly-${limit}`, { requests: limit, unit: "day" })),
      ],
    },
  });
  try {
    const sequences: Sequence[] = [];
    for (const limit of SEQUENCES) {
      onProgress(`limit of ${limit}, one request after the other`);
      sequences.push(await sequence(envoy, limit, signal));
    }
    const accuracies: Accuracy[] = [];
    for (const rate of rates) {
      signal.throwIfAborted();
      onProgress(`limit of ${rate} a second, ${seconds} s of load`);
      const name = `rate-${rate}`;
      const load = await runWrk(wrk, { port: envoy.ports.get(name) ?? 0, seconds, connections, threads: 2, signal });
      const { admitted, refused, failed } = await counts(envoy, name);
      if (failed > 0) throw new Error(`${failed} answers are neither the limit's nor those of what is behind it`);
      const requests = admitted + refused;
      accuracies.push(accuracy({ rate, burst: rate, seconds: load.seconds, requests, admitted }));
    }
    return { accuracies, sequences };
  } finally {
    await envoy.stop();
  }
}

async function sequence(envoy: RunningEnvoy, limit: number, signal: AbortSignal): Promise<Sequence> {
  const sent = 2 * limit + 10;
  let admitted = 0;
  for (let i = 0; i < sent; i++) {
    signal.throwIfAborted();
    const { status } = await send({ port: envoy.ports.get(`exactly-${limit}`) ?? 0 });
    if (status === 200) admitted++;
    else if (status !== REFUSED) throw new Error(`a limit of ${limit} answered ${status}, not 200 or ${REFUSED}`);
  }
  return { limit, sent, admitted, met: admitted === limit };
}

interface Counts {
  admitted: number;
  refused: number;
  failed: number;
}

/** Envoy's own counts, which have the answers too that wrk no longer waited for; read when no request is under way. */
async function counts(envoy: RunningEnvoy, listener: string): Promise<Counts> {
  const deadline = Date.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const text = await envoy.admin(`/stats?filter=^http\\.${listener}\\.downstream_rq_`);
    const value = (name: string): number => {
      const found = new RegExp(`downstream_rq_${name}: (\\d+)`).exec(text)?.[1];
      if (found === undefined) throw new Error(`Envoy has no http.${listener}.downstream_rq_${name}`);
      return Number(found);
    };
    if (value("active") === 0)
      return { admitted: value("2xx"), refused: value("4xx"), failed: value("1xx") + value("3xx") + value("5xx") };
    if (Date.now() > deadline) throw new Error(`${value("active")} requests are still under way`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
