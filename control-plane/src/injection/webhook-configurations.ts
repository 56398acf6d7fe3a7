import { KINDS, type KindDefinition } from "../decode/kinds.js";
import { INJECT_LABEL } from "../decode/workload-entry.js";
import type { JsonObject } from "./json.js";

/** Names of the two cluster-wide objects by which the API server knows the webhooks. */
export const INJECTION_CONFIGURATION = "weft-injection";
export const VALIDATION_CONFIGURATION = "weft-validation";

/** Where the webhooks are served, behind port 443 of the control plane's Service. */
export const WEBHOOK_PORT = 15017;

/** The secret token is the rest of the path: only who may read the configurations knows it. */
export const INJECT_PATH = "/inject/";
export const VALIDATE_PATH = "/validate/";

/** Namespaces of the cluster itself. Nothing in them is ever injected, so that no fault of ours can take them down. */
export const CLUSTER_NAMESPACES: readonly string[] = ["kube-node-lease", "kube-public", "kube-system"];

/** Value of the label {@link INJECT_LABEL} of namespaces: all pods, or none at all. */
export const NAMESPACE_ENABLED = "enabled";
export const NAMESPACE_DISABLED = "disabled";

/** How the API server finds the webhooks. */
export type WebhookClient =
  | { readonly kind: "service"; readonly namespace: string; readonly name: string; readonly port: number }
  /** `https://<host>:<port>`, for an API server that runs where no Service is reached. */
  | { readonly kind: "url"; readonly origin: string };

export interface WebhookConfigurationOptions {
  readonly client: WebhookClient;
  /** PEM of the roots that the webhooks' certificate comes from. */
  readonly caBundle: string;
  readonly token: string;
  readonly rootNamespace: string;
  /** Put on both objects, for example by the chart. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Both objects, to be applied as they are. */
export function webhookConfigurations(options: WebhookConfigurationOptions): readonly [JsonObject, JsonObject] {
  return [injectionConfiguration(options), validationConfiguration(options)];
}

/**
 * A namespace with the label takes part with all its pods but those that say no; elsewhere a pod takes part that says
 * yes. A pod without a sidecar would speak plaintext where its callers expect mTLS, so without an answer it is not made:
 * that is why neither the cluster's namespaces nor the control plane's own may ever depend on the answer.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
export function injectionConfiguration(options: WebhookConfigurationOptions): JsonObject {
  const excluded = {
    key: "kubernetes.io/metadata.name",
    operator: "NotIn",
    values: [...CLUSTER_NAMESPACES, options.rootNamespace],
  };
  const webhook = (name: string, namespaces: JsonObject, pods: JsonObject): JsonObject => ({
    name,
    ...COMMON,
    clientConfig: clientConfig(options, INJECT_PATH),
    failurePolicy: "Fail",
    reinvocationPolicy: "Never",
    timeoutSeconds: 10,
    namespaceSelector: { matchExpressions: [namespaces, excluded] },
    objectSelector: { matchExpressions: [pods] },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "Namespaced" }],
  });
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: metadata(INJECTION_CONFIGURATION, options),
    webhooks: [
      webhook(
        "namespace.inject.weft.mesh",
        { key: INJECT_LABEL, operator: "In", values: [NAMESPACE_ENABLED] },
        { key: INJECT_LABEL, operator: "NotIn", values: ["false"] },
      ),
      webhook(
        "pod.inject.weft.mesh",
        { key: INJECT_LABEL, operator: "NotIn", values: [NAMESPACE_ENABLED, NAMESPACE_DISABLED] },
        { key: INJECT_LABEL, operator: "In", values: ["true"] },
      ),
    ],
  };
}

/**
 * Without an answer the object is admitted: the control plane reads it all the same, keeps what was in force when it is
 * wrong, and says so in its status.
 */
export function validationConfiguration(options: WebhookConfigurationOptions): JsonObject {
  const webhook = (name: string, rules: readonly JsonObject[], rest: JsonObject = {}): JsonObject => ({
    name,
    ...COMMON,
    clientConfig: clientConfig(options, VALIDATE_PATH),
    failurePolicy: "Ignore",
    timeoutSeconds: 10,
    rules,
    ...rest,
  });
  const ofMesh = KINDS.filter(({ group }) => VALIDATED_GROUPS.includes(group));
  const services = KINDS.filter(({ group, kind }) => group === "" && kind === "Service");
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: metadata(VALIDATION_CONFIGURATION, options),
    webhooks: [
      webhook("mesh.validate.weft.mesh", rulesOf(ofMesh)),
      webhook("service.validate.weft.mesh", rulesOf(services), {
        namespaceSelector: {
          matchExpressions: [{ key: INJECT_LABEL, operator: "In", values: [NAMESPACE_ENABLED] }],
        },
      }),
    ],
  };
}

const COMMON: JsonObject = { admissionReviewVersions: ["v1"], matchPolicy: "Equivalent", sideEffects: "None" };

/** Groups whose objects are written for a mesh. */
const VALIDATED_GROUPS: readonly string[] = [
  "extensions.istio.io",
  "gateway.networking.k8s.io",
  "networking.istio.io",
  "security.istio.io",
  "telemetry.istio.io",
  "weft.mesh",
];

function rulesOf(kinds: readonly KindDefinition[]): readonly JsonObject[] {
  return kinds.map(({ group, kind, versions }) => ({
    apiGroups: [group],
    apiVersions: [...versions],
    operations: ["CREATE", "UPDATE"],
    resources: [pluralOf(kind)],
    scope: "Namespaced",
  }));
}

/** As the CRDs have it; all kinds of the mesh go by the rule. */
function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  return lower.endsWith("y") ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

function clientConfig({ client, caBundle, token }: WebhookConfigurationOptions, path: string): JsonObject {
  const roots = { caBundle: Buffer.from(caBundle).toString("base64") };
  if (client.kind === "url") return { url: `${client.origin}${path}${token}`, ...roots };
  const { namespace, name, port } = client;
  return { service: { namespace, name, port, path: `${path}${token}` }, ...roots };
}

function metadata(name: string, { labels }: WebhookConfigurationOptions): JsonObject {
  return { name, ...(labels === undefined ? {} : { labels }) };
}
