import { isObject, show } from "../decode/fields.js";
import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";
import { INJECT_LABEL } from "../decode/workload-entry.js";
import { INIT_CONTAINER, PROXY_CONTAINER, STATUS_ANNOTATION } from "./pod-names.js";
import { nameOf, type PodParts } from "./pod-parts.js";
import { CLUSTER_NAMESPACES } from "./webhook-configurations.js";

/** Sidecars that take a pod's traffic by rules of their own. */
const OTHER_MESHES = ["istio-proxy", "linkerd-proxy"];

/** Why a pod gets no sidecar. */
export interface SkipReason {
  readonly reason: string;
  /** Somebody said so, or it has one: nobody needs to be told. */
  readonly isMeant: boolean;
}

/** Undefined: it gets one. A label or annotation that is wrong is reported. */
export function reasonToSkip(
  pod: PodParts,
  where: { readonly namespace: string; readonly rootNamespace: string },
  { path, problems }: { readonly path: Path; readonly problems: Problems },
): SkipReason | undefined {
  const because = (reason: string): SkipReason => ({ reason, isMeant: false });
  const meant = (reason: string): SkipReason => ({ reason, isMeant: true });
  const { spec, annotations, containers, initContainers } = pod;
  const wish = readWish(pod, path, problems);
  if (CLUSTER_NAMESPACES.includes(where.namespace) || where.namespace === where.rootNamespace)
    return because(`pods of namespace ${where.namespace} have no sidecar`);
  if (wish === "false") return meant(`${INJECT_LABEL} is "false"`);
  if (spec.hostNetwork === true)
    return because("it uses the network of its node (hostNetwork), whose traffic must not be intercepted");
  if (isObject(spec.os) && spec.os.name === "windows") return because("it runs on Windows, where there is no iptables");
  if (annotations["kubernetes.io/config.mirror"] !== undefined) return meant("it mirrors a static pod of its node");
  const names = [...containers, ...initContainers].map(nameOf);
  if (annotations[STATUS_ANNOTATION] !== undefined && [PROXY_CONTAINER, INIT_CONTAINER].every((n) => names.includes(n)))
    return meant("it has its sidecar already");
  const other = OTHER_MESHES.find((name) => names.includes(name));
  return other === undefined ? undefined : because(`it has the sidecar of another mesh (${other})`);
}

/** The label comes first, as for a WorkloadEntry. */
function readWish({ labels, annotations }: PodParts, path: Path, problems: Problems): string | undefined {
  for (const [place, map] of Object.entries({ labels, annotations })) {
    const value = map[INJECT_LABEL];
    if (value === undefined) continue;
    if (value === "true" || value === "false") return value;
    problems.error(
      [...path, "metadata", place, INJECT_LABEL],
      "InvalidValue",
      `is ${show(value)}`,
      'write "true" or "false"',
    );
  }
  return undefined;
}
