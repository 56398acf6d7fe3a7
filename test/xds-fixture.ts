import { webcrypto } from "node:crypto";
import * as x509 from "../control-plane/src/identity/x509.js";
import type { ChangedNames, Resource, ResourceType, ResourceView } from "../control-plane/src/model/resource.js";
import type { Authentication, PeerCertificate, ResourceProvider } from "../control-plane/src/xds/provider.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** PEM. */
export interface IssuedCertificate {
  readonly privateKey: string;
  readonly certificateChain: string;
}

export interface TestAuthority {
  readonly rootCert: string;
  issue(options: { dns?: string; uris?: readonly string[]; ttlMs?: number }): Promise<IssuedCertificate>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const crypto = webcrypto;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=test root",
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    crypto,
  );
  return {
    rootCert: root.toString("pem"),
    issue: async ({ dns, uris = [], ttlMs = 3_600_000 }) => {
      const own = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const names = [
        ...(dns === undefined ? [] : [{ type: "dns" as const, value: dns }]),
        ...uris.map((value) => ({ type: "url" as const, value })),
      ];
      const certificate = await x509.X509CertificateGenerator.create(
        {
          issuer: root.subject,
          notBefore: new Date(Date.now() - 60_000),
          notAfter: new Date(Date.now() + ttlMs),
          signingKey: keys.privateKey,
          publicKey: own.publicKey,
          signingAlgorithm: ALGORITHM,
          extensions: [new x509.SubjectAlternativeNameExtension(names)],
        },
        crypto,
      );
      const pkcs8 = await crypto.subtle.exportKey("pkcs8", own.privateKey);
      return {
        privateKey: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
        certificateChain: certificate.toString("pem"),
      };
    },
  };
}

/** The proxy key of `spiffe://test/ns/<ns>/sa/<sa>` with the workload's name in a second URI. */
export function authenticateTest({ der, subjectAltName }: PeerCertificate): Authentication {
  const workload = /URI:weft:\/\/test\/([^,]+)/.exec(subjectAltName)?.[1];
  if (workload === undefined || !subjectAltName.includes("URI:spiffe://test/")) {
    return { ok: false, message: `the certificate names no workload: ${subjectAltName}` };
  }
  const certificate = new x509.X509Certificate(new Uint8Array(der));
  return { ok: true, proxyKey: workload, expiresAtMs: certificate.notAfter.getTime() };
}

export interface TestWorld {
  readonly provider: ResourceProvider;
  /** Changes resources and tells the connected proxies, in one go. `undefined` deletes. */
  update(changes: Readonly<Record<`${ResourceType}/${string}`, Omit<Resource, "type" | "name"> | undefined>>): void;
}

/** The same resources for each of the given proxies. */
export function createTestWorld(proxyKeys: readonly string[]): TestWorld {
  const resources = new Map<string, Resource>();
  const listeners = new Set<(names: ChangedNames) => void>();
  const view: ResourceView = {
    get: (type, name) => resources.get(`${type}/${name}`),
    names: (type) => [...resources.values()].filter((each) => each.type === type).map((each) => each.name),
  };
  return {
    provider: {
      connect: (proxyKey, onChange) => {
        if (!proxyKeys.includes(proxyKey)) return undefined;
        listeners.add(onChange);
        return { view: () => view, demand: () => {}, close: () => listeners.delete(onChange) };
      },
    },
    update: (changes) => {
      const names = new Map<ResourceType, Set<string>>();
      for (const [key, content] of Object.entries(changes)) {
        const slash = key.indexOf("/");
        const type = key.slice(0, slash) as ResourceType;
        const name = key.slice(slash + 1);
        names.set(type, (names.get(type) ?? new Set()).add(name));
        if (content === undefined) resources.delete(key);
        else resources.set(key, { type, name, ...content });
      }
      for (const listener of [...listeners]) listener(names);
    },
  };
}

/** Collects what the server says. */
export function createRecordingLogger() {
  const lines: string[] = [];
  const log = (message: string, fields: Readonly<Record<string, unknown>>): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { lines, info: log, warn: log, error: log };
}
