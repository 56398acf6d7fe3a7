import { RENEW_BEFORE_MS } from "./authority-folder.js";
import type { AuthorityStorage } from "./authority-storage.js";
import type { Generations } from "./generations.js";
import { IdentityError } from "./identity-error.js";
import { isSignedBy, splitCertificates } from "./pem.js";
import {
  type IssuedCertificate,
  notTrustingYet,
  type Obstacle,
  type RotationPhase,
  stillUsing,
  type TrustingProxy,
} from "./rotation.js";
import { type ServerToSign, type Signed, signServer, signWorkload, type WorkloadToSign } from "./sign.js";

export interface MeshAuthorityOptions {
  readonly storage: AuthorityStorage;
  readonly trustDomain: string;
  /** A root is dropped so long after the end of its last certificate: clocks differ. Default: a minute. */
  readonly clockSkewMs?: number;
}

/** What became of what an operator asked for. */
export interface Answer {
  readonly ok: boolean;
  readonly message: string;
  /** Who is in the way. */
  readonly obstacles?: readonly Obstacle[];
}

/** The authority of a running mesh: signs, and replaces its own intermediate and root. */
export interface MeshAuthority {
  readonly trustDomain: string;
  /** All roots that are trusted now, PEM. */
  readonly trustBundle: string;
  readonly phase: RotationPhase;
  readonly generations: Generations;
  /** Whether a new certificate would come from the same intermediate as the first one of this chain. */
  isCurrent(chainPem: string): boolean;
  /** Signs for a workload that the caller has authenticated. */
  signWorkload(request: string | Uint8Array, workload: WorkloadToSign): Promise<Signed>;
  /** Signs for the control plane itself: with the root that every proxy is sure to trust. */
  signControlPlane(csrPem: string, server: ServerToSign): Promise<Signed>;
  issued(): readonly IssuedCertificate[];
  /** Who keeps the rotation from its next step, when last looked. */
  readonly obstacles: readonly Obstacle[];
  rotateRoot(): Promise<Answer>;
  rotateIntermediate(): Promise<Answer>;
  /** Drops the retiring root, if nobody uses it. */
  dropRoot(): Promise<Answer>;
  /** Gives up a rotation whose new root signs nothing yet. */
  abort(): Promise<Answer>;
  /**
   * Goes on with a rotation as far as it can now, and renews the intermediate when that is due. The proxies are asked for
   * when what is under way has been done: what they had before says nothing of a new trust bundle.
   */
  advance(proxies: () => readonly TrustingProxy[]): Promise<readonly string[]>;
  /** What is stored may have been changed by somebody else. */
  refresh(): Promise<void>;
  /** The listener is called, and waited for, when the trust bundle or who signs is another. */
  subscribe(listener: () => void | Promise<void>): () => void;
}

const CLOCK_SKEW_MS = 60_000;

