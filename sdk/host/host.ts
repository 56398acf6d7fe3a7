import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Call, GrpcCall, GrpcStreamCall, HttpCall } from "./call.js";
import { Clock } from "./clock.js";
import { HostError, type Violation, type ViolationKind } from "./errors.js";
import type { Exchange, ExchangeRequest, UpstreamHandler } from "./exchange.js";
import type { HostOptions, Target } from "./host-options.js";
import { HttpStream } from "./http-stream.js";
import { limitMemory } from "./memory-limit.js";
import { MetricStore } from "./metrics.js";
import { type LoadedModule, loadModule } from "./module.js";
import { playExchange } from "./play-exchange.js";
import { configurationBytes, createPlugin, type Plugin } from "./plugin.js";
import type { LogEntry, Services } from "./services.js";
import { SharedData } from "./shared-data.js";
import { SharedQueues } from "./shared-queues.js";
import { LOG_LEVELS } from "./status.js";
import type { StreamHooks, StreamOptions } from "./stream-options.js";
import { type TcpOptions, TcpStream } from "./tcp-stream.js";
import { Thread } from "./thread.js";
import { Vm } from "./vm.js";

const DEFAULT_CALL_MS = 10_000;
const DEFAULT_BUFFER_BYTES = 1024 * 1024;
const DEFAULT_LOG_ENTRIES = 100_000;
const START_OF_TIME = "2025-01-01T00:00:00Z";
const MAX_POSTED = 100_000;

/**
 * Loads a module as Envoy does: base VM, a canary per configuration, the main thread, the workers. Rejects with a
 * HostError that says in which stage it failed.
 *
 * ```ts
 * const host = await load("build/plugin.wasm", { rootId: "hello", config: { name: "reader" } });
 * const { response } = await host.request({ path: "/books" }, () => ({ body: "a book" }));
 * console.log(response?.status, response?.text);
 * host.close();
 * ```
 */
export async function load(wasm: Uint8Array | string, options: HostOptions = {}): Promise<Host> {
  return createHost(typeof wasm === "string" ? await readFile(wasm) : wasm, options);
}

/** As load, from bytes, at once. */
export function createHost(wasm: Uint8Array, options: HostOptions = {}): Host {
  const { memoryBytes } = options.limits ?? {};
  return new Host(loadModule(memoryBytes === undefined ? wasm : limitMemory(wasm, memoryBytes)), options);
}

/** A simulated Envoy process with one module in it. */
export class Host {
  /** Time as the plugin sees it; it moves when the test says so. */
  readonly clock: Clock;
  /** The stats of the process, without `wasmcustom.`. */
  readonly metrics: MetricStore;
  /** What plugins keep in shared data, by VM id. */
  readonly sharedData: SharedData;
  /** The shared queues. */
  readonly queues: SharedQueues;
  /** Everything that was logged, of all threads. */
  readonly allLogs: LogEntry[] = [];
  /** What a careful author wants to know of, whether it was thrown or not. */
  readonly violations: Violation[] = [];
  readonly #plugins: readonly Plugin[];
  readonly #threads = new Map<string, Thread>();
  readonly #calls: Call[] = [];
  readonly #streams: HttpStream[] = [];
  readonly #strict: (kind: ViolationKind) => boolean;
  readonly #services: Services;
  #posted: (() => void)[] = [];
  #depth = 0;
  #thrown = 0;
  #closed = false;

