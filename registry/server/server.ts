import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createBlobStore } from "./blob-store.js";
import { dispatch } from "./dispatch.js";
import { ApiError, RegistryServerError } from "./errors.js";
import { type Stores, sendJson } from "./exchange.js";
import { createFolders, type Folders } from "./folders.js";
import { createManifestStore } from "./manifest-store.js";
import { createUploadStore } from "./upload-store.js";

export interface RegistryServerLogger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface RegistryServerOptions {
  /** Where everything is kept. Made if it is not there. */
  readonly dir: string;
  /** Default: 127.0.0.1. There is no authentication: whoever reaches the address can push. */
  readonly host?: string;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** The most that one blob may have. Default: 256 MiB. */
  readonly maxUploadBytes?: number;
  /** After how long without a byte an unfinished upload is forgotten. Default: one day. */
  readonly uploadExpiryMs?: number;
  /** Default: silent. */
  readonly logger?: RegistryServerLogger;
}

export interface RegistryServer {
  /** `host:port`, as it stands in references. */
  readonly address: string;
  readonly port: number;
  /** Stops listening, lets requests end for at most `graceMs` (default 2,000), and closes all connections. */
  close(graceMs?: number): Promise<void>;
}

const SILENT: RegistryServerLogger = { info() {}, warn() {}, error() {} };
const DAY_MS = 86_400_000;
const SWEEP_INTERVAL_MS = 3_600_000;
/** A slow line needs a while for a large blob. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/** A connection on which nothing moves is dead: its upload must not keep the next attempt waiting. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * An OCI registry on disk, for development and tests: plain HTTP, no authentication. It can be killed at any moment:
 * what it has confirmed stays, and what it was receiving is never served. Throws RegistryServerError.
 */
export async function createRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  const { dir, host = "127.0.0.1", port = 0, logger = SILENT, uploadExpiryMs = DAY_MS } = options;
  const folders = await openFolders(dir, uploadExpiryMs, logger);
  const stores: Stores = {
    blobs: createBlobStore(folders),
    uploads: createUploadStore(folders),
    manifests: createManifestStore(folders),
    maxUploadBytes: options.maxUploadBytes ?? 256 * 1024 * 1024,
  };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answer(request, response, stores, logger);
  });
  server.setTimeout(IDLE_TIMEOUT_MS);
  const listening = await listen(server, host, port);
  const address = `${host.includes(":") ? `[${host}]` : host}:${listening}`;
  if (!/^(127\.|::1$|localhost$)/.test(host)) {
    logger.warn(`the registry at ${address} is open to others: it has no authentication`);
  }
  const sweep = setInterval(() => {
    folders.sweep(uploadExpiryMs).catch((error: unknown) => logger.error(`unfinished uploads stay: ${error}`));
  }, SWEEP_INTERVAL_MS);
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

async function openFolders(dir: string, uploadExpiryMs: number, logger: RegistryServerLogger): Promise<Folders> {
  try {
    const folders = await createFolders(dir);
    const removed = await folders.sweep(uploadExpiryMs);
    if (removed > 0) logger.info(`removed ${removed} unfinished uploads from ${dir}`);
    return folders;
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stores: Stores,
  logger: RegistryServerLogger,
): Promise<void> {
  response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
  response.setHeader("X-Content-Type-Options", "nosniff");
  try {
    await dispatch({ ...stores, request, response });
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