/** @throws IdentityError */
export async function createMeshAuthority(options: MeshAuthorityOptions): Promise<MeshAuthority> {
  const { storage, trustDomain, clockSkewMs = CLOCK_SKEW_MS } = options;
  const { issued } = storage;
  let generations = await storage.load(Date.now());
  let obstacles: readonly Obstacle[] = [];
  /** The control plane shows the new root already, so that the old one may go. */
  let isMoved = false;
  const listeners = new Set<() => void | Promise<void>>();
  let work: Promise<unknown> = Promise.resolve();

  const phase = (): RotationPhase => {
    if (generations.next !== undefined) return "distributing";
    return generations.retiring === undefined ? "none" : "retiring";
  };
  const tell = async () => {
    for (const listener of listeners) await listener();
  };
  const reload = async () => {
    generations = await storage.load(Date.now());
    await tell();
  };
  /** One after the other: each looks at what the one before left. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = work.then(task);
    work = result.catch(() => undefined);
    return result;
  };
  /** Certificates that may be in use by somebody whose clock is behind. */
  const held = () => issued.valid(Date.now() - clockSkewMs);

  const drop = async (): Promise<readonly Obstacle[]> => {
    const { retiring } = generations;
    if (retiring === undefined) return [];
    const users = stillUsing(held(), retiring.fingerprint);
    if (users.length > 0) return users;
    // Everybody has a certificate of the new root now, and got that root with it.
    try {
      isMoved = true;
      await tell();
      await storage.dropRetiring();
    } finally {
      isMoved = false;
    }
    await reload();
    return [];
  };

  return {
    trustDomain,
    get trustBundle() {
      const { signing, next, retiring } = generations;
      const roots = [signing, next, retiring].flatMap((generation) => splitCertificates(generation?.rootPem ?? ""));
      return [...new Set(roots)].join("");
    },
    get phase() {
      return phase();
    },
    get generations() {
      return generations;
    },
    get obstacles() {
      return obstacles;
    },
    isCurrent: (chainPem) => isSignedBy(chainPem, generations.signing.authority.intermediatePem),
    async signWorkload(request, workload) {
      const { authority, fingerprint } = generations.signing;
      const signed = await signWorkload(authority, request, workload);
      if (signed.ok)
        await issued.record({
          workload: `${workload.namespace}/${workload.workload}`,
          root: fingerprint,
          notAfterMs: signed.notAfterMs,
        });
      return signed;
    },
    signControlPlane(csrPem, server) {
      const { signing, retiring } = generations;
      const old = isMoved ? undefined : retiring?.authority;
      // A root that ends before long has to be left all the same.
      const authority = old !== undefined && old.notAfterMs > server.nowMs + server.ttlMs ? old : signing.authority;
      return signServer(authority, csrPem, server);
    },
    issued: () => issued.valid(Date.now()),
    rotateRoot: () =>
      inTurn(async () => {
        if (phase() !== "none") return { ok: false, message: `a rotation is under way: ${phase()}`, obstacles };
        const problem = await refused(() => storage.addNext(Date.now()));
        if (problem !== undefined) return problem;
        await reload();
        const { next } = generations;
        return {
          ok: true,
          message: `the new root ${next?.fingerprint.slice(0, 12)} is being given to all proxies; it signs when they have it`,
        };
      }),
    rotateIntermediate: () =>
      inTurn(async () => {
        const problem = await refused(() => storage.renewSigning(Date.now()));
        if (problem !== undefined) return problem;
        await reload();
        return { ok: true, message: "a new intermediate signs; workloads get their new certificates from now on" };
      }),
    dropRoot: () =>
      inTurn(async () => {
        if (phase() !== "retiring")
          return { ok: false, message: "no root is being retired; weft identity rotate brings a new one first" };
        obstacles = await drop();
        if (obstacles.length === 0) return { ok: true, message: "the old root is trusted no more" };
        return { ok: false, message: "the old root is in use", obstacles };
      }),
    abort: () =>
      inTurn(async () => {
        if (phase() !== "distributing")
          return { ok: false, message: "there is no new root that signs nothing yet, which could be given up" };
        const problem = await refused(() => storage.dropNext());
        if (problem !== undefined) return problem;
        obstacles = [];
        await reload();
        return { ok: true, message: "the new root is given up; the old one signs as before" };
      }),
    advance: (proxies) =>
      inTurn(async () => {
        const { signing } = generations;
        const done: string[] = [];
        if (signing.hasRootKey && signing.authority.notAfterMs - Date.now() <= RENEW_BEFORE_MS) {
          await storage.renewSigning(Date.now());
          await reload();
          done.push("the intermediate certificate was near its end: a new one signs");
        }
        if (phase() === "distributing") {
          obstacles = notTrustingYet(issued.holders(Date.now()), proxies());
          if (obstacles.length === 0) {
            await storage.signWithNext(Date.now());
            await reload();
            done.push(`all proxies trust the new root ${generations.signing.fingerprint.slice(0, 12)}: it signs now`);
          }
        }
        if (phase() === "retiring") {
          obstacles = await drop();
          if (obstacles.length === 0) done.push("no certificate of the old root is left: it is trusted no more");
        }
        if (phase() === "none") obstacles = [];
        return done;
      }),
    refresh: () =>
      inTurn(async () => {
        const before = basisOf(generations);
        generations = await storage.load(Date.now());
        if (basisOf(generations) !== before) await tell();
      }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Whatever a certificate or a trust bundle is made from. */
function basisOf({ signing, next, retiring }: Generations): string {
  const parts = [signing, next, retiring].map((one) => [one?.rootPem, one?.authority?.intermediatePem]);
  return JSON.stringify(parts);
}

/** What an operator is told of a key that is kept elsewhere. */
async function refused(task: () => Promise<void>): Promise<Answer | undefined> {
  try {
    await task();
    return undefined;
  } catch (error) {
    if (error instanceof IdentityError && error.code === "root-key") return { ok: false, message: error.message };
    throw error;
  }
}
