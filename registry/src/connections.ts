import { lookup } from "node:dns/promises";
import { rootCertificates } from "node:tls";
import { Agent, fetch as undiciFetch } from "undici";
import { type AddressClass, AddressError, classOf, guardedLookup, literalAddress } from "./address.js";

/** Where a request goes: to the registry that the user named, or to where that one sends us. */
export interface Place {
  readonly registry: string;
  readonly isHome: boolean;
}

/** `fetch`, which also knows on whose behalf it connects. */
export type RegistryFetch = (url: URL, init: RequestInit, place: Place) => Promise<Response>;

export interface ConnectionOptions {
  /** PEM of the authorities that are trusted for a registry, besides those of the system. */
  readonly caOf: (registry: string) => string | undefined;
  /** Host to connect to for a registry, without port. */
  readonly hostOf: (registry: string) => string;
}

const MAX_CONNECTIONS = 16;

/**
 * Connections to registries. No address that is link-local or of a metadata service is ever connected to. A registry at
 * a public address may not send us to an internal one: its token server and its redirects are its own choice.
 */
export function createConnections({ caOf, hostOf }: ConnectionOptions): RegistryFetch {
  const agents = new Map<string, Agent>();
  const agentOf = (place: Place, allowed: readonly AddressClass[]): Agent => {
    const ca = place.isHome ? caOf(place.registry) : undefined;
    const key = JSON.stringify([allowed, ca]);
    let agent = agents.get(key);
    if (agent === undefined) {
      const allows = (address: string): boolean => allowed.includes(classOf(address));
      const connect = { lookup: guardedLookup(allows), ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
      agent = new Agent({ connect, connections: MAX_CONNECTIONS });
      agents.set(key, agent);
    }
    return agent;
  };
  return async (url, init, place) => {
    const isInternalHome = place.isHome || (await isInternal(hostOf(place.registry)));
    const allowed: readonly AddressClass[] = isInternalHome ? ["public", "internal"] : ["public"];
    // Sockets do not look up what is an address already.
    const literal = literalAddress(url);
    if (literal !== undefined && !allowed.includes(classOf(literal)))
      throw new AddressError(`${literal} is an address where no registry may be`);
    const dispatcher = agentOf(place, allowed);
    // undici's types and those of Node are the same thing twice.
    return (await undiciFetch(url, { ...init, dispatcher } as never)) as unknown as Response;
  };
}

async function isInternal(host: string): Promise<boolean> {
  const literal = literalAddress(new URL(`http://${host}`));
  if (literal !== undefined) return classOf(literal) === "internal";
  try {
    return (await lookup(host, { all: true })).some(({ address }) => classOf(address) === "internal");
  } catch {
    // Whoever has no address is not inside.
    return false;
  }
}
