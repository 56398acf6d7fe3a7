import { ByteBuffer } from "./byte-buffer.js";
import type { RootContext } from "./context.js";
import { HostError } from "./errors.js";
import type { PropertyMap } from "./property-value.js";
import type { Services } from "./services.js";
import type { EndOfStream } from "./stream-options.js";
import { Peer, TcpContext } from "./tcp-context.js";

/** What a connection is made with. */
export interface TcpOptions {
  properties?: PropertyMap;
}

/** One TCP connection through the plugin. Bytes that the plugin holds back are shown to it again with the next ones. */
export class TcpStream {
  readonly #services: Services;
  readonly #context: TcpContext | undefined;
  readonly #held = { downstream: new ByteBuffer(), upstream: new ByteBuffer() };
  readonly #ended = { downstream: false, upstream: false };
  readonly #passed = { downstream: new ByteBuffer(), upstream: new ByteBuffer() };
  #newPaused = false;
  #closed = false;

  /**
   * @internal
   * Made by `host.tcp()`.
   */
  constructor(services: Services, root: RootContext | undefined, options: TcpOptions) {
    this.#services = services;
    if (root === undefined) return;
    const connection = {
      continueReading: () => this.#continueReading(),
      closeConnection: () => this.#close(Peer.Local),
    };
    const context = new TcpContext(root.vm, root, connection, options.properties ?? {});
    this.#context = context;
    services.operate(() => {
      this.#newPaused = !context.newConnection();
    });
  }

  /** Id of the guest's context; undefined where the plugin is not in the chain. */
  get contextId(): number | undefined {
    return this.#context?.id;
  }

  /** What has reached the upstream. */
  get toUpstream(): Uint8Array {
    return this.#passed.downstream.bytes;
  }

  /** What has reached the client. */
  get toClient(): Uint8Array {
    return this.#passed.upstream.bytes;
  }

  /** The connection to the client is over. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes from the client. */
  downstreamData(bytes: string | Uint8Array, { endOfStream = false }: EndOfStream = {}): void {
    this.#data("downstream", bytes, endOfStream);
  }

  /** Bytes from the upstream. */
  upstreamData(bytes: string | Uint8Array, { endOfStream = false }: EndOfStream = {}): void {
    this.#data("upstream", bytes, endOfStream);
  }

  /** The client (or this side) closes the connection. */
  close(by: "remote" | "local" = "remote"): void {
    this.#services.operate(() => this.#close(by === "remote" ? Peer.Remote : Peer.Local));
  }

  #data(name: "downstream" | "upstream", bytes: string | Uint8Array, end: boolean): void {
    if (this.#ended[name]) throw new HostError("USAGE", `the ${name} side has ended already`);
    this.#services.operate(() => {
      this.#ended[name] = end;
      if (this.#closed) return;
      this.#held[name].append(new ByteBuffer(bytes).bytes);
      if (name === "downstream" && this.#newPaused) return;
      if (this.#context === undefined || this.#context.data(name, this.#held[name], end)) this.#pass(name);
    });
  }

  #pass(name: "downstream" | "upstream"): void {
    this.#passed[name].append(this.#held[name].take());
  }

  #continueReading(): void {
    if (this.#newPaused) {
      this.#newPaused = false;
      if (this.#held.downstream.length === 0 && !this.#ended.downstream) return;
    }
    this.#pass("downstream");
  }

  #close(peer: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context?.downstreamClose(peer);
  }
}
