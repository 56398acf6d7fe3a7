import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, readIfThere, writeAtomic } from "./atomic-file.js";
import type { MeshAuthority } from "./mesh-authority.js";
import { peerIdentity } from "./peer-identity.js";
import { MAX_PEM_BYTES, WORKLOAD_FILES, type WorkloadName, workloadOfFolder } from "./workload-folder.js";

/** Signs for workloads, and says whom they are to trust. */
export type WorkloadSigner = Pick<MeshAuthority, "trustDomain" | "trustBundle" | "isCurrent" | "signWorkload">;

export interface SigningOptions {
  readonly authority: WorkloadSigner;
  /** Its folders are `workloadFolder(workloadsDir, …)`; made when missing. */
  readonly workloadsDir: string;
  /** The workload as the mesh knows it; undefined: a request for it is refused. */
  readonly lookup: (namespace: string, name: string) => { readonly serviceAccount: string } | undefined;
  /** Lifetime of the certificates. Default 24 hours. */
  readonly ttlMs?: number;
}

const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000;

/** What became of a folder's request. */
export type SigningOutcome =
  | { readonly kind: "nothing-to-do" }
  | { readonly kind: "signed"; readonly notAfterMs: number }
  /** `mayPass`: by itself, when the mesh learns of the workload. */
  | { readonly kind: "refused"; readonly message: string; readonly mayPass: boolean };

/**
 * Signs the request in a folder unless its certificate answers it. `isAnswered` is what is known of that: undefined for
 * a request from before our time.
 */
export async function signIfDue(
  options: SigningOptions,
  folder: string,
  isAnswered: boolean | undefined,
): Promise<SigningOutcome> {
  const { authority, workloadsDir, lookup, ttlMs = DEFAULT_TTL_MS } = options;
  const directory = join(workloadsDir, folder);
  const requestFile = join(directory, WORKLOAD_FILES.request);
  const request = await readIfThere(requestFile, MAX_PEM_BYTES);
  if (request === undefined) return { kind: "nothing-to-do" };
  const name = workloadOfFolder(folder);
  const workload = name && lookup(name.namespace, name.name);
  if (name === undefined || workload === undefined)
    return {
      kind: "refused",
      mayPass: true,
      message: `the mesh knows no workload ${name ? `${name.namespace}/${name.name}` : `of the folder ${folder}`}: add a WorkloadEntry for it`,
    };
  const subject = { ...name, serviceAccount: workload.serviceAccount };
  if (await isUpToDate(authority, directory, subject, isAnswered)) {
    await writeTrustBundle(directory, authority.trustBundle);
    return { kind: "nothing-to-do" };
  }
  const signed = await authority.signWorkload(request, { ...subject, workload: name.name, ttlMs, nowMs: Date.now() });
  if (!signed.ok) return { kind: "refused", message: signed.message, mayPass: false };
  // The roots first: who finds the certificate can use it at once.
  await writeTrustBundle(directory, authority.trustBundle);
  await writeAtomic(join(directory, WORKLOAD_FILES.certificateChain), signed.chainPem);
  return { kind: "signed", notAfterMs: signed.notAfterMs };
}

async function writeTrustBundle(directory: string, pem: string): Promise<void> {
  const file = join(directory, WORKLOAD_FILES.trustBundle);
  if ((await readIfThere(file, MAX_PEM_BYTES)) !== pem) await writeAtomic(file, pem);
}

/** Whether what is in the folder answers its request: signed after it, by this authority, for this workload. */
async function isUpToDate(
  authority: WorkloadSigner,
  directory: string,
  subject: WorkloadName & { readonly serviceAccount: string },
  isAnswered: boolean | undefined,
): Promise<boolean> {
  const chainFile = join(directory, WORKLOAD_FILES.certificateChain);
  const chainPem = await readIfThere(chainFile, MAX_PEM_BYTES);
  if (chainPem === undefined) return false;
  // Of requests from before our time only the files' times tell.
  if (!(isAnswered ?? !(await isOlder(chainFile, join(directory, WORKLOAD_FILES.request))))) return false;
  const peer = peerIdentity(chainPem, authority.trustDomain);
  return (
    peer.ok &&
    peer.namespace === subject.namespace &&
    peer.workload === subject.name &&
    peer.serviceAccount === subject.serviceAccount &&
    peer.notAfterMs > Date.now() &&
    authority.isCurrent(chainPem)
  );
}

async function isOlder(file: string, other: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([stat(file), stat(other)]);
    return a.mtimeMs < b.mtimeMs;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
