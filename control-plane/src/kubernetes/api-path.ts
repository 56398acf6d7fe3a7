/** A kind of objects as the API server names it in paths. */
export interface ApiResource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

/** The path of the objects of a kind, in one namespace or all. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export function objectPath({
  group,
  version,
  plural,
  namespace,
}: ApiResource & { readonly namespace?: string }): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;
}
