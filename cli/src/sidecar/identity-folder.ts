import { watch } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere, writeAtomic } from "@weft/control-plane/identity/atomic-file";
import {
  certificateValidity,
  createCertificateRequest,
  createPrivateKeyPem,
  isCertificateForKey,
} from "@weft/control-plane/identity/certificate-request";
import { peerIdentity } from "@weft/control-plane/identity/peer-identity";
import { MAX_PEM_BYTES, WORKLOAD_FILES } from "@weft/control-plane/identity/workload-folder";
import type { Logger } from "./logger.js";
import type { CertificateSource } from "./renewal.js";
import { SidecarError } from "./sidecar-error.js";

export interface IdentityOptions {
  readonly workloadDir: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  readonly logger: Logger;
}

/** The state of the certificate in a folder: usable with its times in milliseconds since 1970, or what is wrong. */
export type CertificateState =
  | { readonly ok: true; readonly notBeforeMs: number; readonly notAfterMs: number }
  | { readonly ok: false; readonly message: string };

const POLL_MS = 1_000;
const SAY_SO_AFTER_MS = 5_000;

/** The workload's private key, made when there is none. It never leaves the folder. */
export async function loadOrCreateKey(workloadDir: string): Promise<string> {
  const file = join(workloadDir, WORKLOAD_FILES.privateKey);
  await mkdir(join(workloadDir, WORKLOAD_FILES.directory), { recursive: true, mode: 0o700 });
  const found = await readIfThere(file, MAX_PEM_BYTES);
  if (found === undefined) {
    const created = await createPrivateKeyPem();
    await writeAtomic(file, created, 0o600);
    return created;
  }
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0)
    throw new SidecarError(
      "identity",
      `${file}: has mode ${(mode & 0o777).toString(8)}, so that others may read it. Remove it to get a new one`,
    );
  return found;
}

/** Whoever watches the folder signs, and keeps the trust bundle up to date. */
export function folderSource(workloadDir: string, keyPem: string): CertificateSource {
  return { request: () => writeRequest(workloadDir, keyPem), look: async () => false };
}

async function writeRequest(workloadDir: string, keyPem: string): Promise<void> {
  let request: string;
  try {
    request = await createCertificateRequest(keyPem);
  } catch (error) {
    const file = join(workloadDir, WORKLOAD_FILES.privateKey);
    throw new SidecarError("identity", `${file}: is not a private key of ECDSA on P-256. Remove it to get a new one`, {
      cause: error,
    });
  }
  await writeAtomic(join(workloadDir, WORKLOAD_FILES.request), request);
}

/** Looks at the certificate and the trust bundle in the folder. */
export async function certificateState(options: IdentityOptions, keyPem: string): Promise<CertificateState> {
  const { workloadDir } = options;
  const chainFile = join(workloadDir, WORKLOAD_FILES.certificateChain);
  const rootFile = join(workloadDir, WORKLOAD_FILES.trustBundle);
  const chainPem = await readIfThere(chainFile, MAX_PEM_BYTES);
  if (chainPem === undefined) return { ok: false, message: `${chainFile} is missing` };
  if ((await readIfThere(rootFile, MAX_PEM_BYTES)) === undefined)
    return { ok: false, message: `${rootFile} is missing` };
  const peer = peerIdentity(chainPem, options.trustDomain);
  if (!peer.ok) return { ok: false, message: `${chainFile}: ${peer.message}` };
  const isOurs =
    peer.namespace === options.namespace &&
    peer.workload === options.name &&
    peer.serviceAccount === options.serviceAccount;
  if (!isOurs)
    return {
      ok: false,
      message: `${chainFile} is for workload ${peer.namespace}/${peer.workload} with service account ${peer.serviceAccount}, not ${options.namespace}/${options.name} with ${options.serviceAccount}`,
    };
  if (!isCertificateForKey(chainPem, keyPem)) return { ok: false, message: `${chainFile} is for another key` };
  const validity = certificateValidity(chainPem);
  if (validity.notAfterMs <= Date.now())
    return { ok: false, message: `${chainFile} ended at ${new Date(validity.notAfterMs).toISOString()}` };
  return { ok: true, ...validity };
}

/** Waits until a certificate for the key is in the folder; says what it waits for when that takes long. */
export async function waitForCertificate(options: IdentityOptions, keyPem: string, signal: AbortSignal): Promise<void> {
  const directory = join(options.workloadDir, WORKLOAD_FILES.directory);
  let wake = (): void => {};
  const watcher = watch(directory, () => wake());
  // A watch that fails costs at most the time between two looks.
  watcher.on("error", () => {});
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  const sayAt = Date.now() + SAY_SO_AFTER_MS;
  let said: string | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, POLL_MS).unref();
      });
      const state = await certificateState(options, keyPem);
      if (state.ok) return;
      if (Date.now() >= sayAt && said !== state.message) {
        said = state.message;
        options.logger.warn(
          `${options.namespace}/${options.name}: waits for somebody to sign ${join(options.workloadDir, WORKLOAD_FILES.request)}: ${state.message}`,
        );
      }
      await woken;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    watcher.close();
  }
}
