import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createDiskStorage } from "./disk/disk-storage.js";
import { dispatch } from "./dispatch.js";
import { ApiError, RegistryServerError } from "./errors.js";
import { type Stores, sendJson } from "./exchange.js";
import { type Authentication, createGuard, type Guard } from "./guard.js";
import { createMemoryStorage } from "./memory/memory-storage.js";
import type { Storage } from "./storage.js";

export interface RegistryServerLogger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface RegistryServerOptions {
  /** Where everything is kept, made if it is not there; absent: in memory, until it is closed. */
  readonly dir?: string;
  /** The most that all content in memory may have. Default: 1 GiB. */
  readonly maxMemoryBytes?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** The most that one blob may have. Default: 256 MiB. */
  readonly maxUploadBytes?: number;
  /** After how long without a byte an unfinished upload is forgotten. Default: one day. */
  readonly uploadExpiryMs?: number;
  /** Default: none, whoever reaches the address can push. */
  readonly authentication?: Authentication;
  /** PEM. Default: plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** Default: silent. */
  readonly logger?: RegistryServerLogger;
  /** Told of each request when its answer has ended. Default: nobody is told. */
  readonly onRequest?: (request: AnsweredRequest) => void;
}

/** A request and what became of it. Neither credentials nor content are in it. */
export interface AnsweredRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  /** Address of the client. */
  readonly from: string;
  /** Absent where the client left before there was an answer. */
  readonly status?: number;
  /** Whether the client got the answer whole. */
  readonly isComplete: boolean;
  readonly tookMs: number;
}

export interface RegistryServer {
  /** `host:port`, as it stands in references. */
  readonly address: string;
  readonly port: number;
  /** Stops listening, lets requests end for at most `graceMs` (default 2,000), and closes all connections. */
  close(graceMs?: number): Promise<void>;
}

const SILENT: RegistryServerLogger = { info() {}, warn() {}, error() {} };
const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
const SWEEP_INTERVAL_MS = 3_600_000;
const MIN_SWEEP_INTERVAL_MS = 1_000;
/** A slow line needs a while for a large blob. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/** A connection on which nothing moves is dead: its upload must not keep the next attempt waiting. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * An OCI registry, whole by the distribution specification 1.1. On disk it can be killed at any moment: what it has
 * confirmed stays, and what it was receiving is never served. Throws RegistryServerError.
 */
export async function createRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  const { host = "127.0.0.1", port = 0, logger = SILENT, uploadExpiryMs = DAY_MS, tls, authentication } = options;
  const storage = await openStorage(options, uploadExpiryMs, logger);
  const { blobs, uploads, manifests } = storage;
  const stores: Stores = { blobs, uploads, manifests, maxUploadBytes: options.maxUploadBytes ?? 256 * 1024 * 1024 };
  let address = "";
  const scheme = tls === undefined ? "http" : "https";
  const guard =
    authentication && createGuard(authentication, (request) => `${scheme}://${request.headers.host ?? address}`);
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.onRequest !== undefined) watch(request, response, options.onRequest);
    void answer(request, response, stores, guard, logger);
  };
  const server =
    tls === undefined
      ? createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, listener)
      : createTlsServer(
          { requestTimeout: REQUEST_TIMEOUT_MS, cert: tls.certificate, key: tls.privateKey, minVersion: "TLSv1.2" },
          listener,
        );
  server.setTimeout(IDLE_TIMEOUT_MS);
  const listening = await listen(server, host, port);
  address = `${host.includes(":") ? `[${host}]` : host}:${listening}`;
  if (!/^(127\.|::1$|localhost$)/.test(host)) {
    if (authentication === undefined)
      logger.warn(`ANYBODY can push to the registry at ${address}: it has no authentication`);
    if (tls === undefined)
      logger.warn(`the registry at ${address} is reached WITHOUT TLS: passwords and content can be read`);
  }
  const sweepIntervalMs = Math.min(SWEEP_INTERVAL_MS, Math.max(uploadExpiryMs, MIN_SWEEP_INTERVAL_MS));
  const sweep = setInterval(() => {
    storage.sweep(uploadExpiryMs).catch((error: unknown) => logger.error(`unfinished uploads stay: ${error}`));
  }, sweepIntervalMs);
  sweep.unref();
  return {
    address,
    port: listening,
    async close(graceMs = 2_000) {
      clearInterval(sweep);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function openStorage(
  { dir, maxMemoryBytes = GIB }: RegistryServerOptions,
  uploadExpiryMs: number,
  logger: RegistryServerLogger,
): Promise<Storage> {
  if (dir === undefined) return createMemoryStorage(maxMemoryBytes);
  try {
    const storage = await createDiskStorage(dir);
    const removed = await storage.sweep(uploadExpiryMs);
    if (removed > 0) logger.info(`removed ${removed} unfinished uploads from ${dir}`);
    return storage;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RegistryServerError(
      "folder-unusable",
      `the registry cannot keep its content in ${dir}: ${reason}`,
      error,
    );
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE";
      const message = inUse
        ? `port ${port} of ${host}, wanted by the registry, is in use: stop what listens there, or choose another port`
        : `the registry cannot listen on port ${port} of ${host}: ${error.message}`;
      reject(new RegistryServerError(inUse ? "address-in-use" : "address-unusable", message, error));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function watch(
  request: IncomingMessage,
  response: ServerResponse,
  onRequest: (request: AnsweredRequest) => void,
): void {
  const beganMs = performance.now();
  // The socket forgets its peer when it is closed.
  const from = request.socket.remoteAddress ?? "";
  response.once("close", () => {
    onRequest({
      method: request.method ?? "",
      url: request.url ?? "",
      from,
      ...(response.headersSent ? { status: response.statusCode } : {}),
      isComplete: response.writableFinished,
      tookMs: Math.round(performance.now() - beganMs),
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stores: Stores,
  guard: Guard | undefined,
  logger: RegistryServerLogger,
): Promise<void> {
  response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
  response.setHeader("X-Content-Type-Options", "nosniff");
  try {
    await dispatch({ ...stores, request, response }, guard);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    if (response.headersSent) {
      // The client sees a body that ends too early, which is the truth.
      response.destroy();
      return;
    }
    if (error instanceof ApiError) {
      const { status, code, message, headers } = error;
      sendJson({ request, response }, status, { errors: [{ code, message }] }, headers);
    } else {
      logger.error(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : error}`);
      sendJson({ request, response }, 500, {
        errors: [{ code: "UNKNOWN", message: "the registry failed; see its log" }],
      });
    }
  } finally {
    // What a refused request still sends goes nowhere, but the connection stays usable.
    request.resume();
  }
}
