import type { CertificateAuthority } from "./certificate-authority.js";
import { loadGenerations } from "./generations.js";

/**
 * The certificate authority that signs, of those kept in a directory; made when there is none yet. An existing root is
 * never written to, whatever its state. Throws an IdentityError that names the file and says what to do.
 */
export async function loadOrCreateAuthority(
  directory: string,
  options: { readonly trustDomain: string; readonly nowMs?: number },
): Promise<CertificateAuthority> {
  const complete = { trustDomain: options.trustDomain, nowMs: options.nowMs ?? Date.now() };
  return (await loadGenerations(directory, complete)).signing.authority;
}
