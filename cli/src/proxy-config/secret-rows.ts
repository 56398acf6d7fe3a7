import { X509Certificate } from "node:crypto";
import type { DumpedResource } from "./config-dump.js";
import { at, type Json, text } from "./json.js";

/** One certificate that a proxy shows or trusts. Private keys are never read. */
export interface SecretRow {
  readonly secret: string;
  /** Whether the proxy shows it as its own, or trusts what it signed. */
  readonly use: "own" | "trusted";
  /** SPIFFE ids of a leaf, else the subject. */
  readonly subject: string;
  readonly serial: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly origin: DumpedResource["origin"];
}

/** The certificates of all secrets, each chain from the leaf up. */
export function secretRows(secrets: readonly DumpedResource[]): SecretRow[] {
  return secrets.flatMap(({ origin, value }) => {
    const secret = text(at(value, "name"));
    const own = certificates(at(value, "tls_certificate", "certificate_chain"));
    const trusted = certificates(at(value, "validation_context", "trusted_ca"));
    return [
      ...own.map((certificate) => ({ secret, origin, use: "own" as const, ...described(certificate) })),
      ...trusted.map((certificate) => ({ secret, origin, use: "trusted" as const, ...described(certificate) })),
    ];
  });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificates(source: Json): X509Certificate[] {
  const bytes = text(at(source, "inline_bytes"));
  const pem = bytes === "" ? text(at(source, "inline_string")) : Buffer.from(bytes, "base64").toString("utf8");
  return (pem.match(CERTIFICATE) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      // Envoy would not have taken it; what it shows in its place has nothing to tell.
      return [];
    }
  });
}

function described(certificate: X509Certificate): Pick<SecretRow, "subject" | "serial" | "notBefore" | "notAfter"> {
  const uris = (certificate.subjectAltName ?? "")
    .split(", ")
    .flatMap((name) => (name.startsWith("URI:") ? name.slice(4) : []));
  return {
    subject: uris.length > 0 ? uris.join(" ") : certificate.subject.replaceAll("\n", ", "),
    serial: certificate.serialNumber,
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  };
}
