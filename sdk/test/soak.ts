import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { cluster, httpListener, startEnvoy, startUpstream, wasmFilter } from "../../test/envoy-static.js";
import { compilePlugin, formatDiagnostic } from "../build/index.js";

export interface SoakOptions {
  requests: number;
  /** After how many the memory is first looked at. */
  warmUp: number;
  /** Connections at a time. Default 16. */
  connections?: number;
}

export interface SoakResult {
  /** Pages of 64 KiB of the VM after the warm-up and at the end. */
  pagesEarly: number;
  pagesLate: number;
  /** What Envoy has allocated (`server.memory_allocated`), in bytes. */
  allocatedEarly: number;
  allocatedLate: number;
  /** The soak ends at the first request that fails. */
  failed: number;
}

const MAX_BODY_BYTES = 65_536;
const REQUEST_LIMIT_MS = 60_000;

/** Sends requests with bodies through a plugin that calls out, in a real Envoy, and looks at its memory. */
export async function runSoak({ requests, warmUp, connections = 16 }: SoakOptions): Promise<SoakResult> {
  const built = await compilePlugin({ dir: fileURLToPath(new URL("./plugins/soak", import.meta.url)) });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  const upstream = await startUpstream((req, res) => req.pipe(res));
  const callee = await startUpstream((req, res) => res.end(`answer ${req.headers["x-size"]}`));
  const listener = httpListener({
    name: "soak",
    filters: [wasmFilter({ wasm: built.wasm, name: "soak" })],
    routes: [{ match: { prefix: "/" }, route: { cluster: "up" } }],
  });
  const clusters = [cluster("up", upstream.port), cluster("callee", callee.port)];
  const envoy = await startEnvoy({ resources: { clusters, listeners: [listener] } });
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    let failed = 0;
    let sent = 0;
    const port = envoy.ports.get("soak") ?? 0;
    const until = async (limit: number): Promise<void> => {
      const worker = async (): Promise<void> => {
        while (sent < limit && failed === 0) if (!(await roundTrip(agent, port, sent++))) failed++;
      };
      await Promise.all(Array.from({ length: connections }, worker));
    };
    const stat = async (name: string): Promise<number> =>
      Number(new RegExp(`${name}: (\\d+)`).exec(await envoy.admin(`/stats?filter=${name}`))?.[1]);
    await until(warmUp);
    const pagesEarly = await stat("soak_pages");
    const allocatedEarly = await stat("server.memory_allocated");
    await until(requests);
    const pagesLate = await stat("soak_pages");
    const allocatedLate = await stat("server.memory_allocated");
    return { pagesEarly, pagesLate, allocatedEarly, allocatedLate, failed };
  } finally {
    agent.destroy();
    await envoy.stop();
    await Promise.all([upstream.stop(), callee.stop()]);
  }
}

/* Sizes repeat, so that every thousand requests are alike. */
function roundTrip(agent: Agent, port: number, number: number): Promise<boolean> {
  const size = number % 50 === 0 ? MAX_BODY_BYTES : 1 + ((number * 37) % 4096);
  const body = "b".repeat(size);
  return new Promise((resolve) => {
    const req = request({ host: "127.0.0.1", port, path: `/${number % 100}`, method: "POST", agent }, (res) => {
      let received = 0;
      res.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      res.on("error", () => resolve(false));
      res.on("end", () => resolve(res.statusCode === 200 && received > size));
    });
    req.on("error", () => resolve(false));
    req.setTimeout(REQUEST_LIMIT_MS, () => req.destroy(new Error("no answer")));
    req.end(body);
  });
}
