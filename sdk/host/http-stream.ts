import { ByteBuffer } from "./byte-buffer.js";
import type { FilterStateValue, LocalReply, RootContext } from "./context.js";
import { Direction, type Filter } from "./direction.js";
import { HostError } from "./errors.js";
import { type HeaderInit, HeaderMap } from "./header-map.js";
import { HttpContext, type StreamHost } from "./http-context.js";
import { httpProperties, mergeProperties, type StreamFacts } from "./http-properties.js";
import { encodeLocalReply } from "./local-reply.js";
import { type Passed, Recorder } from "./passed.js";
import type { PropertyMap } from "./property-value.js";
import type { Services } from "./services.js";
import type { EndOfStream, StepResult, StreamHooks, StreamOptions } from "./stream-options.js";

const PASS: Filter = { headers: () => "continue", data: () => "continue", trailers: () => "continue" };
const TOO_LARGE = { headers: [], grpcStatus: undefined };

/** One HTTP stream through the plugin, part by part. */
export class HttpStream {
  readonly #services: Services;
  readonly #properties: PropertyMap;
  readonly #context: HttpContext | undefined;
  readonly #request: Direction;
  readonly #response: Direction;
  readonly #toUpstream: Recorder;
  readonly #toClient: Recorder;
  readonly #facts: StreamFacts;
  readonly #startNs: bigint;
  readonly #state = new Map<string, FilterStateValue>();
  #prepared: LocalReply | undefined;
  #localReply: LocalReply | undefined;
  #requestAborted = false;
  #responseAborted = false;
  /** The last part of the response has come. */
  #localComplete = false;
  #destroyed = false;
  #reset = false;
  /** Each time the route was to be chosen anew: by a changed header, or by a call. */
  readonly routeCacheClears: ("headers" | "call")[] = [];

