import { SecretSchema } from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { encodeResource } from "./encode.js";
import { IDENTITY_SECRET, PUBLIC_TRUST_SECRET, TRUST_SECRET } from "./names.js";

/** File names, not keys: a proxy's private key never leaves its node. */
export function buildIdentitySecret({ settings }: Snapshot): Resource {
  const { certificateChain, privateKey, watchedDirectory } = settings.identityFiles;
  return encodeResource("secret", IDENTITY_SECRET, SecretSchema, {
    name: IDENTITY_SECRET,
    type: {
      case: "tlsCertificate",
      value: {
        certificateChain: { specifier: { case: "filename", value: certificateChain } },
        privateKey: { specifier: { case: "filename", value: privateKey } },
        watchedDirectory: { path: watchedDirectory },
      },
    },
  });
}

/** The roots that both sides of a mesh connection trust. */
export function buildTrustSecret({ trustBundle }: Snapshot): Resource {
  return trustSecret(TRUST_SECRET, trustBundle);
}

/** The roots that servers outside of the mesh are trusted by, where nothing else is said. */
export function buildPublicTrustSecret({ settings }: Snapshot): Resource {
  return trustSecret(PUBLIC_TRUST_SECRET, settings.publicRoots);
}

function trustSecret(name: string, pem: string): Resource {
  return encodeResource("secret", name, SecretSchema, {
    name,
    type: {
      case: "validationContext",
      value: { trustedCa: { specifier: { case: "inlineString", value: pem } } },
    },
  });
}
