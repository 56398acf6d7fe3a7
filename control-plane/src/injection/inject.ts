import type { Path } from "../decode/path.js";
import { createProblems } from "../decode/problems.js";
import { DNS_ANNOTATION } from "../decode/workload-entry.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import { initContainer } from "./init-container.js";
import { reportConflicts } from "./injection-conflicts.js";
import { reasonToSkip, type SkipReason } from "./injection-decision.js";
import type { InjectionSettings } from "./injection-settings.js";
import type { InjectionStatus } from "./injection-status.js";
import type { JsonObject } from "./json.js";
import { reportOtherMeshes } from "./other-annotations.js";
import { readPodKnobs } from "./pod-annotations.js";
import { identityVolume } from "./pod-identity.js";
import { STATUS_ANNOTATION } from "./pod-names.js";
import { childList, type PodParts, readPodParts } from "./pod-parts.js";
import { proxyContainer } from "./proxy-container.js";
import { rewriteProbes } from "./rewrite-probes.js";
import { secretsAnnotations, secretsVolume } from "./secrets-volume.js";

export type Injection =
  | { readonly kind: "injected"; readonly pod: JsonObject; readonly warnings: readonly Diagnostic[] }
  | ({ readonly kind: "skipped"; readonly warnings: readonly Diagnostic[] } & SkipReason)
  | { readonly kind: "refused"; readonly diagnostics: readonly Diagnostic[] };

export interface InjectionContext {
  readonly settings: InjectionSettings;
  readonly namespace: string;
  /** Random; with it the kubelet shows who it is. Who reads the pod knows it, so one for each is enough. */
  readonly token: string;
  /** What diagnostics name: the pod, or the object that it is a template of. */
  readonly object?: ObjectRef;
  /** The way from that object to the pod; empty for a pod. */
  readonly path?: Path;
}

/** The kernel takes no argument longer than 128 KiB. https://man7.org/linux/man-pages/man2/execve.2.html */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1024;

/**
 * A pod, or the template of one, with a sidecar. All that the user wrote stays, but for probes and hooks that the
 * kubelet sends by the network: the sidecar asks those in its place. Injecting twice is injecting once.
 */
export function inject(raw: unknown, context: InjectionContext): Injection {
  const { settings, namespace, path = [] } = context;
  const problems = createProblems(context.object);
  const pod = readPodParts(raw, path, problems);
  if (pod === undefined) return { kind: "refused", diagnostics: problems.list };

  const skip = reasonToSkip(pod, { namespace, rootNamespace: settings.rootNamespace }, { path, problems });
  if (problems.hasErrors) return { kind: "refused", diagnostics: problems.list };
  if (skip !== undefined) return { kind: "skipped", ...skip, warnings: problems.list };

  const inAnnotations = { path: [...path, "metadata", "annotations"], problems };
  const knobs = readPodKnobs(pod.annotations, settings, inAnnotations);
  reportOtherMeshes(pod.annotations, inAnnotations);
  const capturesDns = knobs.interception.dns !== undefined;
  reportConflicts(pod, capturesDns, { path, problems });
  const app = rewrittenApp(pod, knobs.rewritesProbes, { token: context.token, path, problems });
  const { proxy, interception } = knobs;
  const { token } = context;
  const sidecar = proxyContainer({ settings, proxy, labels: pod.labels, kubelet: { token, probes: app.probes } });
  const tooLong = childTexts(sidecar, "args").some((text) => Buffer.byteLength(text) > MAX_ARGUMENT_BYTES);
  if (tooLong)
    problems.error([...path, "spec", "containers"], "TooLarge", "have too many probes", "use fewer, or shorter paths");
  if (problems.hasErrors) return { kind: "refused", diagnostics: problems.list };

  const { imagePullPolicy } = proxy;
  const init = initContainer(interception, {
    image: settings.initImage,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
  });
  const status: InjectionStatus = {
    version: 1,
    proxyImage: proxy.image,
    interception: "redirect",
    capturesDns,
    rewrittenProbes: app.probes.map(({ name }) => name),
  };
  const injected: JsonObject = {
    ...(raw as JsonObject),
    metadata: {
      ...pod.metadata,
      annotations: {
        ...pod.annotations,
        ...secretsAnnotations(),
        ...(capturesDns ? { [DNS_ANNOTATION]: "true" } : {}),
        [STATUS_ANNOTATION]: JSON.stringify(status),
      },
    },
    spec: {
      ...pod.spec,
      ...pullSecrets(pod.spec, settings.imagePullSecrets),
      // Before those of the user, which are in the mesh then, as with Istio's native sidecars.
      initContainers: [init, sidecar, ...app.initContainers],
      containers: app.containers,
      volumes: [...pod.volumes, identityVolume(), secretsVolume()],
    },
  };
  return { kind: "injected", pod: injected, warnings: problems.list };
}

function rewrittenApp(
  { containers, initContainers, spec: _ }: PodParts,
  rewrites: boolean,
  { path, ...rest }: Parameters<typeof rewriteProbes>[1],
) {
  if (!rewrites) return { containers, initContainers, probes: [] };
  const inSpec = (list: string) => ({ ...rest, path: [...path, "spec", list] });
  const init = rewriteProbes(initContainers, inSpec("initContainers"));
  const main = rewriteProbes(containers, inSpec("containers"));
  return {
    containers: main.containers,
    initContainers: init.containers,
    probes: [...init.probes, ...main.probes],
  };
}

function pullSecrets(spec: JsonObject, names: readonly string[]): JsonObject {
  const present = childList(spec, "imagePullSecrets");
  const missing = names.filter((name) => !present.some((secret) => secret.name === name));
  return missing.length === 0 ? {} : { imagePullSecrets: [...present, ...missing.map((name) => ({ name }))] };
}

function childTexts(parent: JsonObject, key: string): readonly string[] {
  const value = parent[key];
  return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
}
