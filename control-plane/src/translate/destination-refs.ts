import { objectKey } from "../model/object-ref.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { policyFor } from "../model/traffic-policy.js";
import type { DestinationClass } from "./destination-class.js";
import { ruleFor } from "./destination-rules.js";
import { localityBalancing } from "./locality-policy.js";
import { outboundCluster, PUBLIC_TRUST_SECRET } from "./names.js";
import type { Ref } from "./ref.js";
import { discoveryOf } from "./service-discovery.js";

/**
 * What a class of callers needs to call some ports of a service: all of it and each subset, or `only` one of these. A
 * cluster's variant names the DestinationRule in force, and that of endpoints also what of the caller their priorities
 * depend on; classes that agree in these share the bytes.
 */
export function destinationRefs(
  snapshot: Pick<Snapshot, "destinationRules" | "services" | "settings">,
  service: Service,
  ports: readonly ServicePort[],
  caller: DestinationClass,
  only?: string,
): Ref[] {
  const rule = ruleFor(snapshot, caller.namespace, service);
  const variant = rule === undefined ? "" : `by ${objectKey(rule)}`;
  const all = ["", ...(rule?.subsets.map(({ name }) => name) ?? [])];
  const subsets = only === undefined ? all : all.filter((subset) => subset === only);
  return ports.flatMap((servicePort) => {
    const { port } = servicePort;
    const found = discoveryOf(snapshot, service, servicePort, caller.isCaptured).kind;
    return subsets.flatMap((subset) => {
      const name = outboundCluster(port, subset, service.host);
      const policy = policyFor(rule, subset, port);
      const refs: Ref[] = [{ type: "cluster", name, variant: found === "original" ? `${variant} original` : variant }];
      const { tls, loadBalancer } = policy;
      if (found === "endpoints" && loadBalancer?.algorithm?.kind !== "PASSTHROUGH") {
        const endpointsVariant = `${variant}${callerText(localityBalancing(policy).kind, caller)}`;
        refs.push({ type: "endpoints", name, variant: endpointsVariant });
      }
      if (tls !== undefined && "trust" in tls && tls.trust.kind === "public")
        refs.push({ type: "secret", name: PUBLIC_TRUST_SECRET, variant: "" });
      return refs;
    });
  });
}

function callerText(
  kind: ReturnType<typeof localityBalancing>["kind"],
  { locality, labels }: DestinationClass,
): string {
  if (kind === "off") return "";
  if (kind === "labels") return labels === "" ? "" : ` with ${labels}`;
  return locality === "" ? "" : ` from ${locality}`;
}

/** What the variant of such a ref says. */
export function destinationVariant(ref: Ref): {
  readonly rule?: string;
  readonly locality: string;
  readonly labels: string;
  /** Whether the address is called that the caller chose. */
  readonly isOriginal: boolean;
} {
  const words = ref.variant.split(" ");
  const after = (word: string) => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : words[at + 1];
  };
  const rule = after("by");
  return {
    ...(rule !== undefined && { rule }),
    locality: after("from") ?? "",
    labels: after("with") ?? "",
    isOriginal: words.includes("original"),
  };
}
