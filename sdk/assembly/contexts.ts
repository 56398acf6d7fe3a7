import { Action } from "./action";
import { JsonReader } from "./config/json-reader";
import { Buffer, bufferBytes } from "./host/buffer";
import { closeStream, StreamType, setTickPeriod } from "./host/stream";
import { currentRequest, currentResponse, Message } from "./message";
import { currentLabels, currentRoute, Labels, Route } from "./route";

/** Who closed a connection. */
export enum Peer {
  Unknown = 0,
  Local = 1,
  Remote = 2,
}

/** What the host knows by a context id: a plugin configuration (root), an HTTP stream, a TCP connection. */
export abstract class Context {
  /** The host's number of this context. */
  id: u32 = 0;

  /** The stream is over: write what the access log writes. Attributes and headers can still be read. */
  onLog(): void {}

  /** False from a root keeps it until `proxy_done`. */
  onDone(): bool {
    return true;
  }

  /** The last callback of the context. */
  onDelete(): void {}
}

/** A root, whatever its configuration's class. */
export abstract class AnyRootContext extends Context {
  /** Returns what is wrong, or null. */
  abstract readConfig(json: string): string | null;

  /** After the configuration was read. False refuses it: say why in the log. */
  onConfigure(): bool {
    return true;
  }

  onTick(): void {}
}

/** One plugin configuration. A VM may have several, each with its own root; streams reach theirs by `this.root`. */
export class RootContext<C> extends AnyRootContext {
  config: C = instantiate<C>();

  /** Calls onTick every so many milliseconds, once per worker and once on the main thread. 0 ends it. */
  set tickPeriodMs(periodMs: u32) {
    setTickPeriod(periodMs);
  }

  readConfig(json: string): string | null {
    const config = instantiate<C>();
    // @ts-expect-error: made by the transform
    if (!isDefined(config.__weftRead)) ERROR("A configuration class must be marked @config.");
    const reader = new JsonReader(json);
    // @ts-expect-error: made by the transform
    config.__weftRead(reader);
    reader.finish();
    if (reader.error === null) this.config = config;
    return reader.error;
  }
}

/** An HTTP stream, whatever its configuration's class. */
export abstract class AnyHttpContext extends Context {
  get request(): Message {
    return currentRequest;
  }

  get response(): Message {
    return currentResponse;
  }

  get route(): Route {
    return currentRoute;
  }

  get labels(): Labels {
    return currentLabels;
  }

  onRequestHeaders(endOfStream: bool): Action {
    return Action.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  onRequestTrailers(): Action {
    return Action.Continue;
  }

  /** Also called for an answer that the plugin itself gave. */
  onResponseHeaders(endOfStream: bool): Action {
    return Action.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  onResponseTrailers(): Action {
    return Action.Continue;
  }
}

/** One HTTP request and its response. Override only what you need. */
export class HttpContext<C> extends AnyHttpContext {
  /** The plugin configuration that the stream belongs to. A root class of your own: `this.root as MyRoot`. */
  root!: RootContext<C>;

  get config(): C {
    return this.root.config;
  }
}

/** A TCP connection, whatever its configuration's class. */
export abstract class AnyStreamContext extends Context {
  onNewConnection(): Action {
    return Action.Continue;
  }

  onDownstreamData(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  onUpstreamData(size: u32, endOfStream: bool): Action {
    return Action.Continue;
  }

  onDownstreamClose(peer: Peer): void {}

  onUpstreamClose(peer: Peer): void {}

  /** Up to `length` bytes that the client sent and that are not passed on yet; null outside onDownstreamData. */
  downstreamData(start: u32, length: u32): ArrayBuffer | null {
    return bufferBytes(Buffer.DownstreamData, start, length);
  }

  upstreamData(start: u32, length: u32): ArrayBuffer | null {
    return bufferBytes(Buffer.UpstreamData, start, length);
  }

  /** Closes the client's connection. */
  close(): void {
    closeStream(StreamType.Downstream);
  }
}

/** One TCP connection. */
export class StreamContext<C> extends AnyStreamContext {
  root!: RootContext<C>;

  get config(): C {
    return this.root.config;
  }
}
