import { isObject } from "../decode/fields.js";
import { INJECT_LABEL } from "../decode/workload-entry.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { AdmissionAnswer, AdmissionRequest } from "./admission-review.js";
import { inject } from "./inject.js";
import type { InjectionSettings } from "./injection-settings.js";
import { jsonPatch } from "./json-patch.js";

/** What becomes of a pod that is to be made. `token` is random, and new for each. */
export function reviewPod(
  { namespace, object }: AdmissionRequest,
  { settings, token }: { readonly settings: InjectionSettings; readonly token: string },
): AdmissionAnswer {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  // A pod of a ReplicaSet has no name yet.
  const name = [metadata.name, metadata.generateName].find((text) => typeof text === "string" && text !== "");
  const pod = { kind: "Pod", namespace, name: typeof name === "string" ? name : "" };
  const injection = inject(object, { settings, namespace, token, object: pod });
  switch (injection.kind) {
    case "injected":
      return { allowed: true, warnings: injection.warnings, patch: jsonPatch(object, injection.pod) };
    case "skipped":
      return {
        allowed: true,
        warnings: [...injection.warnings, ...(injection.isMeant ? [] : [notInjected(pod, injection.reason)])],
      };
    case "refused":
      return { allowed: false, diagnostics: injection.diagnostics };
    default:
      return injection satisfies never;
  }
}

function notInjected(object: ObjectRef, reason: string): Diagnostic {
  const hint = `if that is meant, label it ${INJECT_LABEL}: "false"`;
  return { severity: "warning", reason: "NotInjected", message: `gets no sidecar: ${reason}`, hint, object };
}
