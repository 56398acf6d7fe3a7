import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";

/** What people know from Istio, and how Weft calls it. */
const ISTIO: Readonly<Record<string, string>> = {
  "sidecar.istio.io/inject": "weft.mesh/inject",
  "sidecar.istio.io/proxyImage": "proxy.weft.mesh/image",
  "sidecar.istio.io/proxyCPU": "proxy.weft.mesh/cpu-request",
  "sidecar.istio.io/proxyCPULimit": "proxy.weft.mesh/cpu-limit",
  "sidecar.istio.io/proxyMemory": "proxy.weft.mesh/memory-request",
  "sidecar.istio.io/proxyMemoryLimit": "proxy.weft.mesh/memory-limit",
  "sidecar.istio.io/logLevel": "proxy.weft.mesh/log-level",
  "sidecar.istio.io/rewriteAppHTTPProbers": "probes.weft.mesh/rewrite",
  "traffic.sidecar.istio.io/includeInboundPorts": "traffic.weft.mesh/include-inbound-ports",
  "traffic.sidecar.istio.io/excludeInboundPorts": "traffic.weft.mesh/exclude-inbound-ports",
  "traffic.sidecar.istio.io/includeOutboundPorts": "traffic.weft.mesh/include-outbound-ports",
  "traffic.sidecar.istio.io/excludeOutboundPorts": "traffic.weft.mesh/exclude-outbound-ports",
  "traffic.sidecar.istio.io/includeOutboundIPRanges": "traffic.weft.mesh/include-outbound-cidrs",
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": "traffic.weft.mesh/exclude-outbound-cidrs",
};

/** Says of annotations for Istio's sidecar that ours does not read them. */
export function reportOtherMeshes(
  annotations: Readonly<Record<string, string>>,
  { path, problems }: { readonly path: Path; readonly problems: Problems },
): void {
  for (const [name, ours] of Object.entries(ISTIO))
    if (annotations[name] !== undefined && annotations[ours] === undefined)
      problems.warning([...path, name], "OtherMesh", "is Istio's, and has no effect on this sidecar", `write ${ours}`);
}