  /** @internal */
  constructor(module: LoadedModule, options: HostOptions) {
    const { strict = true } = options;
    this.#strict = typeof strict === "boolean" ? () => strict : (kind) => strict.includes(kind);
    this.clock = new Clock(options.now ?? new Date(START_OF_TIME), (body) => this.#operate(body));
    this.metrics = options.process?.metrics ?? new MetricStore();
    this.sharedData = options.process?.sharedData ?? new SharedData();
    this.queues = options.process?.queues ?? new SharedQueues();
    const vmId = options.vmId ?? "";
    this.#plugins = (options.plugins ?? [options]).map((plugin) => createPlugin(plugin, vmId));
    if (new Set(this.#plugins.map((plugin) => plugin.name)).size < this.#plugins.length) {
      throw new HostError("USAGE", "two plugins of a host have the same name; give each a `name` of its own");
    }
    this.#services = this.#createServices(options, vmId);
    this.#operate(() => this.#start(module, options.workers ?? 1));
  }

  /** What the workers logged. */
  get logs(): LogEntry[] {
    return this.allLogs.filter((entry) => entry.thread.startsWith("worker"));
  }

  /** Calls that nobody has answered yet, of the workers. */
  get calls(): Call[] {
    return this.#calls.filter((call) => !call.done && call.thread.startsWith("worker"));
  }

  /** Calls of all threads, answered or not. */
  get allCalls(): readonly Call[] {
    return this.#calls;
  }

  /** The oldest open HTTP call. Throws where there is none. */
  get httpCall(): HttpCall {
    return this.#first("http") as HttpCall;
  }

  /** The oldest open unary gRPC call. Throws where there is none. */
  get grpcCall(): GrpcCall {
    return this.#first("grpc") as GrpcCall;
  }

  /** The oldest open gRPC stream. Throws where there is none. */
  get grpcStream(): GrpcStreamCall {
    return this.#first("grpc-stream") as GrpcStreamCall;
  }

  /** Size of the guest's memory on a worker. */
  memoryBytes(worker = 0): number {
    return this.#worker(worker).vm.memory.byteLength;
  }

  /** Contexts that are alive in a worker's VM, roots included. */
  contextCount(worker = 0): number {
    return this.#worker(worker).vm.contexts.size - 1;
  }

  /**
   * A stream to which the test gives the parts of request and response.
   *
   * ```ts
   * const host = await load("build/plugin.wasm", { rootId: "hello" });
   * const stream = host.http();
   * const step = stream.requestHeaders({ ":method": "GET", ":path": "/", ":authority": "a.test" }, { endOfStream: true });
   * if (!step.paused) stream.responseHeaders({ ":status": "204" }, { endOfStream: true });
   * console.log(stream.client.headers);
   * ```
   */
  http(options: StreamOptions & Target = {}): HttpStream {
    return this.#stream(options);
  }

  /**
   * A TCP connection to which the test gives the bytes of both sides.
   *
   * ```ts
   * const host = await load("build/plugin.wasm", { rootId: "hello" });
   * const connection = host.tcp({ worker: 0 });
   * connection.downstreamData("ping");
   * console.log(connection.toUpstream.length, connection.closed);
   * connection.close();
   * ```
   */
  tcp(options: TcpOptions & Target = {}): TcpStream {
    return this.#operate(() => new TcpStream(this.#services, this.#root(options), options));
  }

  /**
   * Plays a whole exchange: what the client sends, what the upstream answers. Returns once nothing more happens by
   * itself; a plugin that waits for a call has then no response yet.
   */
  async request(request: ExchangeRequest & Target = {}, upstream: UpstreamHandler = () => ({})): Promise<Exchange> {
    return playExchange(this.#services, request, upstream, (hooks) => this.#stream(request, hooks));
  }

  /** Ends the process: done and delete of the roots. A stream or a call that is still open is a leak. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#operate(() => {
      for (const stream of this.#streams.filter((one) => !one.closed)) {
        const why = stream.requestPaused
          ? "the plugin paused its request"
          : stream.responsePaused
            ? "the plugin paused its response"
            : "the test did not close it";
        this.#services.violation({ kind: "leak", message: `stream ${stream.contextId} is still open: ${why}` });
        stream.close();
      }
      for (const call of this.calls) {
        const message = `${call.kind} call ${call.token} to ${call.cluster} was never answered`;
        this.#services.violation({ kind: "leak", message });
      }
      for (const thread of this.#threads.values()) thread.shutDown();
    });
  }

  #start(module: LoadedModule, workers: number): void {
    new Vm(module, this.#services, "base");
    const add = (name: string): Thread => {
      const thread = new Thread(name, module, this.#services);
      this.#threads.set(name, thread);
      return thread;
    };
    for (const plugin of this.#plugins) {
      const canary = new Thread("canary", module, this.#services);
      this.#threads.set("canary", canary);
      canary.start(plugin);
      canary.vm.ticks.stop();
      this.#threads.delete("canary");
    }
    for (const name of ["main", ...Array.from({ length: workers }, (_, i) => `worker ${i}`)]) {
      const thread = add(name);
      for (const plugin of this.#plugins) thread.start(plugin);
    }
  }

  #createServices(options: HostOptions, vmId: string): Services {
    const { limits = {} } = options;
    const level = LOG_LEVELS.indexOf(options.logLevel ?? "trace");
    const maxLogs = limits.logEntries ?? DEFAULT_LOG_ENTRIES;
    const set = (list: readonly string[] | undefined) => (list === undefined ? undefined : new Set(list));
    return {
      clock: this.clock,
      sharedData: this.sharedData,
      queues: this.queues,
      metrics: this.metrics,
      env: Object.entries(options.env ?? {}),
      vmConfig: configurationBytes(options.vmConfig),
      vmId,
      callMs: limits.callMs ?? DEFAULT_CALL_MS,
      clusters: set(options.clusters),
      capabilities: options.capabilities?.length === 0 ? undefined : set(options.capabilities),
      foreign: new Map(Object.entries(options.foreign ?? {})),
      logLevel: level,
      bufferLimitBytes: limits.bufferBytes ?? DEFAULT_BUFFER_BYTES,
      properties: options.properties ?? {},
      random: options.random ?? ((size) => randomBytes(size)),
      log: (entry) => {
        options.onLog?.(entry);
        if (LOG_LEVELS.indexOf(entry.level) >= level && this.allLogs.length < maxLogs) this.allLogs.push(entry);
      },
      violation: (violation) => this.violations.push(violation),
      addCall: (call) => this.#calls.push(call),
      vmOf: (thread) => this.#threads.get(thread === "canary" ? "main" : thread)?.vm,
      post: (action) => this.#posted.push(action),
      operate: (body) => this.#operate(body),
    };
  }

  #operate<T>(body: () => T): T {
    this.#depth++;
    let result: T;
    try {
      result = body();
      if (this.#depth === 1) this.#drain();
    } finally {
      this.#depth--;
    }
    if (this.#depth === 0) this.#throwNew();
    return result;
  }

  #drain(): void {
    for (let count = 0; this.#posted.length > 0; count++) {
      if (count === MAX_POSTED) throw new HostError("LOOP", "the queues wake each other without end");
      this.#posted.shift()?.();
    }
  }

  #throwNew(): void {
    const fresh = this.violations.slice(this.#thrown).filter(({ kind }) => this.#strict(kind));
    this.#thrown = this.violations.length;
    if (fresh.length === 0) return;
    const text = fresh.map(({ kind, message }) => `${kind}: ${message}`).join("\n");
    throw new HostError("VIOLATION", `${text}\n(a host with \`strict: false\` records this instead)`);
  }

  #stream(options: StreamOptions & Target, hooks?: StreamHooks): HttpStream {
    return this.#operate(() => {
      const stream = new HttpStream(this.#services, this.#root(options), options, hooks);
      this.#streams.push(stream);
      return stream;
    });
  }

  #root({ plugin, worker = 0 }: Target) {
    const found = plugin === undefined ? this.#plugins[0] : this.#plugins.find(({ name }) => name === plugin);
    if (found === undefined) throw new HostError("USAGE", `this host has no plugin "${plugin}"`);
    return this.#worker(worker).root(found);
  }

  #worker(number: number): Thread {
    const thread = this.#threads.get(`worker ${number}`);
    if (thread === undefined) throw new HostError("USAGE", `this host has no worker ${number}; see option workers`);
    return thread;
  }

  #first(kind: Call["kind"]): Call {
    const call = this.calls.find((one) => one.kind === kind);
    if (call === undefined) throw new HostError("USAGE", `the plugin has no open call of kind ${kind}`);
    return call;
  }
}
