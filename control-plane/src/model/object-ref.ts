/** Names one API object. `kind` is the Kubernetes kind, `namespace` is empty for cluster-scoped kinds. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The key under which an object of a known kind is held: `<namespace>/<name>`. */
export function objectKey(ref: { readonly namespace: string; readonly name: string }): string {
  return `${ref.namespace}/${ref.name}`;
}

/** `VirtualService default/backend`, for messages. */
export function formatObjectRef(ref: ObjectRef): string {
  return `${ref.kind} ${objectKey(ref)}`;
}
