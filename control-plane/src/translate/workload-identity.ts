import type { MeshSettings } from "../model/mesh-settings.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";

const UNKNOWN = "unknown";
/** Istio's word for a workload without a version. */
const NO_REVISION = "latest";

/** Who a workload is to telemetry, with Istio's rules for what stands for a missing label. */
export interface WorkloadIdentity {
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonical_service: string;
  readonly canonical_revision: string;
}

export function workloadIdentity({ name, namespace, labels }: Workload): WorkloadIdentity {
  return {
    workload: name,
    namespace,
    app: labels.app ?? UNKNOWN,
    version: labels.version ?? UNKNOWN,
    canonical_service:
      labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels.app ?? name,
    canonical_revision:
      labels["service.istio.io/canonical-revision"] ??
      labels["app.kubernetes.io/version"] ??
      labels.version ??
      NO_REVISION,
  };
}

export interface IdentitySite {
  /** Of an endpoint that is called, of the app behind its own proxy, or of a caller's own proxy. */
  readonly kind: "out" | "in" | "own";
  readonly workload: Workload;
  /** Whether the workload shows a certificate. */
  readonly certified: boolean;
  readonly host?: string;
  readonly subset?: string;
}

/**
 * The same as one text, so that a plugin has all of it by one call:
 * `<kind>;name;namespace;app;version;canonical service;canonical revision;SPIFFE id;host;subset`. What is not known is
 * empty or `unknown`.
 */
export function identityText(
  { trustDomain }: Pick<MeshSettings, "trustDomain">,
  { kind, workload, certified, host = "", subset = "" }: IdentitySite,
): string {
  const of = workloadIdentity(workload);
  const principal = certified ? `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount}` : "";
  return [
    kind,
    of.workload,
    of.namespace,
    of.app,
    of.version,
    of.canonical_service,
    of.canonical_revision,
    principal,
    host,
    subset,
  ]
    .map((part) => part.replaceAll(";", "_"))
    .join(";");
}

/** The text of the app behind its own proxy: of the listener, and of the endpoint where the app is called. */
export function inboundIdentity({ settings }: Snapshot, workload: Workload, { host }: Service): string {
  return identityText(settings, { kind: "in", workload, certified: true, host });
}
