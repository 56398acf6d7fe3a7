import { walk } from "./golden-references.js";
import type { JsonResource } from "./golden-translation.js";

type Json = Record<string, unknown>;

/** Names of files that take the place of the mesh's secrets, relative to where Envoy runs. */
export interface IdentityFileNames {
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly trustBundle: string;
}

/**
 * A bootstrap without ADS that says what the resources say: routes, slots and endpoints stand where they are named, and
 * secrets are files. What Envoy refuses of it, it would refuse of the resources.
 */
export function staticBootstrap(resources: readonly JsonResource[], files: IdentityFileNames): Json {
  const find = (type: JsonResource["type"], name: unknown): Json => {
    const found = resources.find((resource) => resource.type === type && resource.name === name);
    if (found === undefined) throw new Error(`no ${type} ${name}`);
    return structuredClone(found.config);
  };
  const all = (type: JsonResource["type"]) =>
    resources.filter((resource) => resource.type === type).map(({ name }) => find(type, name));

  const listeners = all("listener");
  walk(listeners, (node) => {
    if (node.rds !== undefined) {
      node.route_config = find("routes", (node.rds as Json).route_config_name);
      delete node.rds;
    }
    if (node.config_discovery !== undefined) {
      node.typed_config = find("extension", node.name).typed_config;
      delete node.config_discovery;
    }
  });
  const clusters = all("cluster").map((cluster) => {
    const { eds_cluster_config: eds, type, ...rest } = cluster;
    if (eds === undefined) return cluster;
    return { ...rest, type: "STATIC", load_assignment: find("endpoints", (eds as Json).service_name) };
  });
  // A static secret is named without a source.
  walk([listeners, clusters], (node) => delete node.sds_config);
  const secrets = all("secret").map((secret) => {
    if (secret.validation_context !== undefined)
      return { name: secret.name, validation_context: { trusted_ca: { filename: files.trustBundle } } };
    const { certificateChain, privateKey } = files;
    return {
      name: secret.name,
      tls_certificate: { certificate_chain: { filename: certificateChain }, private_key: { filename: privateKey } },
    };
  });
  return { static_resources: { listeners, clusters, secrets } };
}
