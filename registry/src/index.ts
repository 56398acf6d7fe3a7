export type { BlobDescriptor, PullBlobOptions, PushBlobOptions, PushedBlob } from "./blob.js";
export { type CopyOptions, copyImage } from "./copy.js";
export {
  type CredentialSource,
  type Credentials,
  credentialFiles,
  dockerConfigPath,
  loadCredentials,
  loadDockerConfig,
  parseDockerConfig,
} from "./credentials.js";
export {
  createDigester,
  type DigestAlgorithm,
  type Digester,
  digestOf,
  hasDigest,
  isDigest,
  parseDigest,
} from "./digest.js";
export { RegistryError, type RegistryErrorCode, type RegistryErrorDetails } from "./error.js";
export {
  type Annotations,
  type Descriptor,
  decodeManifest,
  type ImageIndex,
  type ImageManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
} from "./manifest.js";
export { MANIFEST_MEDIA_TYPES, WEFT_PLUGIN } from "./media-types.js";
export {
  type PackedBlob,
  PLUGIN_WASM,
  PLUGIN_YAML,
  type PluginArtifact,
  type PluginFiles,
  packPlugin,
} from "./pack-plugin.js";
export type { PluginLayout } from "./plugin-layout.js";
export { type PulledPlugin, pullPlugin } from "./pull-plugin.js";
export { type PushedPlugin, pushPlugin } from "./push-plugin.js";
export {
  checkReference,
  formatReference,
  parseReference,
  type Reference,
  type ReferenceCheck,
  type Repository,
  tagOrDigest,
} from "./reference.js";
export {
  createRegistryClient,
  type PulledManifest,
  type RegistryClient,
  type RegistryClientOptions,
  type RegistrySettings,
  type Resolved,
} from "./remote.js";
export type { RetryOptions } from "./retry.js";
export {
  generateKeyPair,
  loadSigningKey,
  loadVerificationKey,
  type SigningKey,
  type VerificationKey,
} from "./signing/key.js";
export { type SignatureForm, type SignOptions, signImage } from "./signing/sign-image.js";
export { type Verification, type VerifiedSignature, verifyImage } from "./signing/verify-image.js";
export { type FetchBlob, type PluginLimits, type UnpackedPlugin, unpackPlugin } from "./unpack-plugin.js";
export type { RegistryWarning } from "./warnings.js";
