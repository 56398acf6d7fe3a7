import { type CredentialSource, createRegistryClient, type RegistryClient } from "@weft/registry";

/** A client of a registry on this machine: by plain HTTP, patient, and without trying again. */
export function createTestRegistryClient(address: string, credentials?: CredentialSource): RegistryClient {
  return createRegistryClient({
    plainHttp: [address],
    retry: { maxRetries: 0 },
    timeoutMs: 30_000,
    ...(credentials === undefined ? {} : { credentials }),
  });
}
