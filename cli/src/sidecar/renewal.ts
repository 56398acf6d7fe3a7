import { BACK_DATE_MS } from "@weft/control-plane/identity/authority-material";
import { certificateState, type IdentityOptions, writeRequest } from "./identity-folder.js";
import { pause } from "./pause.js";

const MIN_WAIT_MS = 250;
/** Between two requests while there is no certificate that can be used. */
const BROKEN_WAIT_MS = 5_000;
/** Short enough for a machine that slept or whose clock was set. */
const MAX_WAIT_MS = 30_000;

/**
 * Asks for a new certificate once half of the old one's life is over, and again every tenth of its life until there is
 * one. Envoy finds the new file by itself. Ends when the signal is aborted; never rejects.
 */
export async function keepRenewed(options: IdentityOptions, keyPem: string, signal: AbortSignal): Promise<void> {
  const { workloadDir, logger } = options;
  const who = `${options.namespace}/${options.name}`;
  let askedAt = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    let waitMs = MAX_WAIT_MS;
    try {
      const state = await certificateState(options, keyPem);
      const now = Date.now();
      const lifeMs = state.ok ? state.notAfterMs - state.notBeforeMs - BACK_DATE_MS : 0;
      const dueAt = state.ok ? state.notAfterMs - lifeMs / 2 : now;
      const againAt = Math.max(dueAt, askedAt + (state.ok ? Math.max(lifeMs / 10, MIN_WAIT_MS) : BROKEN_WAIT_MS));
      if (now >= againAt) {
        if (!state.ok) logger.warn(`${who}: asks for a new certificate: ${state.message}`);
        else if (askedAt > dueAt)
          logger.warn(
            `${who}: nobody renewed the certificate, which ends at ${new Date(state.notAfterMs).toISOString()}: is the signer running?`,
          );
        await writeRequest(workloadDir, keyPem);
        askedAt = now;
      } else waitMs = againAt - now;
    } catch (error) {
      logger.error(`${who}: the certificate cannot be renewed: ${String(error)}`);
    }
    await pause(Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS), signal);
  }
}
