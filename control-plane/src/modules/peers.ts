import { decodeImage, type ModuleImage } from "./module-image.js";

/** Sister replicas of the control plane, which may have the module that is looked for. */
export interface ModulePeers {
  /**
   * What the first sister has that gives something acceptable; undefined where none does. Only an aborted signal makes
   * it reject: whatever else a sister does costs a diagnostic.
   *
   * @param accept proves the image; it rejects for one that is not what the digest names
   */
  find<T>(
    digest: string,
    maxBytes: number,
    accept: (image: ModuleImage) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | undefined>;
}

/** Asks one sister (`host:port`) for an image. Undefined where she does not have it. */
export type AskPeer = (
  peer: string,
  digest: string,
  maxBytes: number,
  signal: AbortSignal,
) => Promise<Uint8Array | undefined>;

export interface PeersOptions {
  /** Asked in this order. */
  readonly peers: readonly string[];
  readonly ask: AskPeer;
  /** A sister could not be asked, or what she gave is not what was asked for. */
  readonly onProblem: (peer: string, message: string) => void;
  /** How long one sister may take for one image. Default: 5,000. */
  readonly timeoutMs?: number;
  /** So long a sister that failed is not asked again. Default: 30,000. */
  readonly restMs?: number;
}

const TIMEOUT_MS = 5000;
const REST_MS = 30_000;

export function createPeers(options: PeersOptions): ModulePeers {
  const { peers, ask, onProblem, timeoutMs = TIMEOUT_MS, restMs = REST_MS } = options;
  /** When a sister that failed is asked again. */
  const restUntilMs = new Map<string, number>();
  return {
    async find(digest, maxBytes, accept, signal) {
      for (const peer of peers) {
        signal.throwIfAborted();
        if (Date.now() < (restUntilMs.get(peer) ?? 0)) continue;
        const limit = AbortSignal.timeout(timeoutMs);
        try {
          const bytes = await ask(peer, digest, maxBytes, AbortSignal.any([signal, limit]));
          if (bytes === undefined) continue;
          const image = decodeImage(bytes);
          if (image === undefined) throw new Error("what it sent is no image");
          return await accept(image);
        } catch (error) {
          signal.throwIfAborted();
          restUntilMs.set(peer, Date.now() + restMs);
          const why = error instanceof Error ? error.message : String(error);
          onProblem(peer, limit.aborted ? `no whole answer within ${timeoutMs} ms` : why);
        }
      }
      return undefined;
    },
  };
}
