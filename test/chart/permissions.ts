/** Something that the control plane may do to resources of a group, and the code that does it. */
export interface Permission {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only of these objects. */
  readonly names?: readonly string[];
  /** In the control plane's own namespace; else everywhere. */
  readonly own?: true;
  /** Files of control-plane/src. */
  readonly usedBy: readonly string[];
}

const SOURCE = ["source/kubernetes/"];
const STATUS = ["kubernetes/status-writer.ts"];
/** What the uid and the status of an object are read by, for its status and its Events. */
const READ = ["source/kubernetes/", "kubernetes/cluster-objects.ts"];

const NETWORKING = ["virtualservices", "destinationrules", "serviceentries", "workloadentries", "sidecars"];
const SECURITY = ["peerauthentications", "authorizationpolicies", "requestauthentications"];
const ROUTES = ["httproutes", "grpcroutes"];
const statusOf = (resources: readonly string[]) => resources.map((resource) => `${resource}/status`);

/** All that the control plane asks of the API server. The chart grants this and nothing else. */
export const PERMISSIONS: readonly Permission[] = [
  { group: "", resources: ["services", "pods", "namespaces"], verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "", resources: ["nodes"], verbs: ["get", "list", "watch"], usedBy: [...SOURCE, "identity/kubernetes/"] },
  { group: "discovery.k8s.io", resources: ["endpointslices"], verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "weft.mesh", resources: ["wasmplugins", "meshconfigs"], verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "extensions.istio.io", resources: ["wasmplugins"], verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "networking.istio.io", resources: NETWORKING, verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "security.istio.io", resources: SECURITY, verbs: ["get", "list", "watch"], usedBy: READ },
  { group: "telemetry.istio.io", resources: ["telemetries"], verbs: ["get", "list", "watch"], usedBy: READ },
  {
    group: "gateway.networking.k8s.io",
    resources: [...ROUTES, "referencegrants"],
    verbs: ["get", "list", "watch"],
    usedBy: READ,
  },
  { group: "weft.mesh", resources: statusOf(["wasmplugins", "meshconfigs"]), verbs: ["patch"], usedBy: STATUS },
  { group: "extensions.istio.io", resources: statusOf(["wasmplugins"]), verbs: ["patch"], usedBy: STATUS },
  { group: "networking.istio.io", resources: statusOf(NETWORKING), verbs: ["patch"], usedBy: STATUS },
  { group: "security.istio.io", resources: statusOf(SECURITY), verbs: ["patch"], usedBy: STATUS },
  { group: "telemetry.istio.io", resources: statusOf(["telemetries"]), verbs: ["patch"], usedBy: STATUS },
  { group: "gateway.networking.k8s.io", resources: statusOf(ROUTES), verbs: ["patch"], usedBy: STATUS },
  {
    group: "events.k8s.io",
    resources: ["events"],
    verbs: ["create", "patch"],
    usedBy: ["kubernetes/cluster-events.ts"],
  },
  { group: "", resources: ["secrets"], verbs: ["get"], usedBy: ["modules/registry-access.ts"] },
  {
    group: "certificates.k8s.io",
    resources: ["podcertificaterequests"],
    verbs: ["get", "list", "watch"],
    usedBy: ["identity/kubernetes/"],
  },
  { group: "", resources: ["serviceaccounts"], verbs: ["get"], usedBy: ["identity/kubernetes/"] },
  {
    group: "certificates.k8s.io",
    resources: ["podcertificaterequests/status"],
    verbs: ["update"],
    usedBy: ["identity/kubernetes/"],
  },
  {
    group: "certificates.k8s.io",
    resources: ["signers"],
    verbs: ["sign", "attest"],
    names: ["weft.mesh/workload"],
    usedBy: ["identity/kubernetes/"],
  },
  {
    group: "certificates.k8s.io",
    resources: ["clustertrustbundles"],
    verbs: ["create"],
    usedBy: ["identity/kubernetes/"],
  },
  {
    group: "certificates.k8s.io",
    resources: ["clustertrustbundles"],
    verbs: ["get", "update"],
    names: ["weft.mesh:workload:roots"],
    usedBy: ["identity/kubernetes/"],
  },
  {
    group: "admissionregistration.k8s.io",
    resources: ["mutatingwebhookconfigurations"],
    verbs: ["get", "update"],
    names: ["weft-injection"],
    usedBy: ["injection/webhook-registration.ts"],
  },
  {
    group: "admissionregistration.k8s.io",
    resources: ["validatingwebhookconfigurations"],
    verbs: ["get", "update"],
    names: ["weft-validation"],
    usedBy: ["injection/webhook-registration.ts"],
  },
  {
    group: "coordination.k8s.io",
    resources: ["leases"],
    verbs: ["create"],
    own: true,
    usedBy: ["kubernetes/lease.ts"],
  },
  {
    group: "coordination.k8s.io",
    resources: ["leases"],
    verbs: ["get", "update"],
    names: ["weft-control-plane"],
    own: true,
    usedBy: ["kubernetes/lease.ts"],
  },
  { group: "", resources: ["secrets"], verbs: ["create"], own: true, usedBy: ["identity/kubernetes/"] },
  {
    group: "",
    resources: ["secrets"],
    verbs: ["get", "update"],
    names: ["weft-ca", "weft-ca-generations", "weft-webhook"],
    own: true,
    usedBy: ["identity/kubernetes/"],
  },
  { group: "", resources: ["configmaps"], verbs: ["create"], own: true, usedBy: ["kubernetes/last-good.ts"] },
  {
    group: "",
    resources: ["configmaps"],
    verbs: ["get", "patch"],
    names: ["weft-last-good"],
    own: true,
    usedBy: ["kubernetes/last-good.ts"],
  },
];
