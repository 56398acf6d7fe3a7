import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";
import { cluster, httpListener, startEnvoy, startUpstream, wasmFilter } from "../../test/envoy-static.js";

export interface SoakOptions {
  requests: number;
  /** After how many the memory is first looked at. */
  warmUp: number;
  /** Connections at a time. Default 16. */
  connections?: number;
  /** The plugin's folder. Default: plugins/soak beside this file. */
  pluginDir?: string;
  /** Called with the number of requests sent so far, every few thousand. */
  onProgress?: (sent: number) => void;
  signal?: AbortSignal;
}

export interface SoakResult {
  /** Pages of 64 KiB of the VM after the warm-up and at the end. */
  pagesEarly: number;
  pagesLate: number;
  /** What Envoy has allocated (`server.memory_allocated`), in bytes. */
  allocatedEarly: number;
  allocatedLate: number;
  /** What of Envoy is in memory, in bytes. */
  residentEarly: number;
  residentLate: number;
  /** How many requests were sent: all, unless one failed, which ends the soak. */
  sent: number;
  failed: number;
  /** What was wrong with the first that failed. */
  failure?: string;
}

const MAX_BODY_BYTES = 65_536;
const REQUEST_LIMIT_MS = 60_000;
const PROGRESS_REQUESTS = 5_000;
const OS_PAGE_BYTES = 4096;

/** Sends requests with bodies through a plugin that calls out, in a real Envoy, and looks at its memory. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { requests, warmUp, connections = 16, signal, onProgress } = options;
  const { pluginDir = fileURLToPath(new URL("./plugins/soak", import.meta.url)) } = options;
  const built = await compilePlugin({ dir: pluginDir });
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
    const failures: string[] = [];
    let sent = 0;
    const port = envoy.ports.get("soak") ?? 0;
    const until = async (limit: number): Promise<void> => {
      const worker = async (): Promise<void> => {
        while (sent < limit && failures.length === 0) {
          signal?.throwIfAborted();
          const failure = await roundTrip(agent, port, sent++);
          if (failure !== undefined) failures.push(failure);
          if (sent % PROGRESS_REQUESTS === 0) onProgress?.(sent);
        }
      };
      await Promise.all(Array.from({ length: connections }, worker));
    };
    const stat = async (name: string): Promise<number> =>
      Number(new RegExp(`${name}: (\\d+)`).exec(await envoy.admin(`/stats?filter=${name}`))?.[1]);
    const memory = async () => ({
      pages: await stat("soak_pages"),
      allocated: await stat("server.memory_allocated"),
      resident: Number((await readFile(`/proc/${envoy.pid}/statm`, "utf8")).split(" ")[1]) * OS_PAGE_BYTES,
    });
    await until(warmUp);
    const early = await memory();
    await until(requests);
    const late = await memory();
    return {
      pagesEarly: early.pages,
      pagesLate: late.pages,
      allocatedEarly: early.allocated,
      allocatedLate: late.allocated,
      residentEarly: early.resident,
      residentLate: late.resident,
      sent,
      failed: failures.length,
      ...(failures[0] === undefined ? {} : { failure: failures[0] }),
    };
  } finally {
    agent.destroy();
    await envoy.stop();
    await Promise.all([upstream.stop(), callee.stop()]);
  }
}

/* Sizes repeat, so that every thousand requests are alike. Gives what was wrong with the answer. */
function roundTrip(agent: Agent, port: number, number: number): Promise<string | undefined> {
  const size = number % 50 === 0 ? MAX_BODY_BYTES : 1 + ((number * 37) % 4096);
  const body = "b".repeat(size);
  return new Promise((resolve) => {
    const failed = (reason: string) => resolve(`request ${number} with a body of ${size} bytes: ${reason}`);
    const req = request({ host: "127.0.0.1", port, path: `/${number % 100}`, method: "POST", agent }, (res) => {
      let received = 0;
      res.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      res.on("error", (error) => failed(error.message));
      res.on("end", () => {
        if (res.statusCode !== 200) failed(`status ${res.statusCode}, ${received} bytes`);
        else if (received <= size) failed(`${received} bytes, which lack the callout's answer`);
        else resolve(undefined);
      });
    });
    req.on("error", (error) => failed(error.message));
    req.setTimeout(REQUEST_LIMIT_MS, () => req.destroy(new Error("no answer")));
    req.end(body);
  });
}
