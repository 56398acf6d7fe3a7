import type { Stats } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { type FSWatcher, watch } from "chokidar";

export interface FolderWatchOptions {
  /** Absolute. */
  readonly folder: string;
  readonly maxDepth: number;
  /** A file came, changed or went; relative, with `/`. */
  readonly onFile: (file: string) => void;
  /** The folder itself seems to be gone; if it is, nothing more will be told. */
  readonly onFolderGone: () => void;
  /** Every file that is there was told. */
  readonly onScanned: () => void;
  readonly onError: (error: Error) => void;
}

/** Tells of YAML files in a folder and below. Says nothing of names that begin with a dot, nor of node_modules. */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #watcher: FSWatcher;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
    this.#watcher = watch(options.folder, {
      depth: options.maxDepth,
      ignored: (path, stats) => this.#ignores(path, stats),
    });
    this.#watcher.on("all", (event, path) => {
      if (event !== "addDir" && event !== "unlinkDir") options.onFile(this.#relative(path));
    });
    // Chokidar drops a change that follows another within 50 ms, so that the last one could be missed.
    this.#watcher.on("raw", (event, name, details) => {
      const watched = watchedPathOf(details);
      // Its own removal is told under the folder's own name; of an empty folder Chokidar passes on nothing else.
      const ofFolder = watched === options.folder && name === basename(options.folder);
      if (event === "rename" && ofFolder) options.onFolderGone();
      if (watched !== undefined) this.#raw(watched, name);
    });
    this.#watcher.on("ready", options.onScanned);
    this.#watcher.on("error", (error) => options.onError(error instanceof Error ? error : new Error(String(error))));
  }

  close(): Promise<void> {
    return this.#watcher.close();
  }

  /** The system tells the name of an entry of the watched folder, or of the watched file itself. */
  #raw(watched: string, name: string | null): void {
    const path = YAML_NAME.test(watched) || name === null ? watched : join(watched, name);
    const file = this.#relative(path);
    if (YAML_NAME.test(path) && !file.split("/").some(isIgnoredName)) this.#options.onFile(file);
  }

  #relative(path: string): string {
    return relative(this.#options.folder, path).split(sep).join("/");
  }

  #ignores(path: string, stats: Stats | undefined): boolean {
    if (path === this.#options.folder) return false;
    if (isIgnoredName(basename(path))) return true;
    return stats !== undefined && !stats.isDirectory() && !(stats.isFile() && YAML_NAME.test(path));
  }
}

const YAML_NAME = /\.ya?ml$/;

function isIgnoredName(name: string): boolean {
  return name.startsWith(".") || name === "node_modules";
}

function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== "object" || details === null || !("watchedPath" in details)) return undefined;
  return typeof details.watchedPath === "string" ? details.watchedPath : undefined;
}
