/* The stream context of an HTTP stream: which maps and buffers the guest sees when, and what it may do. */
import type { ByteBuffer } from "./byte-buffer.js";
import {
  BufferType,
  Context,
  type FilterStateValue,
  type GuestBuffer,
  type LocalReply,
  MapType,
  type RootContext,
  StreamType,
} from "./context.js";
import type { DataStatus, Direction, Filter, HeadersStatus, TrailersStatus } from "./direction.js";
import { HeaderMap } from "./header-map.js";
import type { Plugin } from "./plugin.js";
import type { PropertyMap } from "./property-value.js";
import { Status } from "./status.js";
import type { Vm } from "./vm.js";

/** What the context needs of the stream that it belongs to. */
export interface StreamHost {
  readonly request: Direction;
  readonly response: Direction;
  readonly destroyed: boolean;
  readonly state: Map<string, FilterStateValue>;
  properties(context: HttpContext): PropertyMap;
  localReply(reply: LocalReply, failure?: boolean): void;
  reset(): void;
  routeCacheCleared(how: "headers" | "call"): void;
  resumed(direction: "request" | "response"): void;
}

/** Maps of the log phase. */
export interface AccessLog {
  requestHeaders: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  responseTrailers: HeaderMap | undefined;
}

const HEADERS_STATUS: readonly HeadersStatus[] = [
  "continue",
  "stop",
  // ContinueAndEndStream: Envoy does not know it and continues.
  "continue",
  "stop-all-buffer",
  "stop-all-watermark",
];
const DATA_STATUS: readonly DataStatus[] = ["continue", "buffer", "watermark", "no-buffer"];

export class HttpContext extends Context {
  readonly #root: RootContext;
  readonly #stream: StreamHost;
  readonly #plugin: Plugin;
  readonly #maps: (HeaderMap | undefined)[] = [];
  readonly #bodies: (ByteBuffer | undefined)[] = [];
  readonly #buffering = [false, false];
  #endOfStream = false;
  #accessLog: AccessLog | undefined;
  #failed = false;
  /** What the last callback returned, as a number; undefined before the first. */
  lastResult: number | undefined;

  constructor(vm: Vm, root: RootContext, stream: StreamHost) {
    super(vm, vm.allocateId(), root.rootPlugin);
    this.#root = root;
    this.#stream = stream;
    this.#plugin = root.rootPlugin;
    vm.contexts.set(this.id, this);
  }

  override get root(): RootContext {
    return this.#root;
  }

  override get closed(): boolean {
    return this.#stream.destroyed;
  }

  override get logging(): boolean {
    return this.#accessLog !== undefined;
  }

  get requestFilter(): Filter {
    return this.#filter("request", MapType.RequestHeaders, MapType.RequestTrailers, BufferType.RequestBody);
  }

  get responseFilter(): Filter {
    return this.#filter("response", MapType.ResponseHeaders, MapType.ResponseTrailers, BufferType.ResponseBody);
  }

