import type { SidecarFiles } from "./identity-files.js";
import type { JsonObject } from "./json.js";

const SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** Names of the secrets in the two files. */
export const CERTIFICATE_SECRET = "certificate";
export const TRUST_SECRET = "trust";

/** A file of a file SDS: its name as in `SidecarFiles`, and what must stand in it. */
export interface SecretFile {
  readonly name: string;
  readonly content: JsonObject;
}

/**
 * The files for the file SDS of the connection to the control plane. They name files and hold no secret. Envoy reads the
 * named files again whenever something is renamed into the watched directory.
 */
export function buildIdentitySecrets(files: SidecarFiles): readonly SecretFile[] {
  const watchedDirectory = { path: files.watchedDirectory };
  const certificate = {
    "@type": SECRET,
    name: CERTIFICATE_SECRET,
    tls_certificate: {
      certificate_chain: { filename: files.certificateChain },
      private_key: { filename: files.privateKey },
      watched_directory: watchedDirectory,
    },
  };
  const trust = {
    "@type": SECRET,
    name: TRUST_SECRET,
    validation_context: { trusted_ca: { filename: files.trustBundle }, watched_directory: watchedDirectory },
  };
  return [
    { name: files.certificateSecret, content: { resources: [certificate] } },
    { name: files.trustSecret, content: { resources: [trust] } },
  ];
}
