import { compareStrings, sortedEntries } from "../model/compare.js";
import { readIfThere, writeAtomic } from "./atomic-file.js";
import { IdentityError } from "./identity-error.js";
import type { IssuedCertificate } from "./rotation.js";

/** Remembers who has certificates that have not ended, across restarts: a root in use must not be dropped. */
export interface IssuedCertificates {
  /** Resolves when it would not be forgotten any more; only then may the certificate be given away. */
  record(certificate: IssuedCertificate): Promise<void>;
  /** In a stable order. */
  valid(nowMs: number): readonly IssuedCertificate[];
  /** Workloads that may meet a certificate of a new root before they trust it, and until when that has to be waited for. */
  holders(nowMs: number): readonly IssuedCertificate[];
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** @throws IdentityError when the file is there and cannot be read */
export async function loadIssuedCertificates(file: string): Promise<IssuedCertificates> {
  /** By workload and then by root: when the last one ends. */
  const ends = await readEnds(file);
  let dirty = false;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (dirty) {
      dirty = false;
      const now = Date.now();
      for (const [workload, byRoot] of ends) {
        for (const [root, notAfterMs] of byRoot) if (notAfterMs <= now) byRoot.delete(root);
        if (byRoot.size === 0) ends.delete(workload);
      }
      const value = Object.fromEntries(sortedEntries(ends).map(([key, byRoot]) => [key, Object.fromEntries(byRoot)]));
      await writeAtomic(file, `${JSON.stringify(value)}\n`, 0o600);
    }
  };

  const valid = (nowMs: number): readonly IssuedCertificate[] =>
    [...ends]
      .flatMap(([workload, byRoot]) => [...byRoot].map(([root, notAfterMs]) => ({ workload, root, notAfterMs })))
      .filter(({ notAfterMs }) => notAfterMs > nowMs)
      .sort((a, b) => compareStrings(a.workload, b.workload) || compareStrings(a.root, b.root));

  return {
    async record({ workload, root, notAfterMs }) {
      const byRoot = ends.get(workload) ?? new Map<string, number>();
      byRoot.set(root, Math.max(notAfterMs, byRoot.get(root) ?? 0));
      ends.set(workload, byRoot);
      dirty = true;
      // Whoever comes while a write is under way shares the next one.
      writing ??= write().finally(() => {
        writing = undefined;
      });
      await writing;
    },
    valid,
    // Who has a certificate has a folder, with the roots of then.
    holders: valid,
  };
}

async function readEnds(file: string): Promise<Map<string, Map<string, number>>> {
  const text = await readIfThere(file, MAX_FILE_BYTES);
  if (text === undefined) return new Map();
  try {
    const value = JSON.parse(text) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    return new Map(
      Object.entries(value).map(([workload, byRoot]) => [
        workload,
        new Map(Object.entries(byRoot).map(([root, notAfterMs]) => [root, Number(notAfterMs)])),
      ]),
    );
  } catch (error) {
    throw new IdentityError(
      "damaged",
      `${file}: is no record of certificates. Put back a copy of it; or remove it, and rotate no root for a day`,
      { cause: error },
    );
  }
}
