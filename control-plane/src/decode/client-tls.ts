import type { ClientTls, ServerTls } from "../model/traffic-policy.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readBoolean,
  readList,
  readObject,
  readOneOf,
  readString,
  refuse,
  show,
} from "./fields.js";

/** The word that stands for the certificates of public servers, in the place of a file. */
const PUBLIC = "system";

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings */
export const readClientTls: Reader<ClientTls> = readObject((fields, field) => {
  fields.unsupported({
    caCrl: "remove it; revocation lists are not read",
    credentialName: "name files of the sidecar's machine: caCertificates, clientCertificate, privateKey",
  });
  const mode = fields.required("mode", readOneOf(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]));
  const subjectAltNames = fields.optional("subjectAltNames", readList(readString(2048), { max: 100 })) ?? [];
  const sni = fields.optional("sni", readString(253));
  const caCertificates = fields.optional("caCertificates", readFile);
  const insecureSkipVerify = fields.optional("insecureSkipVerify", readBoolean) ?? false;
  const chainPath = fields.optional("clientCertificate", readFile);
  const keyPath = fields.optional("privateKey", readFile);
  switch (mode) {
    case undefined:
      return undefined;
    case "DISABLE":
      refuseBeside(fields, field, mode, [...OF_CLIENT, ...OF_SERVER, "subjectAltNames"]);
      return { mode };
    case "ISTIO_MUTUAL":
      refuseBeside(fields, field, mode, [...OF_CLIENT, ...OF_SERVER]);
      return { mode, subjectAltNames };
    case "SIMPLE":
      refuseBeside(fields, field, mode, OF_CLIENT);
      break;
    case "MUTUAL":
      for (const name of OF_CLIENT)
        if (!fields.has(name) && !fields.has("credentialName"))
          fields.required(name, readFile, "name the caller's own file, by an absolute path");
  }
  if (insecureSkipVerify && (fields.has("caCertificates") || subjectAltNames.length > 0))
    refuse(
      { ...field, path: [...field.path, "insecureSkipVerify"] },
      "Contradiction",
      "switches off the check that caCertificates and subjectAltNames ask for",
      "remove it, or remove them",
    );
  return {
    mode,
    subjectAltNames,
    trust: trustOf(insecureSkipVerify, caCertificates),
    ...(sni !== undefined && { sni }),
    ...(chainPath !== undefined && keyPath !== undefined && { certificate: { chainPath, keyPath } }),
  };
});

const OF_CLIENT = ["clientCertificate", "privateKey"];
const OF_SERVER = ["caCertificates", "insecureSkipVerify", "sni"];

function trustOf(insecureSkipVerify: boolean, caCertificates: string | undefined): ServerTls["trust"] {
  if (insecureSkipVerify) return { kind: "nobody" };
  if (caCertificates === undefined || caCertificates === PUBLIC) return { kind: "public" };
  return { kind: "file", path: caCertificates };
}

/** Names a file of the machine that the sidecar runs on. */
const readFile: Reader<string> = (field) => {
  const path = readString(4096)(field);
  if (path === undefined || path.startsWith("/")) return path;
  if (path === PUBLIC && field.path.at(-1) === "caCertificates") return path;
  return refuse(
    field,
    "InvalidValue",
    `${show(path)} is not an absolute path`,
    "write the path of the file on the sidecar's machine, beginning with /",
  );
};

function refuseBeside(fields: ObjectFields, field: Field, mode: string, names: readonly string[]): void {
  for (const name of names) {
    if (!fields.has(name)) continue;
    const place = { ...field, path: [...field.path, name] };
    refuse(place, "Contradiction", `says nothing in mode ${mode}`, "remove it, or use another mode");
  }
}
