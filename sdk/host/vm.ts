import { BufferType, type Context, type GuestBuffer, RootContext, VmContext } from "./context.js";
import { HostError } from "./errors.js";
import type { GrpcHandle } from "./grpc-call.js";
import { guestCall } from "./guest-call.js";
import { createHostFunctions } from "./hostcalls/index.js";
import { GuestMemory } from "./memory.js";
import { MetricTable } from "./metrics.js";
import type { LoadedModule } from "./module.js";
import type { Plugin } from "./plugin.js";
import { IN_INITIALIZE, IN_MALLOC, RestrictedCallback } from "./restricted.js";
import type { LogEntry, Services } from "./services.js";
import { Ticks } from "./ticks.js";
import { describeTrap } from "./trap.js";
import { createMemory, createTable, instantiate, isTrap, type WasmFunction, type WasmMemory } from "./wasm-types.js";

const MAX_PAGES = 16_384;

/** One instance of the module: what Envoy has per thread and VM. */
export class Vm {
  readonly services: Services;
  readonly thread: string;
  readonly contexts = new Map<number, Context>();
  readonly metrics: MetricTable;
  readonly ticks: Ticks;
  /** Open gRPC calls and streams by token. */
  readonly grpc = new Map<number, GrpcHandle>();
  /** The trap that ended this VM. */
  failure: string | undefined;
  /** A local response was sent in this callback: iteration stops, whatever it returns. */
  stopIteration = false;
  /** Roots that returned false from proxy_on_done, until they call proxy_done. */
  readonly pendingDone = new Set<RootContext>();
  readonly #module: LoadedModule;
  readonly #functions: ReadonlyMap<string, WasmFunction>;
  #memory: GuestMemory | undefined;
  readonly #vmContext: VmContext;
  #current: Context;
  #effectiveId = 0;
  #afterCall: (() => void)[] = [];
  #allowed: ReadonlySet<string> | undefined;
  #nextContextId = 1;
  #nextCallId = [0, 1, 2];
  #logged: LogEntry[] = [];
  #starting = true;

  /** What the guest has logged since the last callback began. */
  get logged(): readonly LogEntry[] {
    return this.#logged;
  }

