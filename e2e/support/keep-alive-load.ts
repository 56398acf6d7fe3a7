import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "../../cli/src/demo/traffic.js";

export interface KeepAliveLoadOptions {
  readonly host: string;
  readonly port: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  /** What an answer is a sign of, such as a version; undefined: it is not as it should be. */
  readonly read: (status: number, headers: http.IncomingHttpHeaders) => string | undefined;
}

/** Somebody who keeps sending requests on a few connections that stay open. */
export interface KeepAliveLoad {
  readonly sent: number;
  /** What went wrong: no answer, an answer that could not be read, or a connection that did not stay open. */
  readonly faults: readonly string[];
  /** For each connection what the answers were signs of, in order, without repetitions. */
  readonly signs: readonly (readonly string[])[];
  /** From here on, signs are told anew; the last ones stay. */
  mark(): void;
  stop(): Promise<void>;
}

const PAUSE_MS = 20;
const MAX_REQUESTS = 200_000;
const MAX_FAULTS = 20;

export function startKeepAliveLoad({
  host,
  port,
  headers: sentHeaders = {},
  connections,
  read,
}: KeepAliveLoadOptions): KeepAliveLoad {
  let sent = 0;
  let running = true;
  const faults: string[] = [];
  const blame = (fault: string) => {
    if (faults.length < MAX_FAULTS) faults.push(`request ${sent}: ${fault}`);
  };
  let signs: string[][] = Array.from({ length: connections }, () => []);
  const client = async (index: number) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let connection: number | undefined;
    while (running && sent < MAX_REQUESTS) {
      try {
        const { status, headers, localPort } = await send({ host, port, path: "/", headers: sentHeaders, agent });
        if (connection !== undefined && connection !== localPort) blame("its connection was closed");
        connection = localPort;
        const sign = read(status, headers);
        const list = signs[index];
        if (sign === undefined) blame(`${status} ${JSON.stringify(headers)}`);
        else if (list?.at(-1) !== sign) list?.push(sign);
      } catch (error) {
        blame(String(error));
      }
      sent++;
      await sleep(PAUSE_MS);
    }
    agent.destroy();
  };
  const clients = Promise.all(Array.from({ length: connections }, (_, index) => client(index)));
  return {
    get sent() {
      return sent;
    },
    faults,
    get signs() {
      return signs;
    },
    mark() {
      signs = signs.map((list) => list.slice(-1));
    },
    async stop() {
      running = false;
      await clients;
    },
  };
}
