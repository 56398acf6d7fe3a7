import { BatchQueue } from "./batch-queue.js";
import { type DocumentLimits, readDocuments } from "./documents.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { type FileEdits, ObjectFiles } from "./object-files.js";
import { type Source, SourceError } from "./source.js";

/** A source whose files are in memory, for tests and for what is generated. */
export interface MemorySource extends Source {
  /** Writes files, or removes those whose text is undefined, as one change. */
  write(texts: Readonly<Record<string, string | undefined>>): void;
}

export interface MemorySourceOptions {
  /** Default true. */
  readonly standalone?: boolean;
  readonly limits?: Partial<DocumentLimits>;
}

export function createMemorySource(options: MemorySourceOptions = {}): MemorySource {
  const reading = { standalone: options.standalone ?? true, limits: { ...DEFAULT_LIMITS, ...options.limits } };
  const texts = new Map<string, string>();
  let consumer: { readonly queue: BatchQueue; readonly files: ObjectFiles } | undefined;

  function edit(changed: Iterable<readonly [string, string | undefined]>): FileEdits {
    return new Map(
      [...changed].map(([file, text]) => [file, text === undefined ? "gone" : readDocuments(text, file, reading)]),
    );
  }

  return {
    write(changed) {
      for (const [file, text] of Object.entries(changed)) {
        if (text === undefined) texts.delete(file);
        else texts.set(file, text);
      }
      const batch = consumer?.files.update(edit(Object.entries(changed))) ?? [];
      if (batch.length > 0) consumer?.queue.push(batch);
    },
    async *watch(signal) {
      if (consumer !== undefined) throw new SourceError("already-watched", "the source has a consumer already");
      consumer = { queue: new BatchQueue(), files: new ObjectFiles() };
      try {
        consumer.queue.push([...consumer.files.update(edit(texts)), { kind: "ready" }]);
        yield* consumer.queue.batches(signal);
      } finally {
        consumer = undefined;
      }
    },
  };
}
