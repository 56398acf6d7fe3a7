import type { ByteBuffer } from "./byte-buffer.js";
import { HeaderMap } from "./header-map.js";
import type { Pair } from "./pairs.js";
import type { Plugin } from "./plugin.js";
import type { PropertyMap } from "./property-value.js";
import { Status } from "./status.js";
import type { Vm } from "./vm.js";

/** Numbers of header maps in the ABI. */
export const MapType = {
  RequestHeaders: 0,
  RequestTrailers: 1,
  ResponseHeaders: 2,
  ResponseTrailers: 3,
  GrpcInitialMetadata: 4,
  GrpcTrailingMetadata: 5,
  CallHeaders: 6,
  CallTrailers: 7,
} as const;

/** Numbers of buffers in the ABI. */
export const BufferType = {
  RequestBody: 0,
  ResponseBody: 1,
  DownstreamData: 2,
  UpstreamData: 3,
  CallBody: 4,
  GrpcMessage: 5,
  VmConfig: 6,
  PluginConfig: 7,
  CallData: 8,
} as const;

/** Numbers of streams in the ABI. */
export const StreamType = { Request: 0, Response: 1, Downstream: 2, Upstream: 3 } as const;

/** An answer that is not the upstream's. */
export interface LocalReply {
  status: number;
  details: string;
  body: Uint8Array;
  headers: readonly Pair[];
  grpcStatus: number | undefined;
}

/** A buffer that the guest reads; `buffer` where it may also be written. */
export interface GuestBuffer {
  bytes: Uint8Array;
  buffer?: ByteBuffer;
}

/** What a host function works on: the VM itself, a root, or a stream. */
export abstract class Context {
  readonly vm: Vm;
  readonly id: number;
  readonly plugin: Plugin | undefined;
  /** proxy_on_context_create has run. */
  created = false;

  constructor(vm: Vm, id: number, plugin: Plugin | undefined) {
    this.vm = vm;
    this.id = id;
    this.plugin = plugin;
  }

  abstract get root(): RootContext | undefined;
  /** A stream is done with; only a late call can find it. */
  get closed(): boolean {
    return false;
  }

  /** The map as it may be changed now. */
  mutableMap(_type: number): HeaderMap | undefined {
    return undefined;
  }

  /** The map as it may be read now. */
  readMap(type: number): HeaderMap | undefined {
    return this.root?.callMap(type);
  }

  /** In the log phase a map that is missing is not the plugin's mistake. */
  get logging(): boolean {
    return false;
  }

  headersModified(_type: number): void {}

  buffer(type: number): GuestBuffer | undefined {
    return this.vm.commonBuffer(this, type);
  }

  /** What the attributes are looked up in; undefined where there is no stream. */
  streamProperties(): PropertyMap | undefined {
    return undefined;
  }

  /** Filter state, `wasm.` included in the keys; undefined where there is no stream. */
  filterState(): Map<string, FilterStateValue> | undefined {
    return undefined;
  }

  continueStream(type: number): number {
    return type === StreamType.Upstream ? Status.Unimplemented : Status.Ok;
  }

  closeStream(_type: number): number {
    return Status.Ok;
  }

  sendLocalReply(_reply: LocalReply): void {}

  clearRouteCache(): void {}
}

export interface FilterStateValue {
  value: Uint8Array;
  readonly: boolean;
}

/** The context of the VM itself: `_initialize` and malloc run in it. */
export class VmContext extends Context {
  override get root(): undefined {
    return undefined;
  }
}

/** Response of a call while its callback runs. */
export interface CallResponse {
  headers: HeaderMap;
  body: Uint8Array;
  trailers: HeaderMap | undefined;
}

export interface PropertyDeclaration {
  readonly: boolean;
}

/** One plugin configuration in one VM. */
export class RootContext extends Context {
  /** Set while the plugin configuration can be read. */
  configuration: Uint8Array | undefined;
  callResponse: CallResponse | undefined;
  grpcInitialMetadata: HeaderMap | undefined;
  grpcTrailingMetadata: HeaderMap | undefined;
  grpcMessage: Uint8Array | undefined;
  status: { code: number; message: string } = { code: 0, message: "" };
  readonly declared = new Map<string, PropertyDeclaration>();

  override get root(): RootContext {
    return this;
  }

  get rootPlugin(): Plugin {
    if (this.plugin === undefined) throw new Error("a root context has a plugin");
    return this.plugin;
  }

  callMap(type: number): HeaderMap | undefined {
    if (type === MapType.GrpcInitialMetadata) return this.grpcInitialMetadata;
    if (type === MapType.GrpcTrailingMetadata) return this.grpcTrailingMetadata;
    if (type === MapType.CallHeaders) return this.callResponse?.headers;
    if (type === MapType.CallTrailers) return this.callResponse?.trailers;
    return undefined;
  }
}

export function emptyMap(): HeaderMap {
  return new HeaderMap();
}
