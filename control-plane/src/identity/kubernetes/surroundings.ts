import type { ApiObject, ApiServer } from "./api-server.js";
import type { RequestingPod, Surroundings } from "./decision.js";
import type { PodCertificateRequest } from "./pod-certificate-request.js";

/** Asks the API server itself, not a copy that may be behind: a refusal is for ever. */
export async function readSurroundings(api: ApiServer, request: PodCertificateRequest): Promise<Surroundings> {
  const { namespace, podName, serviceAccountName, nodeName } = request;
  const [pod, serviceAccount, node] = await Promise.all([
    api.read(`/api/v1/namespaces/${namespace}/pods/${podName}`),
    api.read(`/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccountName}`),
    api.read(`/api/v1/nodes/${nodeName}`),
  ]);
  return { pod: pod && podOf(pod), serviceAccount: serviceAccount && uidOf(serviceAccount), node: node && uidOf(node) };
}

/** Of a pod only what the API server holds to: `spec` cannot be changed in these fields once it runs. */
function podOf(object: ApiObject): RequestingPod {
  const spec = fieldsOf(object.spec);
  const { phase } = fieldsOf(object.status);
  const signerNames = listOf(spec.volumes)
    .flatMap((volume) => listOf(fieldsOf(fieldsOf(volume).projected).sources))
    .map((source) => fieldsOf(fieldsOf(source).podCertificate).signerName)
    .filter((name) => typeof name === "string");
  return {
    ...uidOf(object),
    serviceAccountName: textOf(spec.serviceAccountName),
    nodeName: textOf(spec.nodeName),
    phase: textOf(phase),
    isMirror: object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined,
    signerNames,
  };
}

function uidOf({ metadata }: ApiObject): { readonly uid: string } {
  return { uid: metadata.uid ?? "" };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
