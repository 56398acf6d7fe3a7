import type { Labels } from "../model/selector.js";
import { type Resolution, type Service, type ServicePort, serviceHost } from "../model/service.js";
import { readIp } from "./addresses.js";
import { EVERYBODY, exportNamespaces } from "./export-to.js";
import {
  type Field,
  isObject,
  type ObjectFields,
  type Reader,
  readAnyString,
  readBoolean,
  readList,
  readObject,
  readOneOf,
  readPort,
  refuse,
  show,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";
import { portProtocol } from "./port-protocol.js";

/** Fields by which a cluster, not the mesh, makes a Service reachable. Without a cluster nothing acts on them. */
const CLUSTER_FIELDS = [
  "allocateLoadBalancerNodePorts",
  "externalIPs",
  "externalTrafficPolicy",
  "healthCheckNodePort",
  "loadBalancerClass",
  "loadBalancerIP",
  "loadBalancerSourceRanges",
  "nodePort",
];

/**
 * A core/v1 Service. Ports that are not TCP are left out with a warning, because the mesh does not touch their traffic.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
 */
export function readService(metadata: Metadata, standalone: boolean): Reader<Service> {
  return readObject((fields, field) => {
    const { namespace, name } = metadata;
    readDnsLabel({ value: name, path: ["metadata", "name"], problems: field.problems });
    readReachability(fields, field, standalone);
    const externalName = readExternalName(fields, field, standalone);
    const isExternal = externalName !== undefined;
    const selector = fields.optional("selector", readLabels) ?? {};
    const addresses = readAddresses(fields, field);
    const exportTo = readVisibility(metadata, field);
    const list = readList(readPortFields(standalone), { min: isExternal ? 0 : 1, max: 100 });
    const ports = isExternal
      ? (fields.optional("ports", list) ?? [])
      : fields.required("ports", list, "list the ports of the Service");
    if (ports === undefined) return undefined;
    checkPorts(ports, field, standalone);
    // Warnings about ports that could not be read would mislead.
    if (field.problems.hasErrors) return undefined;
    return {
      namespace,
      name,
      host: serviceHost(name, namespace),
      ports: ports.flatMap((port) => toServicePort(port, standalone)),
      selector: isExternal ? {} : selector,
      addresses: addresses === "None" ? [] : addresses,
      exportTo,
      location: "internal",
      resolution: isExternal
        ? { kind: "externalName", host: externalName }
        : selectorResolution(selector, addresses === "None", field, standalone),
      subjectAltNames: [],
    };
  });
}

function selectorResolution(selector: Labels, headless: boolean, field: Field, standalone: boolean): Resolution {
  // In a cluster EndpointSlices say who answers, also where somebody else than the cluster writes them.
  if (!standalone || Object.keys(selector).length > 0) return { kind: headless ? "headless" : "workloads" };
  field.problems.warning(
    [...field.path, "selector"],
    "NoEndpoints",
    "is missing or empty, so nothing answers for the Service",
    "name the labels of the workloads behind it, or write a ServiceEntry with endpoints",
  );
  return { kind: "static", endpoints: [] };
}

/** The host behind a Service of type ExternalName. */
function readExternalName(fields: ObjectFields, field: Field, standalone: boolean): string | undefined {
  const type = fields.optional("type", readOneOf(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]));
  if (standalone && (type === "NodePort" || type === "LoadBalancer")) warnNoEffect(field, "type", `is ${type}`);
  const place = { ...field, path: [...field.path, "externalName"] };
  if (type !== "ExternalName") {
    if (fields.optional("externalName", readDnsSubdomain) !== undefined)
      refuse(place, "InvalidValue", "is set, and type is not ExternalName", "add type: ExternalName, or remove it");
    return undefined;
  }
  return fields.required("externalName", readDnsSubdomain, "name the host that it stands for");
}

/** The virtual addresses; `None` of a headless Service. */
function readAddresses(fields: ObjectFields, field: Field): readonly string[] | "None" {
  const readAddress: Reader<string> = (place) => (place.value === "None" ? "None" : readIp(place));
  const first = fields.optional("clusterIP", (place) => (place.value === "" ? "" : readAddress(place)));
  const all = fields.optional("clusterIPs", readList(readAddress, { max: 2 })) ?? [];
  if (first !== undefined && first !== "" && all.length > 0 && all[0] !== first) {
    const place = { ...field, path: [...field.path, "clusterIPs"] };
    refuse(
      place,
      "InvalidValue",
      "does not begin with clusterIP",
      "write the same address first, or remove one of both",
    );
  }
  const addresses = all.length > 0 ? all : first === undefined || first === "" ? [] : [first];
  return addresses.includes("None") ? "None" : addresses;
}

/** Annotation with the namespaces that see a Service, as Istio reads it. */
const EXPORT_ANNOTATION = "networking.istio.io/exportTo";

function readVisibility({ namespace, annotations }: Metadata, { problems }: Field): readonly string[] {
  const text = annotations[EXPORT_ANNOTATION];
  if (text === undefined) return EVERYBODY;
  const place = { value: text, path: ["metadata", "annotations", EXPORT_ANNOTATION], problems };
  return exportNamespaces(text, namespace)(place) ?? EVERYBODY;
}

