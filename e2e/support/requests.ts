import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Request {
  readonly host: string;
  readonly port: number;
  /** Default `/`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 15_000;

/** One request on a connection of its own. Rejects when no answer comes. */
export function get({ host, port, path = "/", headers = {} }: Request): Promise<Answer> {
  return new Promise((done, fail) => {
    const call = http.get({ host, port, path, headers, agent: false, timeout: TIMEOUT_MS }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => {
        body += text;
      });
      answer.on("end", () => done({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      answer.on("error", fail);
    });
    call.on("timeout", () => call.destroy(new Error(`no answer from ${host}:${port} in ${TIMEOUT_MS / 1000} s`)));
    call.on("error", fail);
  });
}

/** Somebody who keeps sending requests, and remembers the answers that were not as they should be. */
export interface Load {
  readonly sent: number;
  readonly faults: readonly string[];
  stop(): Promise<void>;
}

/** Sends one request after the other until it is stopped. `judge` says what is wrong with an answer. */
export function startLoad(request: Request, judge: (answer: Answer) => string | undefined): Load {
  let sent = 0;
  let running = true;
  const faults: string[] = [];
  const worker = (async () => {
    while (running) {
      const fault = await get(request).then(judge, (error: Error) => error.message);
      if (fault !== undefined && faults.length < 10) faults.push(`request ${sent}: ${fault}`);
      sent++;
      await sleep(20);
    }
  })();
  return {
    get sent() {
      return sent;
    },
    faults,
    stop: async () => {
      running = false;
      await worker;
    },
  };
}
