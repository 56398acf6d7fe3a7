import { formatObjectRef } from "../model/object-ref.js";
import type { SourceBatch, SourceEvent } from "./source.js";

/** Holds what a consumer has not taken yet. Waiting batches are merged, so its size is bounded by what there is. */
export class BatchQueue {
  #waiting = new Map<string, SourceEvent>();
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  push(batch: SourceBatch): void {
    for (const event of batch) this.#waiting.set(slotOf(event), event);
    this.#wake?.();
  }

  /** Ends the consumer's loop with this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async *batches(signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const wake = () => this.#wake?.();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#waiting.size > 0) {
          const batch = inOrder([...this.#waiting.values()]);
          this.#waiting = new Map();
          yield batch;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }
}

function slotOf(event: SourceEvent): string {
  return event.kind === "apply" || event.kind === "delete" ? `object ${formatObjectRef(event.ref)}` : event.kind;
}

function inOrder(events: readonly SourceEvent[]): SourceBatch {
  const last = (event: SourceEvent) => (event.kind === "ready" ? 2 : event.kind === "diagnostics" ? 1 : 0);
  return [...events].sort((a, b) => last(a) - last(b));
}
