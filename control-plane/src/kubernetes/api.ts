import { Agent, type RequestOptions, request } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** A question to the API server. */
export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the root of the server, its parts escaped, with its query. */
  readonly path: string;
  /** Sent as JSON; a patch is a JSON merge patch: https://www.rfc-editor.org/rfc/rfc7386 */
  readonly body?: unknown;
  /** Default: 10 seconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What it answered; every status is an answer. */
export interface ApiAnswer {
  readonly status: number;
  /** The JSON, or undefined where it is none. */
  readonly body: unknown;
  /** Why not, in the API server's words; empty for an answer that is none of `Status`. */
  readonly message: string;
}

/** The API server, for what is asked and answered once. */
export interface KubernetesApi {
  /** @throws KubernetesError when there is no answer */
  ask(call: ApiCall): Promise<ApiAnswer>;
  close(): void;
}

/** There was no answer of the API server, or none that can be used. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";
  readonly code: "unreachable" | "answer-too-large" | "refused";

  constructor(code: KubernetesError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const TIMEOUT_MS = 10_000;
/** A page of 500 objects, each as large as etcd takes it, is not what anybody has. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_SOCKETS = 16;

export function createKubernetesApi(kubeconfig: KubeConfig): KubernetesApi {
  const { server = "" } = kubeconfig.getCurrentCluster() ?? {};
  const base = new URL(server);
  let agent: { readonly of: string; readonly agent: Agent } | undefined;

  /** Connections are kept as long as what they are made with is the same; tokens may change with each question. */
  const agentFor = ({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): Agent => {
    const of = JSON.stringify([ca, cert, key, servername, rejectUnauthorized].map((part) => String(part)));
    if (agent?.of === of) return agent.agent;
    agent?.agent.destroy();
    const options = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
    agent = { of, agent: new Agent({ ...options, keepAlive: true, maxSockets: MAX_SOCKETS }) };
    return agent.agent;
  };

  return {
    async ask({ method, path, body, timeoutMs = TIMEOUT_MS, signal }) {
      const options: RequestOptions = { headers: {} };
      await kubeconfig.applyToHTTPSOptions(options);
      const isProxied = (kubeconfig.getCurrentCluster() as { readonly proxyUrl?: string } | null)?.proxyUrl;
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      return await exchange(
        new URL(base.pathname.replace(/\/$/, "") + path, base),
        {
          ...options,
          method,
          ...(isProxied ? {} : { agent: agentFor(options) }),
          ...(signal === undefined ? {} : { signal }),
          headers: {
            ...options.headers,
            accept: "application/json",
            ...(sent === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(sent) }),
          },
        },
        sent,
        timeoutMs,
      );
    },
    close: () => agent?.agent.destroy(),
  };
}

function exchange(url: URL, options: RequestOptions, sent: string | undefined, timeoutMs: number): Promise<ApiAnswer> {
  const what = `${options.method} ${url.pathname}`;
  return new Promise((done, fail) => {
    const failed = (cause: Error) =>
      fail(
        cause instanceof KubernetesError
          ? cause
          : new KubernetesError("unreachable", `${what}: ${cause.message}`, { cause }),
      );
    const call = request(url, options, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > MAX_ANSWER_BYTES)
          call.destroy(new KubernetesError("answer-too-large", `${what}: more than ${MAX_ANSWER_BYTES} bytes`));
      });
      response.on("error", failed);
      response.on("end", () => {
        clearTimeout(limit);
        done(answerOf(response.statusCode ?? 0, Buffer.concat(parts).toString("utf8")));
      });
    });
    // As a whole: an API server that sends a byte now and then must not hold us.
    const limit = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs).unref();
    call.on("error", (error) => {
      clearTimeout(limit);
      failed(error);
    });
    call.end(sent);
  });
}

function answerOf(status: number, text: string): ApiAnswer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy in between, say.
  }
  const { kind, message } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const said = kind === "Status" && typeof message === "string" ? message : "";
  return { status, body, message: status < 400 ? "" : said || text.slice(0, 200) };
}
