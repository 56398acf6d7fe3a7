/*
 * One direction of an HTTP stream through one filter, as Envoy's filter manager drives it: what is held back, what is
 * buffered, and what goes on to the next one (the router, or the client).
 */
import { ByteBuffer } from "./byte-buffer.js";
import type { HeaderMap } from "./header-map.js";

export type HeadersStatus = "continue" | "stop" | "stop-all-buffer" | "stop-all-watermark";
export type DataStatus = "continue" | "buffer" | "watermark" | "no-buffer";
export type TrailersStatus = "continue" | "stop";

/** The filter: the guest's callbacks. */
export interface Filter {
  headers(map: HeaderMap, end: boolean): HeadersStatus;
  data(buffer: ByteBuffer, end: boolean): DataStatus;
  trailers(map: HeaderMap): TrailersStatus;
}

/** The next one in the chain. */
export interface Next {
  headers(map: HeaderMap, end: boolean): void;
  data(bytes: Uint8Array, end: boolean): void;
  trailers(map: HeaderMap): void;
}

export interface DirectionOptions {
  filter: Filter;
  next: Next;
  bufferLimitBytes: number;
  /** More was buffered than the limit allows. */
  tooLarge(): void;
  /** A local response or a reset took the place of what went on here. */
  aborted(): boolean;
  /** Runs a local response that waits, after the filter has returned. */
  settle(): void;
  /** The filter continued what it did not hold back. */
  doubled(): void;
  /** False: nothing may go on any more. */
  canContinue(): boolean;
}

type State = "continue" | "stop" | "stop-all-buffer" | "stop-all-watermark";

export class Direction {
  map: HeaderMap | undefined;
  trailerMap: HeaderMap | undefined;
  buffered: ByteBuffer | undefined;
  state: State = "continue";
  /** The last part has arrived. */
  complete = false;
  /** The guest is in a callback of this direction. */
  inFilter = false;
  headersSent = false;
  readonly #options: DirectionOptions;
  #fromCurrent = false;
  #ended = false;
  #streaming = false;

  constructor(options: DirectionOptions) {
    this.#options = options;
  }

  get paused(): boolean {
    return this.state !== "continue";
  }

  get #stoppedAll(): boolean {
    return this.state === "stop-all-buffer" || this.state === "stop-all-watermark";
  }

  headers(map: HeaderMap, end: boolean): void {
    this.map = map;
    this.complete ||= end;
    this.#ended = end;
    const { filter, next } = this.#options;
    let status = this.#inFilter(() => filter.headers(map, end));
    if (this.#options.aborted()) {
      this.#options.settle();
      status = "stop";
    }
    if (status !== "continue") {
      this.state = status;
      return;
    }
    if (this.headersSent) {
      this.#options.doubled();
      return;
    }
    this.headersSent = true;
    next.headers(map, end);
  }

  data(buffer: ByteBuffer, end: boolean): void {
    this.complete ||= end;
    this.#data(buffer, end);
  }

  trailers(map: HeaderMap): void {
    this.complete = true;
    this.trailerMap = map;
    this.#trailers(map);
  }

  /** The filter adds data to the buffer while it looks at new data. */
  addData(buffer: ByteBuffer): void {
    this.#streaming = false;
    this.#hold(buffer);
  }

  /** The filter says that what it stopped may go on. */
  resume(): void {
    if (!this.#options.canContinue() || this.map === undefined) return;
    if (this.#stoppedAll) this.#fromCurrent = true;
    this.state = "continue";
    const hadTrailers = this.trailerMap !== undefined;
    if (!this.headersSent) {
      this.headersSent = true;
      const end = this.complete && this.buffered === undefined && !hadTrailers;
      this.#options.next.headers(this.map, end);
    }
    if (this.buffered !== undefined) this.#dataFromHere(this.buffered, this.complete && !hadTrailers);
    if (hadTrailers && this.trailerMap !== undefined) this.#trailersFromHere(this.trailerMap);
    this.#fromCurrent = false;
  }

  #dataFromHere(buffer: ByteBuffer, end: boolean): void {
    if (this.#fromCurrent) this.#data(buffer, end);
    else this.#options.next.data(buffer.take(), end);
  }

  #trailersFromHere(map: HeaderMap): void {
    if (this.#fromCurrent) this.#trailers(map);
    else this.#options.next.trailers(map);
  }

  #data(buffer: ByteBuffer, end: boolean): void {
    const { filter, next } = this.#options;
    if (!this.#options.canContinue()) return;
    if (this.#stoppedAll) {
      this.#streaming = this.state === "stop-all-watermark";
      this.#hold(buffer);
      return;
    }
    if (this.#ended) return;
    const hadTrailers = this.trailerMap !== undefined;
    this.#ended = end && !hadTrailers;
    const status = this.#inFilter(() => filter.data(buffer, end && !hadTrailers));
    if (this.#options.aborted()) {
      this.#options.settle();
      return;
    }
    const added = hadTrailers ? undefined : this.trailerMap;
    if (!this.#afterData(status, buffer)) return;
    next.data(buffer.take(), end && added === undefined);
    if (added !== undefined) next.trailers(added);
  }

  #afterData(status: DataStatus, buffer: ByteBuffer): boolean {
    if (status === "continue") {
      if (this.state !== "stop") return true;
      this.#hold(buffer);
      this.resume();
      return false;
    }
    this.state = "stop";
    if (status !== "no-buffer") {
      this.#streaming = status === "watermark";
      this.#hold(buffer);
    } else if (this.complete && this.trailerMap === undefined) this.buffered ??= new ByteBuffer();
    return false;
  }

  #trailers(map: HeaderMap): void {
    if (!this.#options.canContinue() || this.#stoppedAll) return;
    let status = this.#inFilter(() => this.#options.filter.trailers(map));
    this.#ended = true;
    if (this.#options.aborted()) {
      this.#options.settle();
      status = "stop";
    }
    if (status === "stop") {
      if (!this.paused) this.state = "stop";
    } else if (this.state === "stop") this.resume();
    else this.#options.next.trailers(map);
  }

  #hold(buffer: ByteBuffer): void {
    if (buffer === this.buffered) return;
    this.buffered ??= new ByteBuffer();
    this.buffered.append(buffer.take());
    if (!this.#streaming && this.buffered.length > this.#options.bufferLimitBytes) this.#options.tooLarge();
  }

  #inFilter<T>(body: () => T): T {
    this.inFilter = true;
    try {
      return body();
    } finally {
      this.inFilter = false;
    }
  }
}
