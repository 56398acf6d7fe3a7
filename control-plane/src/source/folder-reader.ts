import { stat } from "node:fs/promises";
import { compareStrings } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { FileReading } from "./documents.js";
import { FolderWatch } from "./folder-watch.js";
import type { FolderLimits } from "./limits.js";
import { ObjectFiles } from "./object-files.js";
import { readObjectFile } from "./read-file.js";
import type { SourceBatch } from "./source.js";

export interface FolderReaderOptions {
  /** Absolute. */
  readonly folder: string;
  readonly standalone: boolean;
  readonly limits: FolderLimits;
  readonly settleMs: number;
  readonly graceMs: number;
  readonly lastGood: ReadonlyMap<string, FileReading>;
  readonly onBatch: (batch: SourceBatch) => void;
  readonly onFailure: (error: Error) => void;
}

/** Files that never come to rest are read after this time all the same. */
const MAX_SETTLE_MS = 1000;
const LOST_FOLDER_POLL_MS = 250;

/**
 * Turns what changes in a folder into batches. Events of the file system only say which files to look at; what counts is
 * what is in the file then, so that doubled or reordered events do no harm.
 */
export class FolderReader {
  readonly #options: FolderReaderOptions;
  readonly #files = new ObjectFiles();
  #watch: FolderWatch | undefined;
  /** Whether the watch has told every file that is there. */
  #scanned = false;
  #toldReady = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #dirty = new Set<string>();
  #dirtySinceMs: number | undefined;
  #lostSinceMs: number | undefined;
  #folderProblem: Diagnostic | undefined;
  #watchProblem: Diagnostic | undefined;
  /** Files beyond the limit on their number. */
  readonly #surplus = new Set<string>();

  constructor(options: FolderReaderOptions) {
    this.#options = options;
  }

  start(): void {
    const { folder, limits, lastGood, onBatch } = this.#options;
    // As if these had been read before: what is there now are edits of it.
    if (this.#watch === undefined && !this.#toldReady && lastGood.size > 0) {
      const batch = this.#files.update(lastGood);
      if (batch.length > 0) onBatch(batch);
    }
    this.#scanned = false;
    this.#watch = new FolderWatch({
      folder,
      maxDepth: limits.maxDepth,
      onFile: (file) => this.#mark(file),
      onFolderGone: () => this.#schedule(this.#options.settleMs),
      onScanned: () => {
        this.#scanned = true;
        // Nobody tells of files that went while nobody watched.
        for (const file of this.#files.files) this.#dirty.add(file);
        this.#schedule(0);
      },
      onError: (error) => this.#watchFailed(error),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#watch?.close();
  }

  #mark(file: string): void {
    this.#dirty.add(file);
    if (!this.#scanned) return;
    const now = performance.now();
    this.#dirtySinceMs ??= now;
    const { settleMs } = this.#options;
    const atLatestMs = this.#dirtySinceMs + Math.max(MAX_SETTLE_MS, 2 * settleMs);
    this.#schedule(Math.min(settleMs, Math.max(0, atLatestMs - now)));
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#running.then(() => this.#pass()).catch((error: Error) => this.#options.onFailure(error));
    }, delayMs);
  }

  async #pass(): Promise<void> {
    if (this.#closed) return;
    // Until then too little is known to tell anything; the end of the scan schedules the next pass.
    if (!(await this.#folderIsThere()) || !this.#scanned) return;
    const files = [...this.#dirty].sort(compareStrings);
    this.#dirty.clear();
    this.#dirtySinceMs = undefined;
    const edits = await this.#read(files);
    if (this.#closed) return;
    // An editor may empty or remove a file before it writes it anew: what is lost must stay lost for a while.
    const wait = this.#waitForLost(edits);
    if (wait > 0) {
      for (const file of files) this.#dirty.add(file);
      this.#schedule(wait);
      return;
    }
    // A folder that goes looks at first like files that go.
    if (this.#lostSinceMs !== undefined && !(await this.#folderIsThere())) return;
    this.#lostSinceMs = undefined;
    this.#update(edits);
    if ([...edits.values()].includes("gone") && this.#surplus.size > 0) {
      for (const file of this.#surplus) this.#dirty.add(file);
      this.#schedule(0);
    }
  }

  async #read(files: readonly string[]): Promise<Map<string, FileReading | "gone">> {
    const { folder, standalone, limits } = this.#options;
    const edits = new Map<string, FileReading | "gone">();
    let count = this.#files.count;
    for (const file of files) {
      this.#surplus.delete(file);
      const edit = await readObjectFile(folder, file, { standalone, limits });
      if (edit === "gone") {
        if (!this.#files.has(file)) continue;
        count--;
      } else if (!this.#files.has(file)) {
        if (count >= limits.maxFiles) {
          this.#surplus.add(file);
          continue;
        }
        count++;
      }
      edits.set(file, edit);
    }
    return edits;
  }

  /** For how long to wait before losses are believed. */
  #waitForLost(edits: ReadonlyMap<string, FileReading | "gone">): number {
    if (![...edits].some(([file, edit]) => this.#files.loses(file, edit))) {
      this.#lostSinceMs = undefined;
      return 0;
    }
    const now = performance.now();
    this.#lostSinceMs ??= now;
    return Math.max(0, Math.ceil(this.#lostSinceMs + this.#options.graceMs - now));
  }

  #update(edits: ReadonlyMap<string, FileReading | "gone">): void {
    const batch = [...this.#files.update(edits, this.#generalDiagnostics())];
    if (!this.#toldReady && this.#scanned) {
      this.#toldReady = true;
      batch.push({ kind: "ready" });
    }
    if (batch.length > 0) this.#options.onBatch(batch);
  }

  #generalDiagnostics(): Diagnostic[] {
    const { limits } = this.#options;
    const problems = [this.#folderProblem, this.#watchProblem].filter((problem) => problem !== undefined);
    if (this.#surplus.size > 0)
      problems.push({
        severity: "error",
        reason: "TooManyFiles",
        message: `${this.#surplus.size} files of the folder are not read, because it has more than ${limits.maxFiles}`,
        hint: "put more objects into one file",
      });
    return problems;
  }

  async #folderIsThere(): Promise<boolean> {
    const { folder } = this.#options;
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() === true) {
      if (this.#folderProblem === undefined) return true;
      this.#folderProblem = undefined;
      this.start();
      return false;
    }
    if (this.#folderProblem === undefined) {
      this.#folderProblem = {
        severity: "error",
        reason: "FolderMissing",
        message: `${folder} is not there any more; all that was in force stays in force`,
        hint: "put the folder back",
      };
      await this.#watch?.close();
      this.#watch = undefined;
      this.#update(new Map());
    }
    this.#schedule(LOST_FOLDER_POLL_MS);
    return false;
  }

  #watchFailed(error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    const exhausted = code === "ENOSPC" || code === "EMFILE";
    this.#watchProblem = {
      severity: "error",
      reason: "WatchFailed",
      message: `changes of some files may be missed: ${error.message}`,
      hint: exhausted ? "raise fs.inotify.max_user_watches and max_user_instances, then start again" : "start again",
    };
    this.#schedule(0);
  }
}
