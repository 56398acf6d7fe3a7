import type { KubernetesReader } from "../../kubernetes/reader.js";
import { isRecord } from "./kube-object.js";

/** A kind that the API server has, in one version. */
export interface ServedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Its name in paths. */
  readonly resource: string;
}

const ACCEPT = ["v2", "v2beta1"]
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(",");
const TIMEOUT_MS = 30_000;

/**
 * The kinds that the API server has now, but those of the core group, which are always there.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
export async function discoverKinds(api: KubernetesReader, signal: AbortSignal): Promise<readonly ServedKind[]> {
  const answer = await api.get("/apis", { accept: ACCEPT, signal, timeoutMs: TIMEOUT_MS });
  if (!isRecord(answer) || !Array.isArray(answer.items))
    throw new Error("the API server does not tell its kinds: Kubernetes 1.27 is the oldest that does");
  return records(answer.items).flatMap(({ metadata, versions }) =>
    records(versions).flatMap(({ version, resources }) =>
      records(resources).flatMap(({ resource, responseKind }) => {
        const group = isRecord(metadata) ? metadata.name : undefined;
        const kind = isRecord(responseKind) ? responseKind.kind : undefined;
        if (![group, version, kind, resource].every((part) => typeof part === "string")) return [];
        return [{ group, version, kind, resource } as ServedKind];
      }),
    ),
  );
}

function records(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
