import { X509Certificate } from "node:crypto";
import { isIPv4 } from "node:net";
import { type Callout, type CalloutTls, isAddress } from "../model/callout.js";
import { child, type Reader, readList, readObject, readOneOf, readPort, readString, refuse, show } from "./fields.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";

const MAX_CALLOUTS = 50;
const MAX_PEM_LENGTH = 64 * 1024;

interface Wire {
  readonly protocol: Callout["protocol"];
  readonly tls: boolean;
}

const PROTOCOLS: Readonly<Record<"HTTP" | "HTTP2" | "GRPC" | "HTTPS" | "GRPCS", Wire>> = {
  HTTP: { protocol: "http", tls: false },
  HTTP2: { protocol: "http2", tls: false },
  GRPC: { protocol: "http2", tls: false },
  HTTPS: { protocol: "http", tls: true },
  GRPCS: { protocol: "http2", tls: true },
};

/** The servers that a plugin may call. Their names are unique. */
export const readCallouts: Reader<Callout[]> = (field) => {
  const callouts = readList(readCallout, { max: MAX_CALLOUTS })(field);
  callouts?.forEach(({ name }, position) => {
    if (name === "" || callouts.findIndex((other) => other.name === name) === position) return;
    const place = child(child(field, position, undefined), "name", name);
    refuse(
      place,
      "DuplicateName",
      `${show(name)} is the name of another callout too`,
      "give each callout its own name",
    );
  });
  return callouts;
};

const readCallout: Reader<Callout> = readObject((fields, field) => {
  const name = fields.required("name", readDnsLabel, "name the callout; the plugin calls it by this name");
  const host = fields.required("host", readCalloutHost, "name the Service or the server that is called");
  const port = fields.required("port", readPort, "write the server's port; of a Service, the Service's");
  const words = Object.keys(PROTOCOLS) as (keyof typeof PROTOCOLS)[];
  const word = fields.required(
    "protocol",
    readOneOf(words, { TCP: "use one of HTTP, HTTP2, GRPC, HTTPS, GRPCS; plugins make HTTP and gRPC calls" }),
    `write one of ${words.join(", ")}`,
  );
  const tls = fields.optional("tls", readCalloutTls);
  const wire = word === undefined ? undefined : PROTOCOLS[word];
  if (wire?.tls === false && fields.has("tls"))
    refuse(
      child(field, "tls", undefined),
      "ConflictingFields",
      `is for TLS, and ${word} is without`,
      "use HTTPS or GRPCS, or remove tls; between sidecars of the mesh there is mTLS anyway",
    );
  return {
    name: name ?? "",
    host: host ?? "",
    port: port ?? 0,
    protocol: wire?.protocol ?? "http",
    ...(wire?.tls === true ? { tls: tls ?? {} } : {}),
  };
});

export const readCalloutHost: Reader<string> = (field) => {
  const host = readString(253)(field);
  if (host === undefined) return undefined;
  if (host.includes(":"))
    return refuse(
      field,
      "InvalidHost",
      `${show(host)} is not a host`,
      "write a name or an IPv4 address, and the port under port",
    );
  if (isAddress(host) && !isIPv4(host))
    return refuse(field, "InvalidHost", `${show(host)} is not an address`, "write four numbers from 0 to 255");
  return isAddress(host) ? host : readDnsSubdomain(field);
};

export const readCalloutTls: Reader<CalloutTls> = readObject((fields) => {
  const sni = fields.optional("sni", readDnsSubdomain);
  const caCertificates = fields.optional("caCertificates", readCertificates);
  return { ...(sni !== undefined && { sni }), ...(caCertificates !== undefined && { caCertificates }) };
});

/** One certificate or more. Messages never show the text, which may be a key by mistake. */
const readCertificates: Reader<string> = (field) => {
  const text = readString(MAX_PEM_LENGTH)(field);
  if (text === undefined) return undefined;
  const hint = "write the CA certificates as PEM, from -----BEGIN CERTIFICATE----- on";
  if (text.includes("PRIVATE KEY"))
    return refuse(field, "InvalidCertificate", "has a private key in it", "remove the key, and take it for known");
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > 0 && blocks.every(isCertificate)) return `${blocks.join("\n")}\n`;
  return refuse(field, "InvalidCertificate", "is not a list of certificates", hint);
};

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
