import type { Labels } from "../model/selector.js";
import type { Resolution, Service, ServicePort } from "../model/service.js";
import type { ServiceEntry } from "../model/service-entry.js";
import { readIp, readIpBlock, readIpOrHost } from "./addresses.js";
import { EVERYBODY, readExportNamespaces } from "./export-to.js";
import {
  child,
  type Field,
  type ObjectFields,
  type Reader,
  readList,
  readObject,
  readOneOf,
  readPort,
  readString,
  refuse,
  show,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";
import { portProtocol, protocolNamed } from "./port-protocol.js";
import { readServiceEndpoint } from "./service-endpoint.js";

type ResolutionWord = "NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN";

/**
 * A networking.istio.io ServiceEntry: hosts that no core/v1 Service has.
 * https://istio.io/latest/docs/reference/config/networking/service-entry/
 */
export function readServiceEntry({ namespace, name }: Metadata): Reader<ServiceEntry> {
  return readObject((fields, field) => {
    const hosts = fields.required("hosts", readList(readEntryHost, { min: 1, max: 256 }), "list the hosts");
    const addresses = fields.optional("addresses", readList(readIpBlock, { max: 64 })) ?? [];
    const ports = fields.required("ports", readList(readEntryPort, { min: 1, max: 100 }), "list the ports");
    const external = fields.optional("location", readOneOf(["MESH_EXTERNAL", "MESH_INTERNAL"])) !== "MESH_INTERNAL";
    const word = fields.optional("resolution", readResolutionWord) ?? "NONE";
    const selector = fields.optional("workloadSelector", readWorkloadSelector);
    const resolution = readResolution(fields, field, word, selector);
    const exportTo = fields.optional("exportTo", readExportNamespaces(namespace)) ?? EVERYBODY;
    const subjectAltNames = fields.optional("subjectAltNames", readList(readString(512), { max: 100 })) ?? [];
    if (hosts === undefined || ports === undefined || resolution === undefined) return undefined;
    checkHosts(hosts, field, resolution);
    checkPorts(ports, field);
    if (field.problems.hasErrors) return undefined;
    const servicePorts = ports.flatMap(toServicePort);
    const shared: Omit<Service, "host"> = {
      namespace,
      name,
      ports: servicePorts,
      selector: selector ?? {},
      addresses,
      exportTo,
      location: external ? "external" : "internal",
      resolution,
      subjectAltNames,
    };
    return { namespace, name, services: hosts.map((host) => ({ ...shared, host })) };
  });
}

const readResolutionWord: Reader<ResolutionWord> = readOneOf(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN"], {
  DYNAMIC_DNS: "use NONE, with which the address that the caller chose is called",
});

/** A DNS name, with `*.` in front for all names below it. */
const readEntryHost: Reader<string> = (field) => {
  const host = readString(255)(field);
  if (host === undefined) return undefined;
  if (host === "*") {
    const hint =
      "name a domain, for example *.example.com; what no entry names is allowed or refused by the mesh policy";
    return refuse(field, "InvalidHost", "is * alone, which would be every host there is", hint);
  }
  const rest = host.startsWith("*.") ? host.slice(2) : host;
  return readDnsSubdomain({ ...field, value: rest }) === undefined ? undefined : host;
};

const readWorkloadSelector: Reader<Labels> = readObject((fields) =>
  fields.required("labels", readLabels, "name the labels of the workloads behind it"),
);

interface EntryPort {
  readonly field: Field;
  readonly name: string;
  readonly port?: number;
  readonly targetPort?: number;
  readonly protocol: string | undefined;
}

const readEntryPort: Reader<EntryPort> = readObject((fields, field) => {
  const port = fields.required("number", readPort, "give the number of the port");
  const name = fields.required("name", readDnsLabel, "give the port a name");
  const protocol = fields.optional("protocol", readString(64));
  const targetPort = fields.optional("targetPort", readPort);
  fields.belongElsewhere({ port: "write number", appProtocol: "write protocol" });
  return {
    field,
    name: name ?? "",
    protocol,
    ...(port !== undefined && { port }),
    ...(targetPort !== undefined && { targetPort }),
  };
});