  constructor(module: LoadedModule, services: Services, thread: string) {
    this.services = services;
    this.thread = thread;
    this.#module = module;
    this.metrics = new MetricTable(services.metrics);
    this.ticks = new Ticks(services.clock, (root) => this.callback(root, "proxy_on_tick", []));
    this.#vmContext = new VmContext(this, 0, undefined);
    this.contexts.set(0, this.#vmContext);
    this.#current = this.#vmContext;
    const { functions, memory } = this.#link();
    this.#functions = functions;
    if (memory !== undefined) this.#memory = new GuestMemory(memory);
    this.#starting = false;
    this.#initialize();
  }

  get memory(): GuestMemory {
    if (this.#memory === undefined) throw new HostError("MODULE", "the module has no memory");
    return this.#memory;
  }

  /** What host functions work on. */
  get effective(): Context {
    return (this.#effectiveId === 0 ? undefined : this.contexts.get(this.#effectiveId)) ?? this.#current;
  }

  get current(): Context {
    return this.#current;
  }

  setEffective(id: number): boolean {
    if (!this.contexts.has(id)) return false;
    this.#effectiveId = id;
    return true;
  }

  allocateId(): number {
    while (this.contexts.has(this.#nextContextId)) this.#nextContextId++;
    return this.#nextContextId++;
  }

  /** The kind of call (0 HTTP, 1 gRPC, 2 gRPC stream) is in the two low bits. */
  allocateCallId(kind: 0 | 1 | 2): number {
    const id = (this.#nextCallId[kind] ?? 0) + 4;
    this.#nextCallId[kind] = id;
    return id;
  }

  addRoot(plugin: Plugin): RootContext {
    const root = new RootContext(this, this.allocateId(), plugin);
    this.contexts.set(root.id, root);
    return root;
  }

  has(callback: string): boolean {
    const { capabilities } = this.services;
    const allowed = capabilities === undefined || !callback.startsWith("proxy_") || capabilities.has(callback);
    return allowed && this.#functions.has(callback);
  }

  /** What to do once the guest has returned. */
  afterCall(action: () => void): void {
    this.#afterCall.push(action);
  }

  /**
   * Calls a callback of the guest in a context; undefined where the module does not have it. `use` sees the result
   * before the deferred actions run.
   */
  callback<T = number>(
    context: Context,
    name: string,
    args: readonly number[],
    use: (result: number) => T = (result) => result as T,
  ): T | undefined {
    if (this.failure !== undefined || !this.has(name)) return undefined;
    const result = this.#invoke(context, name, [context.id, ...args]);
    try {
      return use(result);
    } finally {
      this.stopIteration = false;
      this.runAfterCall();
    }
  }

  runAfterCall(): void {
    for (let action = this.#afterCall.shift(); action !== undefined; action = this.#afterCall.shift()) action();
  }

  /** Memory of the guest with these bytes in it, by its malloc; undefined where that gives none. */
  allocate(bytes: Uint8Array): number | undefined {
    const name = this.#functions.has("malloc") ? "malloc" : "proxy_on_memory_allocate";
    const pointer = this.#restricted(IN_MALLOC, () => this.#invoke(this.#vmContext, name, [bytes.length])) >>> 0;
    if (pointer === 0 || !this.memory.write(pointer, bytes)) return undefined;
    return pointer;
  }

  log(level: LogEntry["level"], message: string): void {
    const entry: LogEntry = { level, message, thread: this.thread, plugin: this.effective.plugin?.name };
    this.#logged.push(entry);
    this.services.log(entry);
  }

  /** What Envoy itself says. */
  logAsHost(level: LogEntry["level"], message: string): void {
    this.services.log({ level, message, thread: this.thread, plugin: undefined });
  }

  /** Buffers that do not belong to a stream. */
  commonBuffer(context: Context, type: number): GuestBuffer | undefined {
    const bytes = (value: Uint8Array | undefined): GuestBuffer | undefined =>
      value === undefined ? undefined : { bytes: value };
    const { root } = context;
    if (type === BufferType.VmConfig) return { bytes: this.services.vmConfig };
    if (type === BufferType.PluginConfig)
      return bytes(context instanceof RootContext ? context.configuration : undefined);
    if (type === BufferType.CallBody) return bytes(root?.callResponse?.body);
    if (type === BufferType.GrpcMessage) return { bytes: root?.grpcMessage ?? new Uint8Array() };
    return { bytes: new Uint8Array() };
  }

  #initialize(): void {
    this.#restricted(IN_INITIALIZE, () => {
      const run = (name: string, args: number[] = []): boolean => {
        if (!this.#functions.has(name)) return false;
        if (this.failure === undefined) this.#invoke(this.#vmContext, name, args);
        return true;
      };
      if (run("_initialize")) run("main", [0, 0]) || run("__main_void");
      else run("_start");
    });
    if (this.failure !== undefined) throw new HostError("INITIALIZE", this.failure);
  }

  #restricted<T>(allowed: ReadonlySet<string>, body: () => T): T {
    this.#allowed = allowed;
    try {
      return body();
    } finally {
      this.#allowed = undefined;
    }
  }

  #invoke(context: Context, name: string, args: readonly number[]): number {
    const fn = this.#functions.get(name);
    if (fn === undefined) throw new Error(`${name} was looked up before`);
    const saved = [this.#current, this.#effectiveId] as const;
    const nested = context === this.#vmContext && name.includes("alloc");
    if (!nested) this.#logged = [];
    this.#current = context;
    this.#effectiveId = 0;
    try {
      return Number(guestCall(fn, args, this.services.callMs, name));
    } catch (error) {
      if (!isTrap(error) && !(error instanceof RestrictedCallback) && !(error instanceof RangeError)) throw error;
      this.#fail(name, error);
      return 0;
    } finally {
      [this.#current, this.#effectiveId] = saved;
    }
  }

  #fail(name: string, error: Error): void {
    this.failure = describeTrap(name, error, this.#logged);
    this.ticks.stop();
    if (this.#allowed !== IN_INITIALIZE) this.services.violation({ kind: "trap", message: this.failure });
  }

  #link(): { functions: ReadonlyMap<string, WasmFunction>; memory: WasmMemory | undefined } {
    const host = createHostFunctions(this);
    const imports: Record<string, Record<string, unknown>> = {};
    let memory: WasmMemory | undefined;
    for (const { module, name, kind, limits } of this.#module.imports) {
      imports[module] ??= {};
      if (kind === "memory") {
        memory = createMemory({ ...limits, maximum: Math.min(limits.maximum ?? MAX_PAGES, MAX_PAGES) });
        imports[module][name] = memory;
      } else if (kind === "table") imports[module][name] = createTable(limits);
      else imports[module][name] = this.#guard(`${module}.${name}`, host.get(`${module}.${name}`));
    }
    const { exports } = instantiate(this.#module.wasm, imports);
    const functions = new Map<string, WasmFunction>();
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value === "function") functions.set(name, value as WasmFunction);
      else if (typeof value === "object" && value !== null && "buffer" in value && "grow" in value) {
        memory = value as WasmMemory;
      }
    }
    return { functions, memory };
  }

  #guard(name: string, fn: WasmFunction | undefined): WasmFunction {
    if (fn === undefined) throw new Error(`${name} was checked before`);
    return (...args) => {
      if (this.#starting) {
        const advice = "compile without one (AssemblyScript: --exportStart _initialize)";
        throw new HostError("MODULE", `the start section calls ${name}, which crashes Envoy; ${advice}`);
      }
      if (this.#allowed !== undefined && !this.#allowed.has(name)) throw new RestrictedCallback(name);
      return fn(...args.map((arg) => (typeof arg === "number" ? arg >>> 0 : arg)));
    };
  }
}
