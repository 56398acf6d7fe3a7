/** Of a Secret only what the mesh has a use for; what else it holds is never kept. */
export interface Secret {
  readonly namespace: string;
  readonly name: string;
  /** Text of `.dockerconfigjson`, for type `kubernetes.io/dockerconfigjson`. */
  readonly dockerConfig?: string;
  /** Entries that are public keys in PEM. */
  readonly publicKeys: Readonly<Record<string, string>>;
}
