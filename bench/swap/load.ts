import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { clockMs } from "./clock.js";

export interface LoadTarget {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What one sidecar answered since the last mark. Times are of `clockMs`, and of answers. */
export interface TargetReport {
  readonly name: string;
  /** The first answer by the new version. */
  readonly firstNewMs?: number;
  /** The last answer by another version. */
  readonly lastOldMs?: number;
}

export interface LoadReport {
  readonly requests: number;
  /** No answer, or another status than 200. */
  readonly failed: number;
  /** Answered with 200, past the plugin. */
  readonly unfiltered: number;
  /** What was wrong with the first few. */
  readonly failures: readonly string[];
  readonly targets: readonly TargetReport[];
}

export interface Load {
  mark(version: string): void;
  report(): LoadReport;
  /** Sends no more, and closes the connections. */
  stop(): void;
}

export interface LoadOptions {
  readonly targets: readonly LoadTarget[];
  /** Keep-alive connections to each target. */
  readonly connections: number;
  /** Requests a second to each target, unless it is slower. */
  readonly rate: number;
}

const HEADER = "x-swap";
const REQUEST_LIMIT_MS = 15_000;
const MAX_FAILURES = 5;

type Answer = { readonly version: string | undefined; readonly problem?: string };

/** Sends requests until it is stopped: each connection has at most one under way, and keeps its pace. */
export function startLoad({ targets, connections, rate }: LoadOptions): Load {
  let wanted = "";
  let requests = 0;
  let failed = 0;
  let unfiltered = 0;
  let failures: string[] = [];
  let stopped = false;
  const agents: Agent[] = [];
  const seen = targets.map(({ name }) => ({
    name,
    firstNewMs: undefined as number | undefined,
    lastOldMs: undefined as number | undefined,
  }));

  const note = (index: number, { version, problem }: Answer): void => {
    const target = seen[index];
    if (target === undefined) return;
    const atMs = clockMs();
    requests++;
    if (problem !== undefined) failed++;
    else if (version === undefined) unfiltered++;
    else if (version !== wanted) target.lastOldMs = atMs;
    else target.firstNewMs ??= atMs;
    if ((problem !== undefined || version === undefined) && failures.length < MAX_FAILURES)
      failures.push(`${target.name}: ${problem ?? "unfiltered"}`);
  };
  const connection = async (index: number, target: LoadTarget, offset: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    const periodMs = (1000 * connections) / rate;
    for (let dueMs = clockMs() + periodMs * offset; ; dueMs = Math.max(dueMs + periodMs, clockMs() - periodMs)) {
      const pauseMs = dueMs - clockMs();
      if (pauseMs > 0) await sleep(pauseMs);
      if (stopped) return;
      const answer = await ask(target, agent);
      if (!stopped) note(index, answer);
    }
  };
  for (const [index, target] of targets.entries())
    for (let i = 0; i < connections; i++) void connection(index, target, (index / targets.length + i) / connections);

  return {
    stop: () => {
      stopped = true;
      for (const agent of agents) agent.destroy();
    },
    mark: (version) => {
      wanted = version;
      requests = 0;
      failed = 0;
      unfiltered = 0;
      failures = [];
      for (const target of seen) {
        target.firstNewMs = undefined;
        target.lastOldMs = undefined;
      }
    },
    report: () => ({
      requests,
      failed,
      unfiltered,
      failures,
      targets: seen.map(({ name, firstNewMs, lastOldMs }) => ({
        name,
        ...(firstNewMs === undefined ? {} : { firstNewMs }),
        ...(lastOldMs === undefined ? {} : { lastOldMs }),
      })),
    }),
  };
}

function ask({ host, port }: LoadTarget, agent: Agent): Promise<Answer> {
  return new Promise((done) => {
    const failedWith = (problem: string): void => done({ version: undefined, problem });
    const call = get({ host, port, path: "/", agent, timeout: REQUEST_LIMIT_MS }, (response) => {
      response.on("error", (error) => failedWith(error.message));
      response.on("end", () => {
        const version = response.headers[HEADER];
        if (response.statusCode !== 200) failedWith(`status ${response.statusCode}`);
        else done({ version: typeof version === "string" ? version : undefined });
      });
      response.resume();
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${REQUEST_LIMIT_MS} ms`)));
    call.on("error", (error) => failedWith(error.message));
  });
}