  /**
   * @internal
   * Made by `host.http()`. Without a root, the plugin is not in the chain.
   */
  constructor(services: Services, root: RootContext | undefined, options: StreamOptions, hooks: StreamHooks = {}) {
    this.#services = services;
    this.#properties = options.properties ?? {};
    this.#startNs = services.clock.monotonicNs;
    this.#toUpstream = new Recorder(
      (map) => {
        this.#facts.attempts = 1;
        hooks.upstreamHeaders?.(map);
      },
      () => hooks.upstream?.(),
    );
    this.#toClient = new Recorder(
      (map) => hooks.clientHeaders?.(map),
      () => this.#finish(),
    );
    this.#facts = {
      startTime: new Date(Number(services.clock.wallNs / 1_000_000n)),
      durationMs: undefined,
      protocol: options.protocol ?? "HTTP/1.1",
      bytesReceived: 0,
      bytesSent: 0,
      responseCode: undefined,
      codeDetails: undefined,
      responseFlags: 0,
      attempts: 0,
    };
    const directions = this.#directions();
    this.#request = directions.request;
    this.#response = directions.response;
    this.#context = root === undefined ? undefined : new HttpContext(root.vm, root, this.#streamHost());
    directions.connect(this.#context?.requestFilter ?? PASS, this.#context?.responseFilter ?? PASS);
  }

  /** Id of the guest's context; undefined where the plugin is not in the chain. */
  get contextId(): number | undefined {
    return this.#context?.id;
  }

  /** What has reached the upstream. */
  get upstream(): Passed {
    return this.#toUpstream.passed;
  }

  /** What has reached the client. */
  get client(): Passed {
    return this.#toClient.passed;
  }

  /** The plugin holds the request back. */
  get requestPaused(): boolean {
    return this.#request.paused && !this.#destroyed;
  }

  /** The plugin holds the response back. */
  get responsePaused(): boolean {
    return this.#response.paused && !this.#destroyed;
  }

  /** What the plugin, or Envoy for it, answered in the upstream's stead. */
  get localResponse(): LocalReply | undefined {
    return this.#localReply;
  }

  /** The stream was cut off without a response. */
  get reset(): boolean {
    return this.#reset;
  }

  /** Log, done and delete have run. */
  get closed(): boolean {
    return this.#destroyed;
  }

  /** Filter state by key, `wasm.` included. */
  get filterState(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#state].map(([key, { value }]) => [key, value]));
  }

  /** The client's headers come. Pseudo headers are given by the test. */
  requestHeaders(headers: HeaderInit, { endOfStream = false }: EndOfStream = {}): StepResult {
    if (this.#request.map !== undefined) throw new HostError("USAGE", "the request headers were sent already");
    return this.#step(this.#request, () => this.#request.headers(HeaderMap.from(headers), endOfStream));
  }

  /** A part of the request's body comes. */
  requestBody(chunk: string | Uint8Array, { endOfStream = false }: EndOfStream = {}): StepResult {
    this.#mustHave(this.#request, "request");
    const buffer = new ByteBuffer(chunk);
    this.#facts.bytesReceived += buffer.length;
    return this.#step(this.#request, () => this.#request.data(buffer, endOfStream));
  }

  /** The request ends with trailers. */
  requestTrailers(trailers: HeaderInit): StepResult {
    this.#mustHave(this.#request, "request");
    return this.#step(this.#request, () => this.#request.trailers(HeaderMap.from(trailers)));
  }

  /** The upstream's headers come; `:status` must be among them. */
  responseHeaders(headers: HeaderInit, { endOfStream = false }: EndOfStream = {}): StepResult {
    if (this.#response.map !== undefined) throw new HostError("USAGE", "the response headers were sent already");
    const map = HeaderMap.from(headers);
    if (map.get(":status") === undefined) throw new HostError("USAGE", "the response headers have no :status");
    this.#facts.responseCode = Number(map.get(":status"));
    this.#facts.codeDetails = "via_upstream";
    return this.#step(this.#response, () => this.#encodeHeaders(map, endOfStream));
  }

  /** A part of the response's body comes. */
  responseBody(chunk: string | Uint8Array, { endOfStream = false }: EndOfStream = {}): StepResult {
    this.#mustHave(this.#response, "response");
    return this.#step(this.#response, () => this.#encodeData(new ByteBuffer(chunk), endOfStream));
  }

  /** The response ends with trailers. */
  responseTrailers(trailers: HeaderInit): StepResult {
    this.#mustHave(this.#response, "response");
    this.#localComplete = true;
    return this.#step(this.#response, () => this.#response.trailers(HeaderMap.from(trailers)));
  }

  /** The router answers itself: there is no route. */
  routerReply(status: number, details: string): void {
    this.#sendLocalReply({ status, details, body: new Uint8Array(), headers: [], grpcStatus: undefined });
  }

  /** The client goes away, or the exchange is over: log, done, delete. */
  close(): void {
    this.#services.operate(() => {
      if (this.#destroyed) return;
      if (!this.#toClient.ended) this.#reset = true;
      this.#finish();
    });
  }

  #step(direction: Direction, body: () => void): StepResult {
    if (this.#context !== undefined) this.#context.lastResult = undefined;
    this.#services.operate(() => {
      if (!this.#destroyed) body();
    });
    return {
      action: this.#context?.lastResult,
      paused: direction.paused && !this.#destroyed,
      bufferedBytes: direction.buffered?.length ?? 0,
      localResponse: this.#localReply,
    };
  }

  #mustHave(direction: Direction, name: string): void {
    if (direction.map === undefined) throw new HostError("USAGE", `send the ${name} headers first`);
    if (direction.complete && !this.#destroyed) throw new HostError("USAGE", `the ${name} has ended already`);
  }

  #directions(): { request: Direction; response: Direction; connect(request: Filter, response: Filter): void } {
    const filters = { request: PASS, response: PASS };
    const through = (name: "request" | "response"): Filter => ({
      headers: (map, end) => filters[name].headers(map, end),
      data: (buffer, end) => filters[name].data(buffer, end),
      trailers: (map) => filters[name].trailers(map),
    });
    const { bufferLimitBytes } = this.#services;
    const tooLarge = (status: number, text: string, details: string) => () =>
      this.#sendLocalReply({ ...TOO_LARGE, status, details, body: Buffer.from(text) });
    const doubled = (): void => {
      const message = "the stream was continued and the callback returned Continue: Envoy would send it twice";
      this.#services.violation({ kind: "resume", message });
    };
    const request = new Direction({
      filter: through("request"),
      next: this.#toUpstream,
      bufferLimitBytes,
      tooLarge: tooLarge(413, "Payload Too Large", "request_payload_too_large"),
      aborted: () => this.#requestAborted,
      settle: () => this.#executePrepared(),
      canContinue: () => !this.#localComplete && !this.#destroyed,
      doubled,
    });
    const response = new Direction({
      filter: through("response"),
      next: {
        headers: (map, end) => this.#toClient.headers(map, end),
        data: (bytes, end) => {
          this.#facts.bytesSent += bytes.length;
          this.#toClient.data(bytes, end);
        },
        trailers: (map) => this.#toClient.trailers(map),
      },
      bufferLimitBytes,
      tooLarge: tooLarge(500, "Internal Server Error", "response_payload_too_large"),
      aborted: () => this.#responseAborted,
      settle: () => undefined,
      canContinue: () => !this.#toClient.ended && !this.#destroyed,
      doubled,
    });
    return {
      request,
      response,
      connect(forRequest, forResponse) {
        filters.request = forRequest;
        filters.response = forResponse;
      },
    };
  }

  #streamHost(): StreamHost {
    const stream = this;
    return {
      request: this.#request,
      response: this.#response,
      state: this.#state,
      get destroyed() {
        return stream.#destroyed;
      },
      properties: (context) => {
        const known = mergeProperties(httpProperties(context, this.#facts), this.#services.properties);
        return mergeProperties(known, this.#properties);
      },
      localReply: (reply) => this.#sendLocalReply(reply),
      reset: () => this.#cutOff(),
      routeCacheCleared: (how) => this.routeCacheClears.push(how),
      resumed: (name) => {
        const direction = name === "request" ? this.#request : this.#response;
        if (!this.#destroyed) direction.resume();
      },
    };
  }

  #sendLocalReply(reply: LocalReply): void {
    if (this.#destroyed) {
      this.#services.violation({ kind: "late", message: "a local response was sent on a stream that had ended" });
      return;
    }
    if (this.#request.inFilter) this.#requestAborted = true;
    else if (this.#response.inFilter) this.#responseAborted = true;
    this.#facts.codeDetails = reply.details;
    this.#facts.responseCode = reply.status;
    if (this.#response.map === undefined) {
      this.#localReply ??= reply;
      if (!this.#request.inFilter) this.#encode(reply);
      else this.#prepared ??= reply;
    } else if (!this.#toClient.started) {
      this.#localReply = reply;
      this.#encodeDirectly(reply);
    } else this.#cutOff();
  }

  #executePrepared(): void {
    const reply = this.#prepared;
    this.#prepared = undefined;
    if (reply !== undefined) this.#encode(reply);
  }

  /* Through the plugin's own response callbacks. */
  #encode(reply: LocalReply): void {
    const { headers, body } = encodeLocalReply(reply, this.#request.map);
    this.#encodeHeaders(headers, body === undefined);
    if (body !== undefined && !this.#destroyed) this.#encodeData(new ByteBuffer(body), true);
  }

  /* Past the plugin: its response was under way. */
  #encodeDirectly(reply: LocalReply): void {
    const { headers, body } = encodeLocalReply(reply, this.#request.map);
    this.#response.map = headers;
    this.#localComplete = true;
    this.#toClient.headers(headers, body === undefined);
    if (body !== undefined && !this.#destroyed) {
      this.#facts.bytesSent += body.length;
      this.#toClient.data(body, true);
    }
  }

  #encodeHeaders(map: HeaderMap, end: boolean): void {
    this.#localComplete ||= end;
    this.#response.headers(map, end);
  }

  #encodeData(buffer: ByteBuffer, end: boolean): void {
    this.#localComplete ||= end;
    this.#response.data(buffer, end);
  }

  #cutOff(): void {
    if (this.#destroyed) return;
    if (this.#request.inFilter) this.#requestAborted = true;
    else if (this.#response.inFilter) this.#responseAborted = true;
    this.#reset = true;
    this.#finish();
  }

  #finish(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#facts.durationMs = Number(this.#services.clock.monotonicNs - this.#startNs) / 1e6;
    this.#context?.log({
      requestHeaders: this.#request.map,
      responseHeaders: this.#response.map,
      responseTrailers: this.#response.trailerMap,
    });
    this.#context?.destroy();
  }
}
