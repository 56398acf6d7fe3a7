import http from "node:http";

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly ms: number;
  /** Port of our end of the connection: equal for requests on one connection. */
  readonly localPort: number | undefined;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: http.Agent;
}

const TIMEOUT_MS = 15_000;

/** One request; rejects when no answer comes. */
export function send({ host, port, path, headers, agent }: Target): Promise<Reply> {
  const beganMs = performance.now();
  return new Promise((done, fail) => {
    const call = http.get(
      { host, port, path, headers: { ...headers }, agent: agent ?? false, timeout: TIMEOUT_MS },
      (answer) => {
        let body = "";
        const { localPort } = answer.socket;
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => {
          body += part;
        });
        answer.on("end", () =>
          done({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body,
            ms: performance.now() - beganMs,
            localPort,
          }),
        );
        answer.on("error", fail);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    call.on("error", fail);
  });
}

/** What a stream of requests met. */
export interface LoadReport {
  readonly total: number;
  readonly failed: number;
  /** The first failures, for the table. */
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

export interface Load {
  readonly report: LoadReport;
  stop(): Promise<LoadReport>;
}

/** Sends requests, `concurrency` at a time and at most `limit`, until it is stopped. `judge` names what is wrong. */
export function startLoad(
  target: Omit<Target, "agent">,
  judge: (reply: Reply) => string | undefined,
  { concurrency = 4, limit = 200_000 } = {},
): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  let report: LoadReport = { total: 0, failed: 0, failures: [], slowestMs: 0 };
  let running = true;
  const worker = async () => {
    while (running && report.total < limit) {
      let problem: string | undefined;
      let ms = 0;
      try {
        const reply = await send({ ...target, agent });
        problem = judge(reply);
        ms = reply.ms;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
      report = {
        total: report.total + 1,
        failed: report.failed + (problem === undefined ? 0 : 1),
        failures:
          problem === undefined || report.failures.length >= 3 ? report.failures : [...report.failures, problem],
        slowestMs: Math.max(report.slowestMs, ms),
      };
    }
  };
  const workers = Promise.all(Array.from({ length: concurrency }, worker));
  return {
    get report() {
      return report;
    },
    async stop() {
      running = false;
      await workers;
      agent.destroy();
      return report;
    },
  };
}
