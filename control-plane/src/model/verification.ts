/** A public key that images are signed with, as an object names it. */
export type KeySource =
  /** PEM in the object itself. */
  | { readonly kind: "inline"; readonly pem: string }
  /** An entry of a Secret in the object's namespace. */
  | { readonly kind: "secret"; readonly name: string; readonly entry: string };

/** What a plugin says of the signature of its own image. */
export interface PluginVerification {
  /** Any of them is enough; empty: those of the mesh. */
  readonly keys: readonly KeySource[];
  /** Whether the plugin is refused without a signature; else only its status says so. */
  readonly required: boolean;
}

/** How an image was found to be what the policies ask for. Part of the status, which remembers it. */
export interface Verified {
  /** Keys that signed it, each as base64 of the SHA-256 of its SPKI form; sorted. */
  readonly keys: readonly string[];
  /** What the policies have against it, and let pass; empty: nothing. */
  readonly warnings: readonly PolicyWarning[];
  /** Host functions that it asks for and the mesh policy does not allow, sorted. */
  readonly beyond: readonly string[];
}

export interface PolicyWarning {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export const UNVERIFIED: Verified = { keys: [], warnings: [], beyond: [] };