function readReachability(fields: ObjectFields, field: Field, standalone: boolean): void {
  fields.ignore(["ipFamilies", "ipFamilyPolicy"]);
  readClusterFields(fields, field, standalone);
  if (standalone) readBalancing(fields);
  else readClusterBalancing(fields, field);
  // Without probes every workload that is written down counts as ready.
  fields.optional("publishNotReadyAddresses", readBoolean);
}

function readBalancing(fields: ObjectFields): void {
  fields.optional("internalTrafficPolicy", readOneOf(["Cluster"], { Local: "remove internalTrafficPolicy" }));
  fields.optional("sessionAffinity", readOneOf(["None"], { ClientIP: "remove sessionAffinity" }));
  fields.unsupported({
    sessionAffinityConfig: "remove sessionAffinityConfig",
    trafficDistribution: "remove trafficDistribution",
  });
}

/** A cluster's Service stays in the mesh with what the mesh does otherwise than kube-proxy: the reader is told. */
function readClusterBalancing(fields: ObjectFields, field: Field): void {
  const balancing = ["internalTrafficPolicy", "sessionAffinity", "trafficDistribution"] as const;
  fields.ignore([...balancing, "sessionAffinityConfig"]);
  const values = isObject(field.value) ? field.value : {};
  for (const name of balancing) {
    const value = values[name];
    if (value === undefined || value === "Cluster" || value === "None") continue;
    field.problems.warning(
      [...field.path, name],
      "NoEffect",
      `is ${show(value)}, which callers with a sidecar do not follow`,
      "write a DestinationRule for the host: consistentHash for affinity, localityLbSetting for nearness",
    );
  }
}

function readClusterFields(fields: ObjectFields, field: Field, standalone: boolean): void {
  fields.ignore(CLUSTER_FIELDS);
  if (!standalone) return;
  for (const name of CLUSTER_FIELDS) if (fields.has(name)) warnNoEffect(field, name, "is set");
}

function warnNoEffect(field: Field, name: string, what: string): void {
  const message = `${what}, which has no effect without a cluster`;
  field.problems.warning([...field.path, name], "NoEffect", message, "remove the field, or leave it for the cluster");
}

interface PortFields {
  readonly field: Field;
  readonly name?: string;
  readonly port?: number;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

const readPortFields = (standalone: boolean): Reader<PortFields> =>
  readObject((fields, field) => {
    readClusterFields(fields, field, standalone);
    const name = fields.optional("name", readDnsLabel);
    const port = fields.required("port", readPort, "give the number of the port that callers use");
    const targetPort = fields.optional("targetPort", readTargetPort);
    const appProtocol = fields.optional("appProtocol", readAnyString(256));
    const protocol = fields.optional("protocol", readOneOf(["TCP", "UDP", "SCTP"])) ?? "TCP";
    return {
      field,
      protocol,
      ...(name !== undefined && { name }),
      ...(port !== undefined && { port }),
      ...(targetPort !== undefined && { targetPort }),
      ...(appProtocol !== undefined && { appProtocol }),
    };
  });

const readTargetPort: Reader<number | string> = (field) =>
  typeof field.value === "string" && !/^\d+$/.test(field.value) ? readDnsLabel(field) : readPort(field);

function checkPorts(ports: readonly PortFields[], list: Field, standalone: boolean): void {
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const { field, name, port, protocol } of ports) {
    const path = (part: string) => ({ ...field, path: [...field.path, part] });
    if (name === undefined && ports.length > 1)
      refuse(path("name"), "MissingField", "is missing", "name every port of a Service that has several");
    if (name !== undefined && names.has(name))
      refuse(path("name"), "DuplicateName", `${show(name)} is used by two ports`, "give each port a name of its own");
    if (port !== undefined && numbers.has(`${protocol} ${port}`))
      refuse(path("port"), "DuplicatePort", `${port} is used twice`, "list each port once");
    if (name !== undefined) names.add(name);
    if (port !== undefined) numbers.add(`${protocol} ${port}`);
  }
  if (standalone && ports.length > 0 && ports.every(({ protocol }) => protocol !== "TCP"))
    list.problems.warning(
      [...list.path, "ports"],
      "NoTcpPort",
      "has no TCP port, so the mesh does nothing for this Service",
      "add a TCP port or leave the Service out of the folder",
    );
}

function toServicePort(fields: PortFields, standalone: boolean): ServicePort[] {
  const { field, name = "", port, targetPort, appProtocol, protocol } = fields;
  if (port === undefined) return [];
  if (protocol !== "TCP") {
    // In a cluster there are such everywhere, the cluster's own DNS before all.
    if (standalone)
      field.problems.warning(
        [...field.path, "protocol"],
        "UnsupportedProtocol",
        `is ${protocol}; traffic of this port passes by the mesh`,
        "nothing, if that is meant",
      );
    return [];
  }
  if (standalone && typeof targetPort === "string")
    field.problems.warning(
      [...field.path, "targetPort"],
      "NamedTargetPort",
      `${show(targetPort)} is a name, which nothing resolves outside a cluster`,
      `give its number, or set ports.${name === "" ? "<name of the Service's port>" : name} in every WorkloadEntry (${port} is used where it is missing)`,
    );
  return [
    {
      name,
      port,
      targetPort: typeof targetPort === "number" ? targetPort : port,
      ...(typeof targetPort === "string" ? { targetPortName: targetPort } : {}),
      protocol: portProtocol(field, { name, port, appProtocol }),
    },
  ];
}
