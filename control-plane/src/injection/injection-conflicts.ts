import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";
import {
  DIRECT_INBOUND_PORTS,
  DNS_CAPTURE_PORT,
  INBOUND_CAPTURE_PORT,
  OUTBOUND_CAPTURE_PORT,
  PROXY_UID,
} from "./interception-options.js";
import type { JsonObject } from "./json.js";
import { IDENTITY_VOLUME, INIT_CONTAINER, PROXY_CONTAINER, SECRETS_VOLUME } from "./pod-names.js";
import { childList, childObject, nameOf, type PodParts } from "./pod-parts.js";
import { ADMIN_PORT } from "./ports.js";

interface Report {
  readonly path: Path;
  readonly problems: Problems;
}

/** What in a pod cannot be beside a sidecar. */
export function reportConflicts(pod: PodParts, capturesDns: boolean, { path, problems }: Report): void {
  const inSpec = [...path, "spec"];
  for (const list of ["containers", "initContainers"] as const)
    pod[list].forEach((container, position) => {
      const at = [...inSpec, list, position];
      reportName(container, [PROXY_CONTAINER, INIT_CONTAINER], { path: at, problems });
      reportPorts(container, capturesDns, { path: at, problems });
      reportUser(container, list === "containers", { path: at, problems });
    });
  reportUser(pod.spec, true, { path: inSpec, problems });
  pod.volumes.forEach((volume, position) => {
    reportName(volume, [IDENTITY_VOLUME, SECRETS_VOLUME], { path: [...inSpec, "volumes", position], problems });
  });
  if (pod.spec.dnsPolicy === "Default")
    problems.warning(
      [...inSpec, "dnsPolicy"],
      "NodeDns",
      "is Default: the pod asks the resolvers of its node, which know no Services, so the sidecar will not find the control plane",
      "leave dnsPolicy out, or opt the pod out of the mesh",
    );
}

function reportName(part: JsonObject, taken: readonly string[], { path, problems }: Report): void {
  if (!taken.includes(nameOf(part))) return;
  const hint = "give it another name; of a pod that was injected before, use the manifest from before";
  problems.error([...path, "name"], "NameTaken", `is ${nameOf(part)}, which belongs to the sidecar`, hint);
}

function reportPorts(container: JsonObject, capturesDns: boolean, { path, problems }: Report): void {
  const taken = [
    ...[ADMIN_PORT, OUTBOUND_CAPTURE_PORT, INBOUND_CAPTURE_PORT, ...DIRECT_INBOUND_PORTS],
    ...(capturesDns ? [DNS_CAPTURE_PORT] : []),
  ];
  childList(container, "ports").forEach(({ containerPort }, position) => {
    if (typeof containerPort !== "number" || !taken.includes(containerPort)) return;
    const at = [...path, "ports", position, "containerPort"];
    problems.error(
      at,
      "PortTaken",
      `is ${containerPort}, which belongs to the sidecar`,
      "let the app use another port",
    );
  });
}

/** The rules know the sidecar by its user: others of that user would pass by it. */
function reportUser(holder: JsonObject, isApp: boolean, { path, problems }: Report): void {
  const context = childObject(holder, "securityContext");
  for (const field of ["runAsUser", "runAsGroup"] as const) {
    if (context?.[field] !== PROXY_UID) continue;
    const at = [...path, "securityContext", field];
    const message = `is ${PROXY_UID}, the sidecar's: what it sends passes by the mesh`;
    if (isApp) problems.error(at, "UserTaken", message, "run the app as another user and group");
    else problems.warning(at, "UserTaken", message, "use another user and group, unless that is meant");
  }
}
