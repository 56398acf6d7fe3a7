import type { ByteBuffer } from "./byte-buffer.js";
import {
  BufferType,
  Context,
  type FilterStateValue,
  type GuestBuffer,
  type RootContext,
  StreamType,
} from "./context.js";
import { mergeProperties } from "./http-properties.js";
import type { PropertyMap } from "./property-value.js";
import { Status } from "./status.js";
import type { Vm } from "./vm.js";

/** Who closed the connection, as the ABI numbers it. */
export const Peer = { Unknown: 0, Local: 1, Remote: 2 } as const;

export interface ConnectionHost {
  continueReading(): void;
  closeConnection(): void;
}

/** The stream context of a TCP connection. */
export class TcpContext extends Context {
  readonly #root: RootContext;
  readonly #connection: ConnectionHost;
  readonly #properties: PropertyMap;
  readonly #state = new Map<string, FilterStateValue>();
  readonly #buffers: { downstream: ByteBuffer | undefined; upstream: ByteBuffer | undefined } = {
    downstream: undefined,
    upstream: undefined,
  };
  #downstreamClosed = false;
  #ended = false;
  #failed = false;

  constructor(vm: Vm, root: RootContext, connection: ConnectionHost, properties: PropertyMap) {
    super(vm, vm.allocateId(), root.rootPlugin);
    this.#root = root;
    this.#connection = connection;
    this.#properties = properties;
    vm.contexts.set(this.id, this);
  }

  override get root(): RootContext {
    return this.#root;
  }

  override get closed(): boolean {
    return this.#ended;
  }

  /** True: the connection may go on. */
  newConnection(): boolean {
    this.vm.callback(this, "proxy_on_context_create", [this.#root.id]);
    this.created = true;
    return this.#call("proxy_on_new_connection", []);
  }

  data(name: "downstream" | "upstream", buffer: ByteBuffer, end: boolean): boolean {
    this.#buffers[name] = buffer;
    const goOn = this.#call(`proxy_on_${name}_data`, [buffer.length, end ? 1 : 0]);
    if (goOn) this.#buffers[name] = undefined;
    if (name === "upstream" && end) this.upstreamClose(Peer.Unknown);
    return goOn;
  }

  downstreamClose(peer: number): void {
    this.vm.callback(this, "proxy_on_downstream_connection_close", [peer]);
    this.#downstreamClosed = true;
    this.#end();
  }

  upstreamClose(peer: number): void {
    this.vm.callback(this, "proxy_on_upstream_connection_close", [peer]);
    if (this.#downstreamClosed) this.#end();
  }

  override buffer(type: number): GuestBuffer | undefined {
    if (type !== BufferType.DownstreamData && type !== BufferType.UpstreamData) return super.buffer(type);
    const buffer = type === BufferType.DownstreamData ? this.#buffers.downstream : this.#buffers.upstream;
    return buffer === undefined ? { bytes: new Uint8Array() } : { bytes: buffer.bytes, buffer };
  }

  override streamProperties(): PropertyMap {
    const known: PropertyMap = {
      connection: { id: 0n, mtls: false, requested_server_name: "" },
      source: { address: "127.0.0.1:50000", port: 50_000 },
      destination: { address: "127.0.0.1:10000", port: 10_000 },
      xds: { filter_chain_name: "", listener_direction: 0 },
      connection_id: 0n,
    };
    return mergeProperties(mergeProperties(known, this.vm.services.properties), this.#properties);
  }

  override filterState(): Map<string, FilterStateValue> {
    return this.#state;
  }

  override continueStream(type: number): number {
    if (type === StreamType.Upstream) return Status.Unimplemented;
    if (type === StreamType.Downstream) this.vm.afterCall(() => this.#connection.continueReading());
    return Status.Ok;
  }

  override closeStream(type: number): number {
    if (type === StreamType.Downstream || type === StreamType.Upstream) {
      this.vm.afterCall(() => this.#connection.closeConnection());
    }
    return Status.Ok;
  }

  /* TCP has another order than HTTP: done, log, delete. */
  #end(): void {
    if (this.#ended || !this.created) return;
    this.#ended = true;
    this.vm.callback(this, "proxy_on_done", []);
    this.vm.callback(this, "proxy_on_log", []);
    this.vm.callback(this, "proxy_on_delete", []);
    this.vm.contexts.delete(this.id);
  }

  #call(name: string, args: readonly number[]): boolean {
    if (this.vm.failure === undefined) {
      const result = this.vm.callback(this, name, args) ?? 0;
      if (this.vm.failure === undefined) return result === 0;
    }
    if (!this.#failed) {
      this.#failed = true;
      this.#connection.closeConnection();
    }
    return false;
  }
}
