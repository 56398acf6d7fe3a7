import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { errorOfStatus, type KubernetesApiError } from "./api-error.js";

/** What reading from an API server takes: answers are JSON as it came, of which nothing is certain. */
export interface KubernetesReader {
  /** @throws KubernetesApiError, or the error of the connection */
  get(path: string, options: GetOptions): Promise<unknown>;
  /** The JSON lines of an answer that goes on, until the server ends it or the signal aborts. Throws like `get`. */
  stream(path: string, options: StreamOptions): AsyncIterable<unknown>;
  close(): void;
}

export interface GetOptions {
  /** Media type of the answer. Default: JSON. */
  readonly accept?: string;
  readonly signal: AbortSignal;
  /** Without a byte for so long the request has failed. */
  readonly timeoutMs: number;
}

export interface StreamOptions extends Omit<GetOptions, "timeoutMs"> {
  /** For the first byte of the answer. */
  readonly timeoutMs: number;
  /** Without a byte for so long afterwards the connection counts as lost. */
  readonly idleMs: number;
}

/** A page of a list has at most so much; an object of etcd has 1.5 MiB. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
/** Finds out about a server that vanished without a word. */
const KEEP_ALIVE_MS = 15_000;

/** Reads from the API server that the kubeconfig names, as the user that it names. */
export function createKubernetesReader(kubeconfig: KubeConfig): KubernetesReader {
  const cluster = kubeconfig.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig names no cluster");
  const server = new URL(cluster.server);
  const isPlain = server.protocol === "http:";
  const agent = new (isPlain ? HttpAgent : HttpsAgent)({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS });

  const open = async (path: string, { accept = "application/json", signal, timeoutMs }: GetOptions) => {
    const options: RequestOptions = { headers: { accept } };
    // Credentials may be new since the last request: tokens are read again, plugins for credentials asked again.
    await kubeconfig.applyToHTTPSOptions(options);
    signal.throwIfAborted();
    return new Promise<IncomingMessage>((done, fail) => {
      const request = (isPlain ? httpRequest : httpsRequest)({
        ...options,
        // Each call makes an agent of its own; only one that goes through a proxy knows more than ours.
        ...(cluster.proxyUrl === undefined ? { agent } : {}),
        hostname: server.hostname.replace(/^\[|\]$/g, ""),
        port: server.port === "" ? (isPlain ? 80 : 443) : Number(server.port),
        path: `${server.pathname.replace(/\/$/, "")}${path}`,
        method: "GET",
        signal,
      });
      request.setTimeout(timeoutMs, () => request.destroy(new Error(`the API server is silent for ${timeoutMs} ms`)));
      request.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      request.on("error", fail);
      request.on("response", done);
      request.end();
    });
  };

  return {
    async get(path, options) {
      const response = await open(path, options);
      if (!isSuccess(response)) throw await failure(response);
      return JSON.parse((await readBody(response, MAX_ANSWER_BYTES)).toString("utf8"));
    },
    async *stream(path, options) {
      const response = await open(path, options);
      if (!isSuccess(response)) throw await failure(response);
      response.setTimeout(options.idleMs, () =>
        response.destroy(new Error(`the API server is silent for ${options.idleMs} ms`)),
      );
      yield* readLines(response);
    },
    close: () => agent.destroy(),
  };
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function failure(response: IncomingMessage): Promise<KubernetesApiError> {
  const { statusCode = 0, headers } = response;
  const seconds = Number(headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  let status: unknown;
  try {
    status = JSON.parse((await readBody(response, MAX_ERROR_BYTES)).toString("utf8"));
  } catch {
    // A proxy before the server answers with anything.
  }
  return errorOfStatus(status, statusCode, retryAfterMs);
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong(response, "an answer", maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

async function* readLines(response: IncomingMessage): AsyncGenerator<unknown> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString("utf8");
      rest = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE_BYTES) throw tooLong(response, "a line", MAX_LINE_BYTES);
  }
}

function tooLong(response: IncomingMessage, what: string, maxBytes: number): Error {
  response.destroy();
  return new Error(`${what} of the API server has more than ${maxBytes} bytes`);
}
