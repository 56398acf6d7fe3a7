import { isIP } from "node:net";
import type { Node, Pod } from "../model/pod.js";
import type { Workload } from "../model/workload.js";
import { isObject, type Reader } from "./fields.js";
import { labelledLocality } from "./locality.js";
import type { Metadata } from "./metadata.js";

/** Annotation: JSON that says what was injected. A pod that has it, and the containers, is left as it is. */
export const SIDECAR_STATUS_ANNOTATION = "weft.mesh/status";

/** The sidecar: an init container that stays (`restartPolicy: Always`). */
export const SIDECAR_CONTAINER = "weft-proxy";

/**
 * A core/v1 Pod. Its spec is for the cluster to judge; the mesh takes what it has a use for, and all else is left alone.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
export function readPod(metadata: Metadata): Reader<Pod> {
  return ({ value }) => {
    const { spec, status } = objectAt(value);
    const { namespace, name } = metadata;
    const workload = workloadOf(metadata, objectAt(spec), objectAt(status), uidOf(value));
    return { namespace, name, node: textAt(spec, "nodeName"), ...(workload === undefined ? {} : { workload }) };
  };
}

function workloadOf(
  { namespace, name, labels, annotations }: Metadata,
  spec: Fields,
  status: Fields,
  uid: string,
): Workload | undefined {
  // A Job's pod stays as an object when nothing runs any more, and its address may be another pod's.
  if (status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const address = textAt(status, "podIP");
  if (isIP(address) === 0) return undefined;
  const sidecar = sidecarOf(annotations, spec);
  const locality = labelledLocality(labels);
  return {
    ...{ namespace, name, uid, address, labels },
    serviceAccount: textAt(spec, "serviceAccountName") || "default",
    ports: {},
    weight: 1,
    hasSidecar: sidecar !== undefined,
    // Every pod but one on its node's network has a network of its own, whether or not somebody intercepts there.
    interception: "redirect",
    capturesDns: sidecar?.capturesDns === true,
    ...(locality === undefined ? {} : { locality }),
    pod: { ports: portsOf(spec), node: textAt(spec, "nodeName") },
  };
}

/** What the injector says that it put into the pod; undefined when the sidecar is not there. */
function sidecarOf(annotations: Metadata["annotations"], spec: Fields): Fields | undefined {
  const text = annotations[SIDECAR_STATUS_ANNOTATION];
  const containers = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")];
  if (text === undefined || spec.hostNetwork === true || !containers.some((c) => c.name === SIDECAR_CONTAINER))
    return undefined;
  try {
    return objectAt(JSON.parse(text));
  } catch {
    return {};
  }
}

/** The ports that containers declare by name, the sidecar's aside. Names are unique within a pod. */
function portsOf(spec: Fields): Readonly<Record<string, number>> {
  const containers = [...listAt(spec, "containers"), ...listAt(spec, "initContainers")];
  const ports = containers
    .filter(({ name }) => name !== SIDECAR_CONTAINER)
    .flatMap((container) => listAt(container, "ports"))
    .flatMap(({ name, containerPort }): [string, number][] =>
      typeof name === "string" && typeof containerPort === "number" ? [[name, containerPort]] : [],
    );
  return Object.fromEntries(ports.reverse());
}

/**
 * A core/v1 Node, of which its labels tell where its pods are.
 * https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone
 */
export function readNode({ name, labels }: Metadata): Reader<Node> {
  const locality = labelledLocality(labels);
  return () => ({ namespace: "", name, ...(locality === undefined ? {} : { locality }) });
}

type Fields = Readonly<Record<string, unknown>>;

function objectAt(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function listAt(fields: Fields, name: string): readonly Fields[] {
  const list = fields[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function textAt(fields: unknown, name: string): string {
  const text = objectAt(fields)[name];
  return typeof text === "string" ? text : "";
}

function uidOf(value: unknown): string {
  return textAt(objectAt(value).metadata, "uid");
}
