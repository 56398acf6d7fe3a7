import type { Next } from "./direction.js";
import type { HeaderList, HeaderMap } from "./header-map.js";

/** What has gone on to the next filter: to the upstream, or to the client. */
export interface Passed {
  /** Undefined while the plugin holds them back. */
  readonly headers: HeaderList | undefined;
  readonly body: Uint8Array;
  readonly trailers: HeaderList | undefined;
  readonly ended: boolean;
  /** The headers were all. */
  readonly headersOnly: boolean;
}

/** Records what passes. `onHeaders` may still change them; `onEnd` runs once, when the last part has. */
export class Recorder implements Next {
  #headers: HeaderMap | undefined;
  #trailers: HeaderMap | undefined;
  #parts: Uint8Array[] = [];
  #ended = false;
  #headersOnly = false;
  readonly #onHeaders: (map: HeaderMap) => void;
  readonly #onEnd: () => void;

  constructor(onHeaders: (map: HeaderMap) => void, onEnd: () => void) {
    this.#onHeaders = onHeaders;
    this.#onEnd = onEnd;
  }

  get passed(): Passed {
    return {
      headers: this.#headers?.toList(),
      body: Buffer.concat(this.#parts),
      trailers: this.#trailers?.toList(),
      ended: this.#ended,
      headersOnly: this.#headersOnly,
    };
  }

  get started(): boolean {
    return this.#headers !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  headers(map: HeaderMap, end: boolean): void {
    this.#onHeaders(map);
    this.#headers = map.clone();
    this.#headersOnly = end;
    if (end) this.#end();
  }

  data(bytes: Uint8Array, end: boolean): void {
    this.#parts.push(Uint8Array.from(bytes));
    if (end) this.#end();
  }

  trailers(map: HeaderMap): void {
    this.#trailers = map.clone();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
