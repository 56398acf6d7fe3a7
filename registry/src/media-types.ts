/** Media types of the OCI image specification, of Docker, and of the ways Wasm filters are published. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";
export const OCI_LAYER_TAR_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";

export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_LAYER_TAR_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** artifactType of what we push. */
export const WEFT_PLUGIN = "application/vnd.weft.wasm-plugin.v1+json";

export const SOLO_WASM_CONFIG = "application/vnd.module.wasm.config.v1+json";
export const SOLO_WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
export const TAG_WASM_CONFIG = "application/vnd.wasm.config.v0+json";
export const WASM_LAYER = "application/wasm";
export const WASM_TO_OCI_LAYER = "application/vnd.wasm.content.layer.v1+wasm";

export const OCTET_STREAM = "application/octet-stream";

/** Every manifest type that we read. A registry may answer 404 to a request that does not list the stored one. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST];

/** The media type of a Content-Type header, without parameters; undefined when there is none. */
export function mediaTypeOf(contentType: string | null | undefined): string | undefined {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}
