/** What holds for the whole mesh and comes from the control plane's own configuration. */
export interface MeshSettings {
  /** Of SPIFFE ids, for example `cluster.local`. */
  readonly trustDomain: string;
  /** Objects in it cover the whole mesh. */
  readonly rootNamespace: string;
  /** PEM of the certificates that plugins' callouts outside of the mesh are trusted by. */
  readonly publicRoots: string;
  /** Files of a proxy's own identity, as the proxy names them. */
  readonly identityFiles: IdentityFiles;
}

export interface IdentityFiles {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** A rename into this directory makes Envoy read the files again. */
  readonly watchedDirectory: string;
}
