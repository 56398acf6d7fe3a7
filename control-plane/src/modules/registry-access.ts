import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { type CredentialSource, parseDockerConfig, type RegistryClient, type RegistryWarning } from "@weft/registry";
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

/** Makes a client; without credentials with the control plane's own. */
export type CreateClient = (
  credentials: CredentialSource | undefined,
  onWarning: (warning: RegistryWarning) => void,
) => RegistryClient;

/** Clients with the credentials of pull secrets, each made once. */
export interface Clients {
  of(access: RegistryAccess): RegistryClient;
  /** Does something for a plugin: what a registry then wants people to know is about this one. */
  askingFor<T>(plugin: string, ask: () => Promise<T>): Promise<T>;
}

export function createClients(
  create: CreateClient,
  onWarning: (plugin: string, warning: RegistryWarning) => void,
): Clients {
  const clients = new Map<string, RegistryClient>();
  // Plugins share clients, and a client knows nothing of plugins.
  const asking = new AsyncLocalStorage<string>();
  const warn = (warning: RegistryWarning) => onWarning(asking.getStore() ?? "", warning);
  return {
    askingFor: (plugin, ask) => asking.run(plugin, ask),
    of(access) {
      const key = accessKey(access);
      const client = clients.get(key) ?? create(credentialsOf(access), warn);
      clients.delete(key);
      clients.set(key, client);
      const [oldest] = clients.keys();
      if (clients.size > MAX_CLIENTS && oldest !== undefined) clients.delete(oldest);
      return client;
    },
  };
}

function credentialsOf({ identity, dockerConfig }: RegistryAccess): CredentialSource | undefined {
  if (dockerConfig === undefined) return undefined;
  const inSecret = parseDockerConfig(dockerConfig, `Secret ${identity}`);
  return async (registry) =>
    (await inSecret(registry)) ?? { kind: "none", reason: `Secret ${identity} has no credentials for ${registry}` };
}
