import type { ApiServer } from "../kubernetes/api-server.js";

const NAME = "weft-identity-test";

/** What identity may do in the cluster, and nothing else: the rules of the chart that are for it. */
const CLUSTER_RULES = [
  // Who asks for a certificate, whether the one that asks is what it says, and the answer.
  { apiGroups: ["certificates.k8s.io"], resources: ["podcertificaterequests"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods", "serviceaccounts", "nodes"], verbs: ["get"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["podcertificaterequests/status"], verbs: ["update"] },
  {
    apiGroups: ["certificates.k8s.io"],
    resources: ["signers"],
    resourceNames: ["weft.mesh/workload"],
    verbs: ["sign", "attest"],
  },
  // The roots that pods trust.
  { apiGroups: ["certificates.k8s.io"], resources: ["clustertrustbundles"], verbs: ["create"] },
  {
    apiGroups: ["certificates.k8s.io"],
    resources: ["clustertrustbundles"],
    resourceNames: ["weft.mesh:workload:roots"],
    verbs: ["get", "update"],
  },
  // Roots and secret path of the webhooks.
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["mutatingwebhookconfigurations"],
    resourceNames: ["weft-injection"],
    verbs: ["get", "update"],
  },
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["validatingwebhookconfigurations"],
    resourceNames: ["weft-validation"],
    verbs: ["get", "update"],
  },
];

const NAMESPACE_RULES = [
  { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
  {
    apiGroups: [""],
    resources: ["secrets"],
    resourceNames: ["weft-ca", "weft-ca-generations", "weft-webhook"],
    verbs: ["get", "update"],
  },
];

/** Lets a user do what identity does. */
export async function permitIdentity(server: ApiServer, user: string, namespace: string): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const metadata = { name: NAME };
  const subjects = [{ kind: "User", name: user, apiGroup: "rbac.authorization.k8s.io" }];
  const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: NAME });
  const local = `${rbac}/namespaces/${namespace}`;
  for (const [path, object] of [
    [`${rbac}/clusterroles`, { metadata, rules: CLUSTER_RULES }],
    [`${rbac}/clusterrolebindings`, { metadata, subjects, roleRef: roleRef("ClusterRole") }],
    [`${local}/roles`, { metadata, rules: NAMESPACE_RULES }],
    [`${local}/rolebindings`, { metadata, subjects, roleRef: roleRef("Role") }],
  ] as const) {
    const { status, body } = await server.ask("POST", path, object);
    if (status !== 201) throw new Error(`${path}: ${body.message}`);
  }
}
