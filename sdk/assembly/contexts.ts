import { Action } from "./action";
import { Body, bodyOf } from "./body";
import { readConfig } from "./config/read-config";
import { Buffer, bufferBytes } from "./host/buffer";
import { reportDone } from "./host/context";
import { Status } from "./host/status";
import { closeStream, continueStream, StreamType } from "./host/stream";
import { setTickPeriod } from "./host/timer";
import { Entry } from "./id-table";
import { currentRequest, currentResponse, Message } from "./message";
import { currentLabels, currentRoute, Labels, Route } from "./route";

/** Who closed a connection. */
export enum Peer {
  Unknown = 0,
  Local = 1,
  Remote = 2,
}

/** What the host knows by a context id: a plugin configuration (root), an HTTP stream, a TCP connection. */
export abstract class Context extends Entry {
  /**
   * The stream is over: write what the access log writes. Attributes and headers can still be read, calls cannot be
   * awaited. It also runs for a stream that Envoy refused before the plugin saw its request. The first of the last
   * three callbacks.
   */
  onLog(): void {}

  /** Comes after onLog. False from a root keeps it until it calls `done`; a stream's answer is not looked at. */
  onDone(): bool {
    return true;
  }

  /** The last callback of the context. */
  onDelete(): void {}
}

/** A root, whatever its configuration's class. */
export abstract class AnyRootContext extends Context {
  /**
   * @internal
   * Reads `size` bytes of JSON; false where they are refused, which the log then says.
   */
  abstract readConfig(json: usize, size: usize): bool;

  /** Comes before the configuration, once per root. False refuses the VM. */
  onVmStart(): bool {
    return true;
  }

  /** `vm_config.configuration`, as it is; null where there is none. */
  get vmConfiguration(): ArrayBuffer | null {
    return bufferBytes(Buffer.VmConfiguration, 0, u32.MAX_VALUE);
  }

  /**
   * Returns whether the configuration, which was read before, is good; say in the log what is not. Envoy calls it on
   * the main thread and on each worker, so it should do nothing that may not happen several times.
   */
  onConfigure(): bool {
    return true;
  }

  /** Called every `tickPeriodMs`, on each worker and on the main thread. It has no stream. */
  onTick(): void {}

  /** Something was pushed to a queue that this root registered. */
  onQueueReady(queueId: u32): void {}

  /** Stock Envoy has no foreign function that calls back. */
  onForeignFunction(functionId: u32, size: u32): void {}

  /** Calls onTick every so many milliseconds, once per worker and once on the main thread. 0 ends it. */
  set tickPeriodMs(periodMs: u32) {
    setTickPeriod(periodMs);
  }

  /** After onDone returned false: now the root may go. */
  done(): bool {
    return reportDone() == Status.Ok;
  }
}

/** One plugin configuration. A VM may have several, each with its own root; streams reach theirs by `this.root`. */
export class RootContext<C> extends AnyRootContext {
  /** What the configuration says; its defaults until it has been read. */
  config: C = instantiate<C>();

  /** @internal */
  readConfig(json: usize, size: usize): bool {
    const config = instantiate<C>();
    if (!readConfig<C>(config, json, size)) return false;
    this.config = config;
    return true;
  }
}

/** An HTTP stream, whatever its configuration's class. */
export abstract class AnyHttpContext extends Context {
  /**
   * The request. Its headers can be read and changed until the callback that lets them go has returned, and read again in
   * onLog. While the response passes Envoy does not give them: keep what you need in a field.
   */
  get request(): Message {
    return currentRequest();
  }

  /** The response; empty until its headers have come. */
  get response(): Message {
    return currentResponse();
  }

  /** Where the request goes. */
  get route(): Route {
    return currentRoute();
  }

  /** Values for the series that `plugin.yaml` names under `metrics`. */
  get labels(): Labels {
    return currentLabels();
  }

  /** The request's headers have come. `endOfStream`: there is no body. Routes and headers are best decided here. */
  onRequestHeaders(endOfStream: bool): Action {
    return Action.Continue;
  }

  /**
   * `size` bytes are at hand in `this.request.body`: a part of the body, or after a pause all there is so far. It costs
   * a call for every part: leave it out where you can. See {@link Body.whole}.
   */
  onRequestBody(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  /** The request ends with trailers. Body bytes that were kept by Action.Pause are still at hand. */
  onRequestTrailers(): Action {
    return Action.Continue;
  }

  /** An HTTP/2 METADATA frame of `count` entries. */
  onRequestMetadata(count: u32): void {}

  /** Also called for an answer that the plugin itself gave. */
  onResponseHeaders(endOfStream: bool): Action {
    return Action.Continue;
  }

  /** As `onRequestBody`, for `this.response.body`. */
  onResponseBody(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  /** As `onRequestTrailers`; gRPC has its status here. */
  onResponseTrailers(): Action {
    return Action.Continue;
  }

  /** As `onRequestMetadata`. */
  onResponseMetadata(count: u32): void {}

  /**
   * Ends the stream without an answer: HTTP/1 closes the connection, HTTP/2 resets the stream. False: it is over
   * already.
   */
  reset(): bool {
    return closeStream(StreamType.Request) == Status.Ok;
  }
}

/** One HTTP request and its response. Override only what you need: every callback costs a call into the module. */
export class HttpContext<C> extends AnyHttpContext {
  /** The plugin configuration that the stream belongs to. A root class of your own: `this.root as MyRoot`. */
  root!: RootContext<C>;

  /** What the configuration says. */
  get config(): C {
    return this.root.config;
  }
}

/** A TCP connection, whatever its configuration's class. */
export abstract class AnyStreamContext extends Context {
  /** The client has connected. Action.Pause stops reading until `resume`. */
  onNewConnection(): Action {
    return Action.Continue;
  }

  /** `size` bytes from the client are at hand in `this.downstream`. Action.Pause keeps them for the next call. */
  onDownstreamData(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  /**
   * `size` bytes from the server are at hand in `this.upstream`. What is paused here goes on only with what comes next.
   */
  onUpstreamData(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  /** The connection to the client is over. */
  onDownstreamClose(peer: Peer): void {}

  /** The server has ended its half, or its connection is over. */
  onUpstreamClose(peer: Peer): void {}

  /** What the client sent and what is not passed on yet; empty outside onDownstreamData. */
  get downstream(): Body {
    return bodyOf(Buffer.DownstreamData);
  }

  /** What the server sent. */
  get upstream(): Body {
    return bodyOf(Buffer.UpstreamData);
  }

  /** `downstream.bytes(start, length)`. */
  downstreamData(start: u32, length: u32): ArrayBuffer | null {
    return this.downstream.bytes(start, length);
  }

  /** `upstream.bytes(start, length)`. */
  upstreamData(start: u32, length: u32): ArrayBuffer | null {
    return this.upstream.bytes(start, length);
  }

  /** Goes on after onNewConnection or onDownstreamData returned Action.Pause. Envoy cannot do so for upstream data. */
  resume(): bool {
    return continueStream(StreamType.Downstream) == Status.Ok;
  }

  /** Closes the client's connection. */
  close(): bool {
    return closeStream(StreamType.Downstream) == Status.Ok;
  }

  /** Closes the connection to the server. */
  closeUpstream(): bool {
    return closeStream(StreamType.Upstream) == Status.Ok;
  }
}

/** One TCP connection. */
export class StreamContext<C> extends AnyStreamContext {
  /** The plugin configuration that the connection belongs to. A root class of your own: `this.root as MyRoot`. */
  root!: RootContext<C>;

  /** What the configuration says. */
  get config(): C {
    return this.root.config;
  }
}
