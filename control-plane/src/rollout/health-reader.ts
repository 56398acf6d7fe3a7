import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { peerIdentity } from "../identity/peer-identity.js";
import type { TlsIdentity } from "../identity/tls-identity.js";
import { ROLLOUT_HEALTH_PATH, ROLLOUT_HEALTH_PORT } from "../injection/ports.js";
import { parseStats } from "./health-stats.js";

export type HealthErrorCode = "unreachable" | "timeout" | "wrong-identity" | "bad-answer" | "too-large";

/** A proxy's health could not be read. Branch on `code`, never on `message`. */
export class HealthError extends Error {
  override readonly name = "HealthError";
  readonly code: HealthErrorCode;

  constructor(code: HealthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface HealthReaderOptions extends TlsIdentity {
  readonly trustDomain: string;
  /** Default 15092. */
  readonly port?: number;
  /** For all of one answer. Default 2,000. */
  readonly timeoutMs?: number;
}

/** Reads the health of proxies from their own port for it, on which they let only the control plane in. */
export interface HealthReader {
  /**
   * The counters of a proxy, by name.
   * @param proxyKey `<namespace>/<workload>`, which the proxy's certificate must name
   * @throws HealthError
   */
  read(proxyKey: string, address: string, signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** Shows another certificate, and trusts other roots, from the next read on. */
  updateTls(identity: TlsIdentity): void;
  close(): void;
}

const MAX_ANSWER_BYTES = 1024 * 1024;
const TIMEOUT_MS = 2000;
/** Connections are kept from one look to the next; the rest is made anew each time. */
const MAX_IDLE_CONNECTIONS = 256;

export function createHealthReader(options: HealthReaderOptions): HealthReader {
  let agent = createAgent(options);
  return {
    read: (proxyKey, address, signal) => read({ ...options, agent, proxyKey, address, signal }),
    updateTls: (identity) => {
      const old = agent;
      agent = createAgent(identity);
      // What is being read is read to its end.
      old.maxFreeSockets = 0;
      for (const idle of Object.values(old.freeSockets)) for (const socket of idle ?? []) socket.destroy();
    },
    close: () => agent.destroy(),
  };
}

function createAgent({ certificateChain, privateKey, roots }: TlsIdentity): Agent {
  return new Agent({
    keepAlive: true,
    maxFreeSockets: MAX_IDLE_CONNECTIONS,
    // A resumed session would not show the peer's certificate again.
    maxCachedSessions: 0,
    cert: certificateChain,
    key: privateKey,
    ca: roots,
    minVersion: "TLSv1.3",
    // Proxies are named by SPIFFE ids, which are looked at below, for every answer.
    checkServerIdentity: () => undefined,
  });
}

interface Question extends HealthReaderOptions {
  readonly agent: Agent;
  readonly proxyKey: string;
  readonly address: string;
  readonly signal: AbortSignal;
}

function read(question: Question): Promise<ReadonlyMap<string, number>> {
  const { agent, proxyKey, address, port = ROLLOUT_HEALTH_PORT, timeoutMs = TIMEOUT_MS } = question;
  const where = `${address}:${port}`;
  const limit = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([question.signal, limit]);
  return new Promise((resolve, reject) => {
    const fail = (code: HealthErrorCode, message: string, cause?: unknown) => {
      reject(new HealthError(code, message, { cause }));
      call.destroy();
    };
    const call = request({ agent, host: address, port, path: ROLLOUT_HEALTH_PATH, signal }, (response) => {
      const peer = peerIdentity((response.socket as TLSSocket).getPeerCertificate().raw, question.trustDomain);
      const name = peer.ok ? `${peer.namespace}/${peer.workload}` : peer.message;
      if (name !== proxyKey) {
        fail("wrong-identity", `${where} is not the proxy of ${proxyKey}: ${name}`);
        return;
      }
      if (response.statusCode !== 200) {
        fail("bad-answer", `${where} answers with status ${response.statusCode}`);
        return;
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER_BYTES)
          fail("too-large", `${where} answers with more than ${MAX_ANSWER_BYTES} bytes`);
      });
      response.on("error", (error) => fail("unreachable", `${where}: ${error.message}`, error));
      response.on("end", () => {
        const stats = parseStats(text);
        if (stats === undefined) fail("bad-answer", `${where} does not answer with Envoy's stats`);
        else resolve(stats);
      });
    });
    call.on("error", (error) => {
      if (limit.aborted) fail("timeout", `${where} does not answer within ${timeoutMs} ms`, error);
      else fail("unreachable", `${where}: ${error.message}`, error);
    });
    call.end();
  });
}
