import type { EgressHost, Sidecar } from "../model/sidecar.js";
import { type Reader, readList, readObject, readOneOf, readString, refuse, show } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readHost, readLabels } from "./names.js";
import { readOutboundPolicy } from "./outbound-policy.js";

const LISTENER_HINT = "remove it; hosts are in scope on all of their ports";
const CAPTURE_HINT = "remove it; how traffic is captured is the matter of the interception of the workload";
const HOST_HINT = "write namespace/host, for example ./*, shop/*, */backend.shop.svc.cluster.local, or ~/* for nothing";

/**
 * A networking.istio.io Sidecar, of which the declared scope is supported: the hosts of `egress`.
 * https://istio.io/latest/docs/reference/config/networking/sidecar/
 */
export function readSidecar({ namespace, name }: Metadata): Reader<Sidecar> {
  return readObject((fields) => {
    fields.unsupported({
      ingress: "remove it; a workload is called on the ports of its Services",
      inboundConnectionPool: "remove it",
    });
    const selector = fields.optional("workloadSelector", readWorkloadSelector);
    const egress = fields.optional("egress", readList(readEgressListener(namespace), { max: 100 }));
    const outbound = fields.optional("outboundTrafficPolicy", readOutboundPolicy);
    return {
      namespace,
      name,
      ...(selector !== undefined && { selector }),
      ...(egress !== undefined && egress.length > 0 && { egress: egress.flat() }),
      ...(outbound !== undefined && { outbound }),
    };
  });
}

const readWorkloadSelector: Reader<Sidecar["selector"]> = readObject((fields) => {
  fields.belongElsewhere({ matchLabels: "write the labels below workloadSelector.labels" });
  const labels = fields.optional("labels", readLabels);
  return labels !== undefined && Object.keys(labels).length > 0 ? labels : undefined;
});

const readEgressListener = (namespace: string): Reader<readonly EgressHost[]> =>
  readObject((fields) => {
    fields.unsupported({ port: LISTENER_HINT, bind: LISTENER_HINT });
    fields.optional("captureMode", readOneOf(["DEFAULT"], { IPTABLES: CAPTURE_HINT, NONE: CAPTURE_HINT }));
    const hosts = fields.required("hosts", readList(readEgressHost(namespace), { min: 1 }), HOST_HINT);
    return hosts?.filter((host) => host !== NOTHING);
  });

const NOTHING = "~";

const readEgressHost =
  (own: string): Reader<EgressHost | typeof NOTHING> =>
  (field) => {
    const text = readString(512)(field);
    if (text === undefined) return undefined;
    const slash = text.indexOf("/");
    if (slash < 0) return refuse(field, "InvalidHost", `${show(text)} names no namespace`, HOST_HINT);
    const namespace = text.slice(0, slash);
    const host = text.slice(slash + 1);
    if (namespace === "~") {
      if (host === "*") return NOTHING;
      return refuse(field, "InvalidHost", `${show(text)} names a host in no namespace`, "write ~/* for nothing at all");
    }
    const isNamed = namespace !== "*" && namespace !== ".";
    if (isNamed && readDnsLabel({ ...field, value: namespace }) === undefined) return undefined;
    const matched = readHostPattern({ ...field, value: host });
    if (matched === undefined) return undefined;
    if (namespace === "*") return { host: matched };
    return { namespace: namespace === "." ? own : namespace, host: matched };
  };

const readHostPattern: Reader<EgressHost["host"]> = (field) => {
  const text = typeof field.value === "string" ? field.value : "";
  if (text === "*") return { kind: "any" };
  const suffix = text.startsWith("*.") ? text.slice(2) : undefined;
  const host = readHost({ ...field, value: suffix ?? text });
  if (host === undefined) return undefined;
  if (suffix !== undefined) return { kind: "suffix", value: `.${host}` };
  if (host.includes(".")) return { kind: "exact", value: host };
  const hint = `write the full name, for example ${host}.<namespace>.svc.cluster.local`;
  return refuse(field, "InvalidHost", `${show(host)} is a short name`, hint);
};
