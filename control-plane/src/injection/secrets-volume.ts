import { POD_FILES } from "./identity-files.js";
import { buildIdentitySecrets } from "./identity-secrets.js";
import type { JsonObject } from "./json.js";
import { SDS_CERTIFICATE_ANNOTATION, SDS_TRUST_ANNOTATION, SECRETS_VOLUME } from "./pod-names.js";

const ANNOTATION_OF: Readonly<Record<string, string>> = {
  [POD_FILES.certificateSecret]: SDS_CERTIFICATE_ANNOTATION,
  [POD_FILES.trustSecret]: SDS_TRUST_ANNOTATION,
};

/** Envoy reads a certificate anew only by way of a watched file; this is how a pod gets one without a ConfigMap. */
export function secretsAnnotations(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    buildIdentitySecrets(POD_FILES).map(({ name, content }) => [ANNOTATION_OF[name] ?? "", JSON.stringify(content)]),
  );
}

/** The volume that makes files of these annotations. */
export function secretsVolume(): JsonObject {
  const items = Object.entries(ANNOTATION_OF).map(([file, annotation]) => ({
    path: file.slice(file.lastIndexOf("/") + 1),
    fieldRef: { fieldPath: `metadata.annotations['${annotation}']` },
  }));
  return { name: SECRETS_VOLUME, downwardAPI: { defaultMode: 0o444, items } };
}
