import type { DocumentLimits } from "./documents.js";

/** Bounds on what is read of a folder. */
export interface FolderLimits extends DocumentLimits {
  readonly maxFiles: number;
  /** Folders in folders. */
  readonly maxDepth: number;
}

export const DEFAULT_LIMITS: FolderLimits = {
  maxFileBytes: 4 * 1024 * 1024,
  maxDocuments: 10_000,
  maxFiles: 10_000,
  maxDepth: 16,
};
