/*
 * Stock Envoy with a static bootstrap, for tests: on loopback, every port chosen by the kernel, everything in a folder
 * that stop() removes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const HOST = "127.0.0.1";
const START_LIMIT_MS = 120_000;
const POLL_MS = 50;

export interface EnvoyOptions {
  /** The bootstrap's static_resources. */
  resources: object;
  /** Worker threads. Default 1. */
  concurrency?: number;
  /** The node's metadata. Default: none. */
  metadata?: object;
  /** The bootstrap's stats_config. */
  statsConfig?: object;
  /** The bootstrap's memory_allocator_manager. */
  memoryAllocator?: object;
  /** The bootstrap's dynamic_resources, for files that change while Envoy runs. */
  dynamicResources?: object;
}

export interface RunningEnvoy {
  pid: number;
  adminPort: number;
  /** Port of each listener by its name. */
  ports: ReadonlyMap<string, number>;
  /** What Envoy has logged so far. */
  log(): string;
  /** The answer of the admin interface to a GET. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** Envoy did not accept its configuration; `log` says why. */
export class EnvoyRefusedError extends Error {
  readonly code = "ENVOY_REFUSED";
  readonly log: string;

  constructor(log: string) {
    super(`Envoy ended before it was ready:\n${log.split("\n").slice(-20).join("\n")}`);
    this.log = log;
  }
}

export function envoyPath(): string {
  return process.env.ENVOY_PATH ?? join(homedir(), ".cache", "weft", "envoy-1.40.0", "envoy");
}

/** Starts Envoy and waits until all listeners take connections. Rejects with EnvoyRefusedError where it gives up. */
export async function startEnvoy({
  resources,
  concurrency = 1,
  metadata = {},
  statsConfig,
  memoryAllocator,
  dynamicResources,
}: EnvoyOptions): Promise<RunningEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "weft-envoy-"));
  const bootstrap = {
    admin: { address: { socket_address: { address: HOST, port_value: 0 } } },
    node: { id: "sidecar~127.0.0.1~frontend-1.default~default.svc.cluster.local", cluster: "frontend", metadata },
    static_resources: resources,
    ...(statsConfig === undefined ? {} : { stats_config: statsConfig }),
    ...(memoryAllocator === undefined ? {} : { memory_allocator_manager: memoryAllocator }),
    ...(dynamicResources === undefined ? {} : { dynamic_resources: dynamicResources }),
  };
  const config = join(dir, "bootstrap.json");
  const adminFile = join(dir, "admin-address");
  await writeFile(config, JSON.stringify(bootstrap));
  const args = ["-c", config, "--admin-address-path", adminFile, "--concurrency", String(concurrency)];
  const child = spawn(envoyPath(), [...args, "--disable-hot-restart", "--log-level", "info"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    return await Promise.race([ready(child, adminFile, () => log, stop), failed]);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(
  child: ChildProcess,
  adminFile: string,
  log: () => string,
  stop: () => Promise<void>,
): Promise<RunningEnvoy> {
  const address = await poll(child, log, () => readFile(adminFile, "utf8").catch(() => ""));
  const adminPort = Number(address.slice(address.lastIndexOf(":") + 1));
  const admin = async (path: string): Promise<string> => (await send({ port: adminPort, path })).body;
  await poll(child, log, async () => {
    const answer = await send({ port: adminPort, path: "/ready" }).catch(() => undefined);
    return answer?.status === 200 ? "ready" : "";
  });
  const listeners = JSON.parse(await admin("/listeners?format=json")) as {
    listener_statuses?: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  const ports = new Map(
    (listeners.listener_statuses ?? []).map((item) => [item.name, item.local_address.socket_address.port_value]),
  );
  return { pid: child.pid ?? 0, adminPort, ports, log, admin, stop };
}

async function poll(child: ChildProcess, log: () => string, attempt: () => Promise<string>): Promise<string> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new EnvoyRefusedError(log());
    const value = await attempt();
    if (value !== "") return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`Envoy was not ready after ${START_LIMIT_MS} ms:\n${log().split("\n").slice(-20).join("\n")}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await closed;
  clearTimeout(timer);
}

export interface WasmFilterOptions {
  /** The module's bytes, or the path of its file. */
  wasm: Uint8Array | string;
  rootId?: string;
  /** Name of the filter and of the plugin. */
  name?: string;
  vmId?: string;
  /** JSON value, or text that goes to the plugin as it is. */
  configuration?: unknown;
  /** Host functions and callbacks that the VM may use. Default: all. */
  capabilities?: readonly string[];
}

/** An HTTP filter as the mesh configures one: code inline, configuration as a StringValue. */
export function wasmFilter({
  wasm,
  rootId,
  name = "plugin",
  vmId,
  configuration,
  capabilities,
}: WasmFilterOptions): object {
  const text = typeof configuration === "string" ? configuration : JSON.stringify(configuration ?? {});
  return {
    name,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
      config: {
        name,
        ...(rootId === undefined ? {} : { root_id: rootId }),
        failure_policy: "FAIL_RELOAD",
        allow_on_headers_stop_iteration: true,
        ...(capabilities === undefined ? {} : { capability_restriction_config: restriction(capabilities) }),
        configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: text },
        vm_config: {
          vm_id: vmId ?? name,
          runtime: "envoy.wasm.runtime.v8",
          code: {
            local:
              typeof wasm === "string" ? { filename: wasm } : { inline_bytes: Buffer.from(wasm).toString("base64") },
          },
        },
      },
    },
  };
}

function restriction(capabilities: readonly string[]): object {
  return { allowed_capabilities: Object.fromEntries(capabilities.map((name) => [name, {}])) };
}

export interface HttpListenerOptions {
  name: string;
  filters: readonly object[];
  /** Default: 200 "ok" from Envoy itself. */
  routes?: readonly object[];
  accessLog?: readonly object[];
}

/** A listener on loopback with one HTTP connection manager. */
export function httpListener({ name, filters, routes, accessLog }: HttpListenerOptions): object {
  const direct = { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok" } } };
  return {
    name,
    address: { socket_address: { address: HOST, port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              stat_prefix: name,
              ...(accessLog === undefined ? {} : { access_log: accessLog }),
              route_config: { virtual_hosts: [{ name, domains: ["*"], routes: routes ?? [direct] }] },
              http_filters: [
                ...filters,
                {
                  name: "router",
                  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

/** A cluster with one endpoint on loopback. */
export function cluster(name: string, port: number): object {
  const address = { socket_address: { address: HOST, port_value: port } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

export interface Upstream {
  port: number;
  stop(): Promise<void>;
}

/** An HTTP server on loopback. */
export async function startUpstream(handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<Upstream> {
  const server = createServer(handle);
  // Envoy's request would fail on a connection that the server is just closing because it was idle.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface SendOptions {
  port: number;
  path?: string;
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
}

/** One request on a connection of its own. */
export function send({ port, path = "/", method = "GET", headers = {}, body }: SendOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: HOST, port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    req.on("error", reject);
    req.end(body);
  });
}