  /** The request headers that attributes are taken from: none between the request and the log phase. */
  map(type: number): HeaderMap | undefined {
    const logged = [this.#accessLog?.requestHeaders, undefined, this.#accessLog?.responseHeaders];
    return this.#maps[type] ?? (type === MapType.ResponseTrailers ? this.#accessLog?.responseTrailers : logged[type]);
  }

  create(): void {
    if (this.created) return;
    this.vm.callback(this, "proxy_on_context_create", [this.#root.id]);
    this.created = true;
  }

  log(maps: AccessLog): void {
    this.create();
    this.#accessLog = maps;
    this.vm.callback(this, "proxy_on_log", []);
    this.#accessLog = undefined;
  }

  destroy(): void {
    if (this.created) {
      this.vm.callback(this, "proxy_on_done", []);
      this.vm.callback(this, "proxy_on_delete", []);
    }
    this.vm.contexts.delete(this.id);
  }

  override mutableMap(type: number): HeaderMap | undefined {
    if (type > MapType.ResponseTrailers) return undefined;
    if (this.#maps[type] === undefined) this.#addTrailers(type);
    return this.#maps[type];
  }

  override readMap(type: number): HeaderMap | undefined {
    if (type > MapType.ResponseTrailers) return this.#root.callMap(type);
    const log = this.#accessLog;
    if (log === undefined) return this.#maps[type];
    return [log.requestHeaders, undefined, log.responseHeaders, log.responseTrailers][type];
  }

  override headersModified(type: number): void {
    if (type === MapType.RequestHeaders) this.#stream.routeCacheCleared("headers");
  }

  override clearRouteCache(): void {
    this.#stream.routeCacheCleared("call");
  }

  override buffer(type: number): GuestBuffer | undefined {
    if (type !== BufferType.RequestBody && type !== BufferType.ResponseBody) return super.buffer(type);
    const direction = type === BufferType.RequestBody ? this.#stream.request : this.#stream.response;
    const buffer = this.#buffering[type] === true ? direction.buffered : this.#bodies[type];
    return buffer === undefined ? { bytes: new Uint8Array() } : { bytes: buffer.bytes, buffer };
  }

  override streamProperties(): PropertyMap {
    return this.#stream.properties(this);
  }

  override filterState(): Map<string, FilterStateValue> {
    return this.#stream.state;
  }

  override continueStream(type: number): number {
    if (type === StreamType.Upstream) return Status.Unimplemented;
    if (type === StreamType.Downstream) return Status.Ok;
    const name = type === StreamType.Request ? "request" : "response";
    this.vm.afterCall(() => this.#stream.resumed(name));
    // Whichever way is continued, the guest loses the request.
    this.#maps[MapType.RequestHeaders] = undefined;
    this.#maps[MapType.RequestTrailers] = undefined;
    this.#bodies[BufferType.RequestBody] = undefined;
    return Status.Ok;
  }

  override closeStream(type: number): number {
    if (type === StreamType.Request || type === StreamType.Response) this.vm.afterCall(() => this.#stream.reset());
    return Status.Ok;
  }

  override sendLocalReply(reply: LocalReply): void {
    this.vm.afterCall(() => this.#stream.localReply(reply));
  }

  #filter(name: "request" | "response", headers: number, trailers: number, body: 0 | 1): Filter {
    const skip = (): boolean => name === "response" && (!this.created || this.#failed);
    return {
      headers: (map, end) => {
        if (name === "request") this.create();
        if (skip()) return "continue";
        this.#maps[headers] = map;
        this.#endOfStream = end;
        const status = this.#call(`proxy_on_${name}_headers`, [map.size, end ? 1 : 0], "stop-all-watermark", (result) =>
          this.#headersStatus(result),
        );
        if (status === "continue") this.#maps[headers] = undefined;
        return status;
      },
      data: (buffer, end) => {
        if (skip() || !this.created) return "continue";
        const direction = this.#stream[name];
        if (this.#buffering[body] === true) direction.addData(buffer);
        this.#bodies[body] = buffer;
        this.#endOfStream = end;
        const size = this.buffer(body)?.bytes.length ?? 0;
        const status = this.#call(`proxy_on_${name}_body`, [size, end ? 1 : 0], "no-buffer", (result) =>
          this.vm.stopIteration ? "no-buffer" : (DATA_STATUS[result] ?? "no-buffer"),
        );
        this.#buffering[body] = status === "buffer";
        if (status === "continue") this.#bodies[body] = undefined;
        return status;
      },
      trailers: (map) => {
        if (skip() || !this.created) return "continue";
        this.#maps[trailers] = map;
        const status: TrailersStatus = this.#call(`proxy_on_${name}_trailers`, [map.size], "stop", (result) =>
          this.vm.stopIteration || result !== 0 ? "stop" : "continue",
        );
        if (status === "continue") this.#maps[trailers] = undefined;
        return status;
      },
    };
  }

  #headersStatus(result: number): HeadersStatus {
    if (this.vm.stopIteration) return "stop-all-watermark";
    if (result === 1 && !this.#plugin.allowStop) return "stop-all-watermark";
    return HEADERS_STATUS[result] ?? "stop-all-watermark";
  }

  /* A stream that meets a VM that has failed is closed; FAIL_OPEN is for the streams that come after. */
  #call<T>(name: string, args: readonly number[], closed: T, convert: (result: number) => T): T {
    if (this.vm.failure !== undefined) return this.#fail(closed);
    const status = this.vm.callback<T>(this, name, args, (result) => {
      this.lastResult = result >>> 0;
      return this.vm.failure === undefined ? convert(result >>> 0) : this.#fail(closed);
    });
    return status ?? ("continue" as T);
  }

  #fail<T>(closed: T): T {
    if (!this.#failed) {
      this.#failed = true;
      const reply = { status: 503, details: "wasm_fail_stream", body: new Uint8Array(), headers: [], grpcStatus: 14 };
      this.#stream.localReply(reply, true);
    }
    return closed;
  }

  /* Trailers come into being when they are first touched in the last body callback. */
  #addTrailers(type: number): void {
    const pair =
      type === MapType.RequestTrailers
        ? ([BufferType.RequestBody, this.#stream.request] as const)
        : type === MapType.ResponseTrailers
          ? ([BufferType.ResponseBody, this.#stream.response] as const)
          : undefined;
    if (pair === undefined || this.#bodies[pair[0]] === undefined || !this.#endOfStream) return;
    const [, direction] = pair;
    if (!direction.inFilter) return;
    direction.trailerMap = new HeaderMap();
    this.#maps[type] = direction.trailerMap;
  }
}
