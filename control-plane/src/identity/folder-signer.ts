import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { compareStrings } from "../model/compare.js";
import { isMissing } from "./atomic-file.js";
import { pause } from "./pause.js";
import { type SigningOptions, signIfDue } from "./sign-folder.js";
import { WORKLOAD_FILES } from "./workload-folder.js";

export interface FolderSignerOptions extends SigningOptions {
  readonly logger: Readonly<Record<"info" | "warn" | "error", (message: string) => void>>;
}

export interface FolderSigner {
  /** Looks at every folder again, for example when the mesh has learned of a workload. */
  scan(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Between two looks at the requests. A look is one `stat` a folder; watching instead lost one request in thirty when
 * folders were made and requests renamed into them in quick succession.
 */
const LOOK_MS = 200;
/** Between two looks at everything: a changed service account, a certificate that was removed. */
const SCAN_MS = 10_000;

/**
 * Signs the requests in the workloads' folders as long as it runs. Who may write into a workload's folder is that
 * workload: the names in the certificate are those of the folder and of `lookup`, never of the request.
 */
export async function createFolderSigner(options: FolderSignerOptions): Promise<FolderSigner> {
  const { workloadsDir, logger } = options;
  await mkdir(workloadsDir, { recursive: true, mode: 0o700 });
  const stopped = new AbortController();
  const { signal } = stopped;
  /** By folder: the request that was last looked at. */
  const seen = new Map<string, string>();
  /** By folder: the request that the certificate answers. */
  const answered = new Map<string, string>();
  /** By folder: why its request was refused, said once. */
  const refused = new Map<string, string>();
  let problem: string | undefined;
  let work: Promise<void> = Promise.resolve();

  const signFolder = async (folder: string, request: string, everything: boolean): Promise<void> => {
    seen.set(folder, request);
    const isAnswered = answered.has(folder) ? answered.get(folder) === request : undefined;
    const outcome = await signIfDue(options, folder, isAnswered).catch((error: unknown) => ({
      kind: "refused" as const,
      message: String(error),
      mayPass: false,
    }));
    if (outcome.kind !== "refused") {
      refused.delete(folder);
      answered.set(folder, request);
      if (outcome.kind === "signed")
        logger.info(`${folder}: signed until ${new Date(outcome.notAfterMs).toISOString()}`);
    } else if (outcome.mayPass && !everything) {
      // The mesh may learn of the workload in a moment.
    } else if (refused.get(folder) !== outcome.message) {
      refused.set(folder, outcome.message);
      logger.warn(`${folder}: the request is not signed: ${outcome.message}`);
    }
  };
  const look = async (everything: boolean): Promise<void> => {
    try {
      for (const { folder, request } of await listRequests(workloadsDir))
        if (everything || seen.get(folder) !== request) await signFolder(folder, request, everything);
      problem = undefined;
    } catch (error) {
      if (problem !== String(error)) logger.error(`${workloadsDir}: cannot be read: ${String(error)}`);
      problem = String(error);
    }
  };
  // One after the other, so that no folder is signed twice at once.
  const enqueue = (everything: boolean): Promise<void> => {
    work = work.then(() => look(everything));
    return work;
  };
  const keepLooking = async (): Promise<void> => {
    for (let sinceScanMs = 0; !signal.aborted; sinceScanMs += LOOK_MS) {
      await pause(LOOK_MS, signal);
      if (signal.aborted) return;
      const everything = sinceScanMs >= SCAN_MS;
      if (everything) sinceScanMs = 0;
      await enqueue(everything);
    }
  };

  await enqueue(true);
  const looking = keepLooking();
  return {
    scan: () => enqueue(true),
    close: async () => {
      stopped.abort();
      await looking;
      await work;
    },
  };
}

/** The folders with a request in them, each with what tells this request from an earlier one. */
async function listRequests(workloadsDir: string): Promise<{ readonly folder: string; readonly request: string }[]> {
  const folders = (await readdir(workloadsDir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const found: { folder: string; request: string }[] = [];
  for (const { name } of folders.sort((a, b) => compareStrings(a.name, b.name))) {
    try {
      const { ino, mtimeMs, size } = await stat(join(workloadsDir, name, WORKLOAD_FILES.request));
      found.push({ folder: name, request: `${ino}/${mtimeMs}/${size}` });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return found;
}
