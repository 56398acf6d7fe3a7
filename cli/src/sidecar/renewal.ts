import { pause } from "@weft/control-plane/identity/pause";
import { lifeMs, renewalTime } from "@weft/control-plane/identity/renewal-time";
import { certificateState, type IdentityOptions } from "./identity-folder.js";

/** Whoever gives the workload its certificates. */
export interface CertificateSource {
  /** Asks for a new certificate; it may come later. */
  request(): Promise<void>;
  /** Brings the trust bundle up to date. True: a new certificate should be asked for before the old one's time. */
  look(): Promise<boolean>;
}

const MIN_WAIT_MS = 250;
/** Between two requests while there is no certificate that can be used. */
const BROKEN_WAIT_MS = 5_000;
/** Short enough for a machine that slept or whose clock was set, and for news of a rotation. */
const MAX_WAIT_MS = 30_000;

/**
 * Asks for a new certificate at about half of the old one's life, and again every tenth of its life until there is one.
 * Envoy finds the new file by itself. Ends when the signal is aborted; never rejects.
 */
export async function keepRenewed(
  options: IdentityOptions,
  {
    keyPem,
    source,
    signal,
  }: { readonly keyPem: string; readonly source: CertificateSource; readonly signal: AbortSignal },
): Promise<void> {
  const { logger } = options;
  const who = `${options.namespace}/${options.name}`;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** Drawn anew for each certificate. */
  let chance = Math.random();
  let current = 0;
  let isWanted = false;
  while (!signal.aborted) {
    let waitMs = MAX_WAIT_MS;
    try {
      const state = await certificateState(options, keyPem);
      const now = Date.now();
      const life = state.ok ? lifeMs(state) : 0;
      if (state.ok && state.notAfterMs !== current) {
        current = state.notAfterMs;
        chance = Math.random();
        isWanted = false;
      }
      // Not all at once, where many are told together.
      if (state.ok && !isWanted && (await source.look())) isWanted = true;
      const byAge = state.ok ? renewalTime(state, chance) : now;
      const dueAt = isWanted ? Math.min(byAge, now) : byAge;
      const againAt = Math.max(dueAt, askedAt + (state.ok ? Math.max(life / 10, MIN_WAIT_MS) : BROKEN_WAIT_MS));
      if (now >= againAt) {
        if (!state.ok) logger.warn(`${who}: asks for a new certificate: ${state.message}`);
        else if (askedAt > byAge)
          logger.warn(
            `${who}: nobody renewed the certificate, which ends at ${new Date(state.notAfterMs).toISOString()}: is the signer running?`,
          );
        askedAt = now;
        await source.request();
        waitMs = MIN_WAIT_MS;
      } else waitMs = againAt - now;
      if (state.ok) waitMs = Math.min(waitMs, Math.max(life / 20, MIN_WAIT_MS));
    } catch (error) {
      logger.error(`${who}: the certificate cannot be renewed: ${error instanceof Error ? error.message : error}`);
      waitMs = BROKEN_WAIT_MS;
    }
    await pause(jittered(Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS)), signal);
  }
}

/** Up to a fifth less. */
function jittered(ms: number): number {
  return ms * (1 - Math.random() / 5);
}
