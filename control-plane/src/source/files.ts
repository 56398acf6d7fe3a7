import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BatchQueue } from "./batch-queue.js";
import type { FileReading } from "./documents.js";
import { FolderReader } from "./folder-reader.js";
import { DEFAULT_LIMITS, type FolderLimits } from "./limits.js";
import { type Source, SourceError } from "./source.js";

export interface FileSourceOptions {
  readonly folder: string;
  /** Default true. */
  readonly standalone?: boolean;
  readonly limits?: Partial<FolderLimits>;
  /** For how long files must be quiet before they are read; an editor's steps thus make one batch. Default 30. */
  readonly settleMs?: number;
  /** What the files said when they were right last; it stays in force where they are not right now. */
  readonly lastGood?: ReadonlyMap<string, FileReading>;
  /** For how long an object must be gone from a file before it is believed. Default 100. */
  readonly graceMs?: number;
}

/**
 * The objects in the `*.yaml` and `*.yml` files of a folder and the folders below. Names that begin with a dot (`.weft`
 * holds the status) and `node_modules` are left alone.
 */
export function createFileSource(options: FileSourceOptions): Source {
  const folder = resolve(options.folder);
  let watched = false;
  return {
    async *watch(signal) {
      if (watched) throw new SourceError("already-watched", "the source has a consumer already");
      watched = true;
      try {
        await checkFolder(folder);
        const queue = new BatchQueue();
        const reader = new FolderReader({
          folder,
          standalone: options.standalone ?? true,
          limits: { ...DEFAULT_LIMITS, ...options.limits },
          settleMs: options.settleMs ?? 30,
          graceMs: options.graceMs ?? 100,
          lastGood: options.lastGood ?? new Map(),
          onBatch: (batch) => queue.push(batch),
          onFailure: (error) => queue.fail(error),
        });
        try {
          reader.start();
          yield* queue.batches(signal);
        } finally {
          await reader.close();
        }
      } finally {
        watched = false;
      }
    },
  };
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw new SourceError("folder-missing", `${folder} does not exist`, { cause });
    throw new SourceError("folder-unreadable", `${folder} cannot be read: ${cause.message}`, { cause });
  });
  if (!found.isDirectory()) throw new SourceError("not-a-folder", `${folder} is not a folder`);
}
