import { isRepositoryName } from "../src/reference.js";
import { ApiError } from "./errors.js";

/** What a path of the API names. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "uploads"; readonly name: string }
  | { readonly kind: "upload"; readonly name: string; readonly id: string }
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | { readonly kind: "manifest"; readonly name: string; readonly reference: string }
  | { readonly kind: "tags"; readonly name: string }
  | { readonly kind: "referrers"; readonly name: string; readonly digest: string };

const UPLOADS = /^\/v2\/(.+)\/blobs\/uploads\/?$/;
const UPLOAD = /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/;
const BLOB = /^\/v2\/(.+)\/blobs\/([^/]+)$/;
const MANIFEST = /^\/v2\/(.+)\/manifests\/([^/]+)$/;
const REFERRERS = /^\/v2\/(.+)\/referrers\/([^/]+)$/;
const TAGS = /^\/v2\/(.+)\/tags\/list$/;

/** The route of a path (percent-decoded, without query); undefined if the API has none. Throws ApiError for a bad name. */
export function matchRoute(path: string): Route | undefined {
  const route = findRoute(path);
  if (route !== undefined && route.kind !== "base" && !isRepositoryName(route.name)) {
    throw new ApiError(404, "NAME_INVALID", `${JSON.stringify(route.name)} is not a repository name`);
  }
  return route;
}

function findRoute(path: string): Route | undefined {
  if (path === "/v2/" || path === "/v2") return { kind: "base" };
  const [, uploads] = UPLOADS.exec(path) ?? [];
  if (uploads !== undefined) return { kind: "uploads", name: uploads };
  const [, uploadName, id] = UPLOAD.exec(path) ?? [];
  if (uploadName !== undefined && id !== undefined) return { kind: "upload", name: uploadName, id };
  const [, blobName, digest] = BLOB.exec(path) ?? [];
  if (blobName !== undefined && digest !== undefined) return { kind: "blob", name: blobName, digest };
  const [, manifestName, reference] = MANIFEST.exec(path) ?? [];
  if (manifestName !== undefined && reference !== undefined) return { kind: "manifest", name: manifestName, reference };
  const [, referrersName, subject] = REFERRERS.exec(path) ?? [];
  if (referrersName !== undefined && subject !== undefined) {
    return { kind: "referrers", name: referrersName, digest: subject };
  }
  const [, tagsName] = TAGS.exec(path) ?? [];
  return tagsName === undefined ? undefined : { kind: "tags", name: tagsName };
}
