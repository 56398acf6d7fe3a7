import type { Labels } from "../model/selector.js";
import { type ObjectFields, type Reader, readInteger, readObject } from "./fields.js";
import { readAnnotations, readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";

/** What the mesh reads of an object's metadata. */
export interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generation?: number;
  /** RFC 3339, from Kubernetes. */
  readonly created?: string;
}

export const DEFAULT_NAMESPACE = "default";

/** Fields of ObjectMeta that Kubernetes keeps for itself. */
const KEPT_BY_KUBERNETES = [
  "uid",
  "resourceVersion",
  "generateName",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "ownerReferences",
  "finalizers",
  "managedFields",
  "selfLink",
];

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
export function readMetadata(fields: ObjectFields): Metadata | undefined {
  return fields.required("metadata", readObject(readMetadataFields), "add metadata with a name");
}

function readMetadataFields(fields: ObjectFields): Metadata {
  fields.ignore(KEPT_BY_KUBERNETES);
  const name = fields.required("name", readDnsSubdomain, "give the object a name");
  const namespace = fields.optional("namespace", readDnsLabel) ?? DEFAULT_NAMESPACE;
  const labels = fields.optional("labels", readLabels) ?? {};
  const annotations = fields.optional("annotations", readAnnotations) ?? {};
  const created = fields.optional("creationTimestamp", readTimestamp);
  const generation = fields.optional("generation", readInteger(0, Number.MAX_SAFE_INTEGER));
  return {
    namespace,
    name: name ?? "",
    labels,
    annotations,
    ...(generation !== undefined && { generation }),
    ...(created !== undefined && { created }),
  };
}

/** YAML that people write may have one as a date, or anything; only what Kubernetes writes is of use. */
const readTimestamp: Reader<string> = ({ value }) =>
  typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? value : undefined;
