import { type MeshConfig, type PluginPolicy, pluginPolicy } from "../model/mesh-config.js";
import type { ModuleStage } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { Secret } from "../model/secret.js";
import type { KeySource } from "../model/verification.js";
import type { ModuleProblem } from "./module-problem.js";

/** What is wanted of modules now. */
export interface ModulesInput {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly meshConfigs: ReadonlyMap<string, MeshConfig>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

/** A public key with the place that it comes from, for messages. */
export interface KeyText {
  readonly name: string;
  readonly pem: string;
}

/** All that policies and Secrets say of one plugin. It names no other object, so equal inputs mean equal treatment. */
export interface PolicyInputs {
  readonly mesh: PluginPolicy;
  /** The MeshConfig, for messages. */
  readonly meshName: string;
  readonly ownKeys: readonly KeyText[];
  readonly meshKeys: readonly KeyText[];
  readonly pullSecret?: { readonly name: string; readonly dockerConfig: string };
  /** A Secret that is not as it should be: nothing can be done until it is. */
  readonly problem?: ModuleProblem & { readonly stage: ModuleStage };
}

export function policyInputs(
  plugin: Plugin,
  { meshConfigs, secrets }: Omit<ModulesInput, "plugins">,
  rootNamespace: string,
): PolicyInputs {
  const mesh = pluginPolicy(meshConfigs, rootNamespace);
  const problems: (ModuleProblem & { readonly stage: ModuleStage })[] = [];
  const keysOf = (sources: readonly KeySource[], namespace: string, field: string): KeyText[] =>
    sources.flatMap((source, position) => {
      const place = `${field}[${position}]`;
      if (source.kind === "inline") return [{ name: place, pem: source.pem }];
      const secret = objectKey({ namespace, name: source.name });
      const pem = secrets.get(secret)?.publicKeys[source.entry];
      if (pem !== undefined) return [{ name: `${place} (Secret ${secret}, ${source.entry})`, pem }];
      const missing = secrets.has(secret) ? `has no public key in its entry ${source.entry}` : "is not there";
      const message = `${place} names the Secret ${secret}, which ${missing}; put the public key into it`;
      problems.push({ stage: "Verified", reason: "KeyNotFound", message });
      return [];
    });
  const pullSecret = pullSecretOf(plugin, secrets);
  if (pullSecret !== undefined && "reason" in pullSecret) problems.push(pullSecret);
  const ownKeys = keysOf(plugin.verification?.keys ?? [], plugin.namespace, "spec.verification.keys");
  const meshKeys = keysOf(mesh.verification.keys, rootNamespace, "MeshConfig's plugins.verification.keys");
  const [problem] = problems;
  return {
    mesh,
    meshName: `MeshConfig ${rootNamespace}/default`,
    ownKeys,
    meshKeys,
    ...(pullSecret !== undefined && "dockerConfig" in pullSecret && { pullSecret }),
    ...(problem !== undefined && { problem }),
  };
}

function pullSecretOf(
  plugin: Plugin,
  secrets: ReadonlyMap<string, Secret>,
): PolicyInputs["pullSecret"] | NonNullable<PolicyInputs["problem"]> {
  if (plugin.imagePullSecret === undefined) return undefined;
  const name = objectKey({ namespace: plugin.namespace, name: plugin.imagePullSecret });
  const secret = secrets.get(name);
  if (secret?.dockerConfig !== undefined) return { name, dockerConfig: secret.dockerConfig };
  const [reason, what] =
    secret === undefined
      ? ["SecretNotFound", `spec.imagePullSecret names the Secret ${name}, which is not there`]
      : [
          "SecretUnusable",
          `spec.imagePullSecret names the Secret ${name}, which is not of type kubernetes.io/dockerconfigjson`,
        ];
  return { stage: "Resolved", reason, message: `${what}; make it with: kubectl create secret docker-registry` };
}
