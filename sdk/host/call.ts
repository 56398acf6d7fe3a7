import type { HeaderInit, HeaderList } from "./header-map.js";

/** The answer of an HTTP call. */
export interface CallAnswer {
  /** Default 200. */
  status?: number;
  headers?: HeaderInit;
  body?: string | Uint8Array;
  trailers?: HeaderInit;
}

interface CallBase {
  readonly token: number;
  /** Cluster that the plugin named; for gRPC also the serialized service's cluster. */
  readonly cluster: string;
  /** `worker 0`, `main`, … */
  readonly thread: string;
  readonly timeoutMs: number;
  /** The plugin cancelled it, it was answered, or its root is gone. */
  readonly done: boolean;
}

/** An HTTP call that the plugin made and the test answers. */
export interface HttpCall extends CallBase {
  readonly kind: "http";
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  /** The service answers. The plugin's handler has run when this returns. */
  respond(answer?: CallAnswer): void;
  /** The connection failed: Envoy gives the plugin a response of its own with status 503. */
  fail(reason?: string): void;
  /** Time is up: a response of Envoy's own with status 504. */
  timeout(): void;
  /** The response broke off: the plugin sees zero headers and the status (11, "reset"). */
  reset(): void;
}

/** A gRPC call that the plugin made and the test answers. */
export interface GrpcCall extends CallBase {
  readonly kind: "grpc";
  readonly service: string;
  readonly method: string;
  readonly initialMetadata: HeaderList;
  readonly message: Uint8Array;
  /** The service answers with one message and status 0. */
  respond(message: Uint8Array | string): void;
  /** A status other than 0, for example 14 for unavailable. */
  fail(status: number, message?: string): void;
  /** Time is up: Envoy gives the plugin status 14 with `{response_timeout}` in the message. */
  timeout(): void;
}

/** A gRPC stream that the plugin opened. */
export interface GrpcStreamCall extends CallBase {
  readonly kind: "grpc-stream";
  readonly service: string;
  readonly method: string;
  readonly initialMetadata: HeaderList;
  /** What the plugin has sent so far. */
  readonly sent: readonly Uint8Array[];
  /** The plugin closed or half-closed its side. */
  readonly ended: boolean;
  /** The service's initial metadata comes. */
  receiveInitialMetadata(metadata: HeaderInit): void;
  /** The service sends a message. */
  receive(message: Uint8Array | string): void;
  /** The service's trailing metadata comes. */
  receiveTrailingMetadata(metadata: HeaderInit): void;
  /** The service ends the stream with a status of gRPC. */
  close(status: number, message?: string): void;
}

/** A call that the plugin made; `kind` says which. */
export type Call = HttpCall | GrpcCall | GrpcStreamCall;
