import type { Sidecar } from "../control-plane/src/model/sidecar.js";

type Pick = <T>(list: readonly T[]) => T;

const EGRESS: readonly NonNullable<Sidecar["egress"]>[] = [
  [],
  [{ host: { kind: "any" } }],
  [{ namespace: "default", host: { kind: "any" } }],
  [{ namespace: "other", host: { kind: "suffix", value: ".other.svc.cluster.local" } }],
  [{ host: { kind: "exact", value: "backend.default.svc.cluster.local" } }],
];

/** A Sidecar for a property test: of a workload, a namespace or the mesh, open or closed. */
export function randomSidecar(pick: Pick, random: () => number, apps: readonly string[]): Sidecar {
  return {
    namespace: pick(["default", "other", "weft-system"]),
    name: pick(["one", "two"]),
    ...(random() < 0.4 ? { selector: { app: pick(apps) } } : {}),
    ...(random() < 0.8 ? { egress: pick(EGRESS) } : {}),
    ...(random() < 0.6 ? { outbound: pick(["ALLOW_ANY", "REGISTRY_ONLY"] as const) } : {}),
  };
}

/** What a proxy may ask for by name: what there is, what there is not, and what nobody may have by asking. */
export function randomDemand(pick: Pick, random: () => number, apps: readonly string[]): readonly string[] {
  const host = () => `${pick(apps)}.${pick(["default", "other"])}.svc.cluster.local`;
  return Array.from({ length: Math.floor(random() * 4) }, () =>
    pick([
      `outbound|${pick([8080, 8081])}||${host()}`,
      `outbound|8080|${pick(["v1", "v2", "v9"])}|${host()}`,
      `outbound|08080||${host()}`,
      "outbound|8080||nobody.default.svc.cluster.local",
      `inbound|8080||${host()}`,
      "callout|default|one|c",
    ]),
  );
}