function toServicePort({ field, name, port, targetPort, protocol }: EntryPort): ServicePort[] {
  if (port === undefined) return [];
  if (protocol !== undefined && /^(udp|sctp)$/i.test(protocol)) {
    const message = `is ${protocol}; traffic of this port passes by the mesh`;
    field.problems.warning([...field.path, "protocol"], "UnsupportedProtocol", message, "nothing, if that is meant");
    return [];
  }
  const known = protocol === undefined ? undefined : protocolNamed(protocol);
  if (protocol !== undefined && known === undefined)
    field.problems.warning(
      [...field.path, "protocol"],
      "UnknownProtocol",
      `${show(protocol)} is not known, so the port is treated as TCP`,
      "use HTTP, HTTP2, GRPC, HTTPS, TLS, TCP, MONGO, MYSQL or REDIS",
    );
  const unknown = protocol === undefined ? portProtocol(field, { name, port }) : "tcp";
  return [{ name, port, targetPort: targetPort ?? port, protocol: known ?? unknown }];
}

/** By the word, with the endpoints or the selector that belong to it. */
function readResolution(
  fields: ObjectFields,
  field: Field,
  word: ResolutionWord,
  selector: Labels | undefined,
): Resolution | undefined {
  const isDns = word === "DNS" || word === "DNS_ROUND_ROBIN";
  const max = word === "DNS_ROUND_ROBIN" ? 1 : 1000;
  const read = readList(readServiceEndpoint(isDns ? readIpOrHost : readIp), { max });
  const endpoints = fields.optional("endpoints", read) ?? [];
  const at = (name: string) => child(field, name, undefined);
  if (selector !== undefined) {
    if (endpoints.length > 0)
      return refuse(at("endpoints"), "InvalidValue", "stands beside workloadSelector", "keep one of the two");
    if (word === "STATIC") return { kind: "workloads" };
    const hint = word === "NONE" ? "write resolution: STATIC" : "write resolution: STATIC; workloads have IP addresses";
    return refuse(at("resolution"), "InvalidValue", `is ${word}, with a workloadSelector`, hint);
  }
  if (word === "NONE") {
    if (endpoints.length === 0) return { kind: "original" };
    const hint = "write resolution: STATIC or DNS, or remove the endpoints";
    return refuse(at("endpoints"), "InvalidValue", "are there, and with resolution NONE nobody calls them", hint);
  }
  if (isDns) return { kind: "dns", lookup: word === "DNS" ? "strict" : "logical", endpoints };
  // A warning beside an error about the endpoints would mislead.
  if (endpoints.length === 0 && !field.problems.hasErrors)
    field.problems.warning(
      [...field.path, "endpoints"],
      "NoEndpoints",
      "is missing or empty, so nothing answers for the hosts",
      "list endpoints, or name the labels of workloads by workloadSelector",
    );
  return { kind: "static", endpoints };
}

function checkHosts(hosts: readonly string[], field: Field, resolution: Resolution): void {
  hosts.forEach((host, index) => {
    const place = child(child(field, "hosts", hosts), index, host);
    if (hosts.indexOf(host) !== index) refuse(place, "DuplicateName", `${show(host)} is there twice`, "list it once");
    if (host.startsWith("*.") && resolution.kind === "dns" && resolution.endpoints.length === 0)
      refuse(
        place,
        "InvalidHost",
        `${show(host)} has no address in DNS`,
        "write resolution: NONE, list endpoints, or name the hosts one by one",
      );
  });
}

function checkPorts(ports: readonly EntryPort[], field: Field): void {
  ports.forEach(({ name, port, field: own }, index) => {
    if (name !== "" && ports.findIndex((other) => other.name === name) !== index)
      refuse(child(own, "name", name), "DuplicateName", `${show(name)} is used by two ports`, "give each its own name");
    if (port !== undefined && ports.findIndex((other) => other.port === port) !== index)
      refuse(child(own, "number", port), "DuplicatePort", `${port} is used twice`, "list each port once");
  });
  if (ports.length > 0 && ports.every(({ protocol }) => protocol !== undefined && /^(udp|sctp)$/i.test(protocol)))
    field.problems.warning(
      [...field.path, "ports"],
      "NoTcpPort",
      "has no TCP port, so the mesh does nothing for these hosts",
      "add a TCP port or leave the ServiceEntry out",
    );
}
