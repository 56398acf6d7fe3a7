import type { HeaderInit, HeaderList } from "./header-map.js";

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
  respond(message: Uint8Array | string): void;
  /** A status other than 0, for example 14 for unavailable. */
  fail(status: number, message?: string): void;
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
  receiveInitialMetadata(metadata: HeaderInit): void;
  receive(message: Uint8Array | string): void;
  receiveTrailingMetadata(metadata: HeaderInit): void;
  close(status: number, message?: string): void;
}

export type Call = HttpCall | GrpcCall | GrpcStreamCall;
