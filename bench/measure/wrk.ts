import { findTool, MissingToolError, run } from "./tools.js";

/** https://github.com/wg/wrk: it sends as fast as the answers come, for a number of seconds. */
export interface LoadOptions {
  /** Default: 127.0.0.1. */
  host?: string;
  port: number;
  seconds: number;
  connections: number;
  threads?: number;
  headers?: Readonly<Record<string, string>>;
  path?: string;
  signal: AbortSignal;
}

export interface Load {
  requests: number;
  /** Answers that are neither 2xx nor 3xx. */
  refused: number;
  /** Connections that failed and answers that did not come. */
  socketErrors: number;
  /** What it really took. */
  seconds: number;
  latency: Latency;
}

/** How long answers took, in seconds: so many percent of them at most so long. */
export interface Latency {
  p50: number;
  p99: number;
}

/** The path of wrk. Throws MissingToolError. */
export function findWrk(wanted: string): string {
  const found = findTool("wrk", { debianPackage: "wrk", wanted });
  if (typeof found !== "string") throw new MissingToolError([found]);
  return found;
}

export async function runWrk(wrk: string, options: LoadOptions): Promise<Load> {
  const { host = "127.0.0.1", port, seconds, connections, threads = 1, headers = {}, path = "/", signal } = options;
  const args = ["--latency", `-t${threads}`, `-c${connections}`, `-d${seconds}s`];
  for (const [name, value] of Object.entries(headers)) args.push("-H", `${name}: ${value}`);
  const limitMs = (seconds + 60) * 1000;
  return parseWrk(await run(wrk, [...args, `http://${host}:${port}${path}`], { limitMs, signal }));
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Reads wrk's report, with its distribution of latencies. */
export function parseWrk(report: string): Load {
  const total = /(\d+) requests in ([\d.]+)(us|ms|s|m|h),/.exec(report);
  if (total === null) throw new Error(`wrk wrote no count of requests:\n${report}`);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report);
  return {
    requests: Number(total[1]),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0),
    socketErrors: (errors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0),
    seconds: Number(total[2]) * (UNIT_SECONDS[total[3] ?? "s"] ?? 1),
    latency: { p50: percentile(report, 50), p99: percentile(report, 99) },
  };
}

function percentile(report: string, percent: number): number {
  const found = new RegExp(`^\\s*${percent}%\\s+([\\d.]+)(us|ms|s|m|h)$`, "m").exec(report);
  if (found === null) throw new Error(`wrk wrote no latency of ${percent}%:\n${report}`);
  return Number(found[1]) * (UNIT_SECONDS[found[2] ?? "s"] ?? 1);
}
