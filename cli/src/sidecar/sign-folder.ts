import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateAuthority } from "@weft/control-plane/identity/certificate-authority";
import { peerIdentity } from "@weft/control-plane/identity/peer-identity";
import { signWorkload } from "@weft/control-plane/identity/sign";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { isMissing, readIfThere, writeAtomic } from "./atomic-file.js";
import { MAX_PEM_BYTES, REQUEST_FILE } from "./identity-folder.js";
import { type WorkloadName, workloadOfFolder } from "./workload-folder.js";

export interface SigningOptions {
  readonly ca: CertificateAuthority;
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
  | { readonly kind: "refused"; readonly message: string };

/**
 * Signs the request in a folder unless its certificate answers it. `isAnswered` is what is known of that: undefined for
 * a request from before our time.
 */
export async function signIfDue(
  options: SigningOptions,
  folder: string,
  isAnswered: boolean | undefined,
): Promise<SigningOutcome> {
  const { ca, workloadsDir, lookup, ttlMs = DEFAULT_TTL_MS } = options;
  const directory = join(workloadsDir, folder);
  const requestFile = join(directory, REQUEST_FILE);
  const request = await readIfThere(requestFile, MAX_PEM_BYTES);
  if (request === undefined) return { kind: "nothing-to-do" };
  const name = workloadOfFolder(folder);
  const workload = name && lookup(name.namespace, name.name);
  if (name === undefined || workload === undefined)
    return {
      kind: "refused",
      message: `the mesh knows no workload ${name ? `${name.namespace}/${name.name}` : `of the folder ${folder}`}: add a WorkloadEntry for it`,
    };
  const subject = { ...name, serviceAccount: workload.serviceAccount };
  if (await isUpToDate(ca, directory, subject, isAnswered)) return { kind: "nothing-to-do" };
  const signed = await signWorkload(ca, request, { ...subject, workload: name.name, ttlMs, nowMs: Date.now() });
  if (!signed.ok) return { kind: "refused", message: signed.message };
  // The root first: who finds the certificate can use it at once.
  await writeAtomic(join(directory, STANDALONE_FILES.trustBundle), ca.rootPem);
  await writeAtomic(join(directory, STANDALONE_FILES.certificateChain), signed.chainPem);
  return { kind: "signed", notAfterMs: signed.notAfterMs };
}

/** Whether what is in the folder answers its request: signed after it, by this authority, for this workload. */
async function isUpToDate(
  ca: CertificateAuthority,
  directory: string,
  subject: WorkloadName & { readonly serviceAccount: string },
  isAnswered: boolean | undefined,
): Promise<boolean> {
  const chainFile = join(directory, STANDALONE_FILES.certificateChain);
  const chainPem = await readIfThere(chainFile, MAX_PEM_BYTES);
  const rootPem = await readIfThere(join(directory, STANDALONE_FILES.trustBundle), MAX_PEM_BYTES);
  if (chainPem === undefined || rootPem !== ca.rootPem) return false;
  // Of requests from before our time only the files' times tell.
  if (!(isAnswered ?? !(await isOlder(chainFile, join(directory, REQUEST_FILE))))) return false;
  const peer = peerIdentity(chainPem, ca.trustDomain);
  return (
    peer.ok &&
    peer.namespace === subject.namespace &&
    peer.workload === subject.name &&
    peer.serviceAccount === subject.serviceAccount &&
    peer.notAfterMs > Date.now() &&
    new X509Certificate(chainPem).verify(new X509Certificate(ca.intermediatePem).publicKey)
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
