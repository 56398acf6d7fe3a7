import { allocateAddresses } from "../model/allocated-address.js";
import { memoByIdentity } from "../model/memo.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";

const allocated = memoByIdentity((services: Snapshot["services"]) =>
  allocateAddresses([...services.values()].flatMap((service) => (wantsAddress(service) ? [service.host] : []))),
);

/**
 * Whether callers need an address to find a service: one whose callers choose the endpoint, or its name, themselves has
 * none, and for a wildcard there is no one name to answer for.
 */
function wantsAddress({ addresses, host, resolution }: Service): boolean {
  const isChosenByUs = resolution.kind === "workloads" || resolution.kind === "static" || resolution.kind === "dns";
  return addresses.length === 0 && isChosenByUs && !host.startsWith("*");
}

/**
 * The addresses and blocks of a service, at which sidecars with interception listen. One that names none has an
 * allocated one, which its callers learn by DNS from their own sidecar.
 */
export function virtualAddresses(snapshot: Pick<Snapshot, "services">, service: Service): readonly string[] {
  if (service.addresses.length > 0) return service.addresses;
  const address = allocated(snapshot.services).get(service.host);
  return address === undefined ? [] : [address];
}
