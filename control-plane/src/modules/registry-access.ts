import { createHash } from "node:crypto";
import { type CredentialSource, parseDockerConfig, type RegistryClient } from "@weft/registry";
import type { PolicyInputs } from "./policy-inputs.js";

/** As whom registries are asked. */
export interface RegistryAccess {
  /** The Secret's key, or empty for the control plane's own credentials. */
  readonly identity: string;
  /** Text of the Secret; absent: the control plane's own credentials. */
  readonly dockerConfig?: string;
}

/** As the control plane itself. */
export const OWN_ACCESS: RegistryAccess = { identity: "" };

export function accessOf({ pullSecret }: Pick<PolicyInputs, "pullSecret">): RegistryAccess {
  return pullSecret === undefined ? OWN_ACCESS : { identity: pullSecret.name, dockerConfig: pullSecret.dockerConfig };
}

/** Tells two accesses apart, also two contents of one Secret. Not for the disk: it is a hash of what is secret. */
export function accessKey({ identity, dockerConfig }: RegistryAccess): string {
  if (dockerConfig === undefined) return identity;
  return `${identity} ${createHash("sha256").update(dockerConfig).digest("hex")}`;
}

const MAX_CLIENTS = 100;

/** Clients with the credentials of pull secrets, each made once. */
export function createClients(
  create: (credentials?: CredentialSource) => RegistryClient,
): (access: RegistryAccess) => RegistryClient {
  const clients = new Map<string, RegistryClient>();
  return (access) => {
    const key = accessKey(access);
    const client = clients.get(key) ?? create(credentialsOf(access));
    clients.delete(key);
    clients.set(key, client);
    const [oldest] = clients.keys();
    if (clients.size > MAX_CLIENTS && oldest !== undefined) clients.delete(oldest);
    return client;
  };
}

function credentialsOf({ identity, dockerConfig }: RegistryAccess): CredentialSource | undefined {
  if (dockerConfig === undefined) return undefined;
  const inSecret = parseDockerConfig(dockerConfig, `Secret ${identity}`);
  return async (registry) =>
    (await inSecret(registry)) ?? { kind: "none", reason: `Secret ${identity} has no credentials for ${registry}` };
}
