import { compareStrings } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ApplyEvent, Source, SourceBatch } from "./source.js";

const MAX_WAIT_MS = 20_000;

/** Consumes a source in a test and holds what it has told. */
export class SourceProbe {
  readonly #abort = new AbortController();
  readonly #batches: AsyncIterator<SourceBatch>;
  readonly #objects = new Map<string, ApplyEvent>();
  diagnostics: readonly Diagnostic[] = [];
  /** Number of batches. */
  batches = 0;
  deletes = 0;

  constructor(source: Source) {
    this.#batches = source.watch(this.#abort.signal)[Symbol.asyncIterator]();
  }

  /** The next batch. */
  async next(): Promise<SourceBatch> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the source told nothing in time")), MAX_WAIT_MS);
    });
    try {
      const { value, done } = await Promise.race([this.#batches.next(), late]);
      if (done === true) throw new Error("the source has ended");
      this.#take(value);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes batches until something holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.next();
  }

  names(): string[] {
    return [...this.#objects.keys()].sort(compareStrings);
  }

  /** The host of the DestinationRule with this name. */
  hostOf(name: string): string | undefined {
    const object = this.#objects.get(name)?.object;
    return object?.kind === "DestinationRule" ? object.value.host : undefined;
  }

  fileOf(name: string): string | undefined {
    return this.#objects.get(name)?.file;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#batches.return?.();
  }

  #take(batch: SourceBatch): void {
    this.batches++;
    for (const event of batch) {
      if (event.kind === "apply") this.#objects.set(event.ref.name, event);
      if (event.kind === "diagnostics") this.diagnostics = event.diagnostics;
      if (event.kind !== "delete") continue;
      this.deletes++;
      this.#objects.delete(event.ref.name);
    }
  }
}
