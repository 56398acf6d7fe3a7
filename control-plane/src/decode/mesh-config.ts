import {
  DEFAULT_PLUGIN_POLICY,
  DEFAULT_SCOPE_POLICY,
  MESH_CONFIG_NAME,
  type MeshConfig,
  type PluginPolicy,
  type ScopePolicy,
} from "../model/mesh-config.js";
import { readCapabilities } from "./capabilities.js";
import {
  type Reader,
  readBoolean,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readString,
  refuse,
  show,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readOutboundPolicy } from "./outbound-policy.js";
import { readTelemetryDefaults } from "./telemetry-defaults.js";
import { readKeys } from "./verification.js";

/** Fields of the kind that nothing acts on yet. */
const UNSUPPORTED = {
  metrics: "configure the telemetry plugin's WasmPlugin: it makes the metrics",
};

const HOST_GLOB = /^[A-Za-z0-9.*_-]+(?::(?:\d{1,5}|\*))?$/;
const REPOSITORY_GLOB = /^[A-Za-z0-9.*_:-]+(?:\/[a-z0-9.*_-]+)*$/;

const readHostGlob: Reader<string> = (field) => {
  const glob = readString(256)(field);
  if (glob === undefined || glob === "file://" || HOST_GLOB.test(glob)) return glob;
  const hint =
    "write host[:port], for example ghcr.io, *.example.com or 127.0.0.1:5000; file:// for files of the folder";
  return refuse(field, "InvalidGlob", `${show(glob)} is not a registry`, hint);
};

const readRepositoryGlob: Reader<string> = (field) => {
  const glob = readString(512)(field);
  if (glob === undefined || REPOSITORY_GLOB.test(glob)) return glob;
  const hint = "write host[:port]/path, for example ghcr.io/acme/** (** also matches slashes), without tag and digest";
  return refuse(field, "InvalidGlob", `${show(glob)} is not a repository`, hint);
};

const readMeshVerification: Reader<PluginPolicy["verification"]> = readObject((fields, field) => {
  const before = field.problems.list.length;
  const keys = fields.optional("keys", readKeys) ?? [];
  const areKeysRight = field.problems.list.length === before;
  const required = fields.optional("required", readBoolean) ?? false;
  const repositories = fields.optional("repositories", readList(readRepositoryGlob, { max: 100 })) ?? [];
  if (required && keys.length === 0 && areKeysRight)
    return refuse(field, "MissingField", "is required and has no keys, so no plugin could be used", "add keys");
  return { required, keys, repositories };
});

const readPluginPolicy: Reader<PluginPolicy> = readObject((fields) => {
  const registries = fields.optional("registries", readList(readHostGlob, { max: 100 }));
  const capabilities = fields.optional("capabilities", readCapabilities);
  return {
    mode: fields.optional("mode", readOneOf(["enforce", "warn"])) ?? DEFAULT_PLUGIN_POLICY.mode,
    verification: fields.optional("verification", readMeshVerification) ?? DEFAULT_PLUGIN_POLICY.verification,
    requireDigest: fields.optional("requireDigest", readBoolean) ?? DEFAULT_PLUGIN_POLICY.requireDigest,
    ...(registries !== undefined && { registries }),
    ...(capabilities !== undefined && { capabilities }),
  };
});

const readScopePolicy: Reader<ScopePolicy> = readObject((fields) => ({
  maxServices: fields.optional("maxServices", readInteger(0, 100_000)) ?? DEFAULT_SCOPE_POLICY.maxServices,
}));

/** The mesh policy. That it is the one in the root namespace is the store's matter, which knows that namespace. */
export function readMeshConfig({ namespace, name }: Metadata): Reader<MeshConfig> {
  return readObject((fields, field) => {
    fields.unsupported(UNSUPPORTED);
    const plugins = fields.optional("plugins", readPluginPolicy) ?? DEFAULT_PLUGIN_POLICY;
    const scope = fields.optional("scope", readScopePolicy);
    const telemetry = readTelemetryDefaults(fields);
    const outbound = fields.optional("outboundTrafficPolicy", readOutboundPolicy);
    if (name !== MESH_CONFIG_NAME) {
      const place = { ...field, path: ["metadata", "name"] };
      return refuse(place, "InvalidName", `is ${show(name)}`, `name it ${MESH_CONFIG_NAME}: there is one in a mesh`);
    }
    return {
      namespace,
      name,
      plugins,
      telemetry,
      ...(scope !== undefined && { scope }),
      ...(outbound !== undefined && { outbound }),
    };
  });
}
