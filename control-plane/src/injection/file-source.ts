import type { JsonObject } from "./json.js";

/** Where Envoy finds a secret in a file. */
export function fileSource(path: string): JsonObject {
  return { path_config_source: { path }, resource_api_version: "V3" };
}
