import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import {
  certificateValidity,
  createCertificateRequest,
  createPrivateKeyPem,
  isCertificateForKey,
} from "./certificate-request.js";
import { IdentityError } from "./identity-error.js";
import type { MeshAuthority } from "./mesh-authority.js";
import { renewalTime } from "./renewal-time.js";

/** What the control plane shows to its peers, and whom it trusts: PEM. Holds a secret: never log it. */
export interface TlsIdentity {
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly roots: string;
}

/** An identity that is replaced while it is in use. */
export interface TlsIdentitySource {
  readonly current: TlsIdentity;
  /** Called with each new one. */
  subscribe(listener: (identity: TlsIdentity) => void): void;
  close(): void;
}

export interface IdentityLogger {
  info(message: string): void;
  warn(message: string): void;
}

const MAX_WAIT_MS = 30_000;
const RETRY_MS = 5_000;
const LOOK_MS = 2_000;

/** The control plane's own certificate from the authority that it runs, with a key that is written nowhere. */
export async function identityFromAuthority(
  authority: MeshAuthority,
  options: {
    readonly ttlMs: number;
    readonly logger: IdentityLogger;
    /** By which it is called, besides `localhost`. Default: none. */
    readonly dnsNames?: readonly string[];
  },
): Promise<TlsIdentitySource> {
  const { ttlMs, logger, dnsNames = [] } = options;
  const privateKey = await createPrivateKeyPem();
  const request = await createCertificateRequest(privateKey);
  const listeners = new Set<(identity: TlsIdentity) => void>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let dueAtMs = 0;

  const sign = async (): Promise<TlsIdentity> => {
    const signed = await authority.signControlPlane(request, { ttlMs, nowMs: Date.now(), dnsNames });
    if (!signed.ok) throw new IdentityError("damaged", `the control plane gets no certificate: ${signed.message}`);
    dueAtMs = renewalTime(certificateValidity(signed.chainPem), Math.random());
    return { certificateChain: signed.chainPem, privateKey, roots: authority.trustBundle };
  };
  let current = await sign();
  const renew = async () => {
    current = await sign();
    if (!closed) for (const listener of listeners) listener(current);
  };
  const schedule = (waitMs: number) => {
    if (closed) return;
    clearTimeout(timer);
    // Short enough for a machine that slept.
    timer = setTimeout(() => void look(), Math.min(Math.max(waitMs, 0), MAX_WAIT_MS)).unref();
  };
  const look = async () => {
    try {
      if (Date.now() >= dueAtMs) await renew();
      schedule(dueAtMs - Date.now());
    } catch (error) {
      logger.warn(`the control plane's certificate is not renewed: ${messageOf(error)}`);
      schedule(RETRY_MS);
    }
  };
  const unsubscribe = authority.subscribe(renew);
  schedule(dueAtMs - Date.now());
  return {
    get current() {
      return current;
    },
    subscribe: (listener) => void listeners.add(listener),
    close: () => {
      closed = true;
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

export interface IdentityFileNames {
  readonly certificate: string;
  readonly privateKey: string;
  readonly trustBundle: string;
}

/** The control plane's identity from files that somebody else renews; they are looked at every two seconds. */
export async function identityFromFiles(files: IdentityFileNames, logger: IdentityLogger): Promise<TlsIdentitySource> {
  const listeners = new Set<(identity: TlsIdentity) => void>();
  const read = async (): Promise<TlsIdentity> => {
    const [certificateChain, privateKey, roots] = await Promise.all([
      readFile(files.certificate, "utf8"),
      readFile(files.privateKey, "utf8"),
      readFile(files.trustBundle, "utf8"),
    ]);
    return { certificateChain, privateKey, roots };
  };
  let current = await read();
  let problem = "";
  const look = async () => {
    try {
      const found = await read();
      // Between two writes the key may be another than the certificate's.
      if (!isDeepStrictEqual(found, current) && isCertificateForKey(found.certificateChain, found.privateKey)) {
        current = found;
        for (const listener of listeners) listener(current);
        logger.info("the control plane's certificate was read anew");
      }
      problem = "";
    } catch (error) {
      if (problem !== messageOf(error))
        logger.warn(`the control plane's certificate cannot be read anew: ${messageOf(error)}`);
      problem = messageOf(error);
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  return {
    get current() {
      return current;
    },
    subscribe: (listener) => void listeners.add(listener),
    close: () => clearInterval(timer),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
