import { isIP } from "node:net";
import type { EndpointSlice, SliceEndpoint } from "../model/endpoint-slice.js";
import { serviceHost } from "../model/service.js";
import { isObject, type Reader } from "./fields.js";
import type { Metadata } from "./metadata.js";

const SERVICE_LABEL = "kubernetes.io/service-name";

/**
 * A discovery.k8s.io EndpointSlice, which the cluster writes. One of another form than the mesh knows has no endpoints
 * for it, and a port of another protocol than TCP is none of its matters.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
 */
export function readEndpointSlice({ namespace, name, labels }: Metadata): Reader<EndpointSlice> {
  return ({ value }) => {
    const slice = isObject(value) ? value : {};
    const service = labels[SERVICE_LABEL] ?? "";
    const { addressType } = slice;
    return {
      namespace,
      name,
      // One without the label is nobody's.
      host: service === "" ? "" : serviceHost(service, namespace),
      family: addressType === "IPv6" ? "IPv6" : "IPv4",
      ports: Object.fromEntries(recordsOf(slice.ports).flatMap(portOf)),
      // Names are for DNS to resolve, which the type is deprecated for.
      endpoints:
        addressType === "FQDN" ? [] : recordsOf(slice.endpoints).flatMap((endpoint) => endpointOf(endpoint, namespace)),
    };
  };
}

function portOf({ name, port, protocol }: Readonly<Record<string, unknown>>): [string, number][] {
  if (typeof port !== "number" || (protocol ?? "TCP") !== "TCP") return [];
  return [[typeof name === "string" ? name : "", port]];
}

function endpointOf(endpoint: Readonly<Record<string, unknown>>, namespace: string): SliceEndpoint[] {
  const { conditions, targetRef, addresses } = endpoint;
  const { ready, serving, terminating } = isObject(conditions) ? conditions : ({} as Record<string, unknown>);
  // What is not said counts as ready.
  const isReady = ready !== false;
  const isLeaving = !isReady && serving === true && terminating === true;
  // More addresses than one of an endpoint are for nothing by now.
  const address = Array.isArray(addresses) ? addresses[0] : undefined;
  if (!(isReady || isLeaving) || typeof address !== "string" || isIP(address) === 0) return [];
  const pod = isObject(targetRef) && targetRef.kind === "Pod" ? targetRef.name : undefined;
  return [{ address, isLeaving, ...(typeof pod === "string" ? { pod: `${namespace}/${pod}` } : {}) }];
}

function recordsOf(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
