import { X509Certificate } from "node:crypto";
import { request as httpsRequest } from "node:https";
import type { PeerCertificate } from "node:tls";
import { controlPlaneSpiffeId } from "@weft/control-plane/identity/control-plane-id";
import { ENROLMENT_PATHS, type IdentityNews, type IssuedIdentity } from "@weft/control-plane/identity/enrolment-server";
import type { EnrolmentToken } from "@weft/control-plane/identity/enrolment-token";
import { certificateFacts, splitCertificates } from "@weft/control-plane/identity/pem";
import { SidecarError } from "./sidecar-error.js";

/** `host:port` of the control plane's enrolment. */
export interface EnrolmentServerAddress {
  readonly host: string;
  readonly port: number;
}

/** What the caller shows of itself. */
interface OwnCertificate {
  readonly certificateChain: string;
  readonly privateKey: string;
}

interface Trust {
  /** PEM. */
  readonly roots: string;
  readonly trustDomain: string;
}

const LIMIT_MS = 15_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** Gets a first certificate. The control plane is known by the fingerprint in the token. Throws a SidecarError. */
export async function enrol(
  address: EnrolmentServerAddress,
  token: EnrolmentToken,
  { text, request }: { readonly text: string; readonly request: string },
): Promise<IssuedIdentity> {
  // Whoever answers this is not known yet; it is told nothing, and of its answer only the root that we look for counts.
  const { trustBundle } = await call<{ readonly trustBundle: string }>(address, {
    path: ENROLMENT_PATHS.trustBundle,
    trust: undefined,
  });
  const root = splitCertificates(trustBundle).find((pem) => certificateFacts(pem).fingerprint === token.fingerprint);
  if (root === undefined)
    throw new SidecarError(
      "identity",
      `${address.host}:${address.port} is not the control plane that made the token: it has another root. Is the address right? If the root was rotated meanwhile, make another token`,
    );
  const trustDomain = trustDomainOf(root);
  return call<IssuedIdentity>(address, {
    path: ENROLMENT_PATHS.enrol,
    trust: { roots: root, trustDomain },
    body: { token: text, request },
  });
}

/** Gets the next certificate by the one that there is. Throws a SidecarError. */
export function renew(
  address: EnrolmentServerAddress,
  trust: Trust,
  own: OwnCertificate & { readonly request: string },
): Promise<IssuedIdentity> {
  return call<IssuedIdentity>(address, { path: ENROLMENT_PATHS.renew, trust, own, body: { request: own.request } });
}

/** Asks for the roots, and whether to renew. Throws a SidecarError. */
export function fetchNews(address: EnrolmentServerAddress, trust: Trust, own: OwnCertificate): Promise<IdentityNews> {
  return call<IdentityNews>(address, { path: ENROLMENT_PATHS.news, trust, own });
}

function trustDomainOf(rootPem: string): string {
  const [, trustDomain = ""] = /^spiffe:\/\/([^/]+)$/.exec(certificateFacts(rootPem).name) ?? [];
  if (trustDomain !== "") return trustDomain;
  throw new SidecarError("identity", "the root of the control plane names no trust domain");
}

function call<T>(
  { host, port }: EnrolmentServerAddress,
  question: {
    readonly path: string;
    /** Undefined: whoever answers. */
    readonly trust: Trust | undefined;
    readonly own?: OwnCertificate;
    readonly body?: unknown;
  },
): Promise<T> {
  const { path, trust, own, body } = question;
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) =>
      reject(new SidecarError("identity", `${host}:${port}: ${message}`, { cause }));
    const sent = httpsRequest(
      {
        host,
        port,
        path,
        method: body === undefined ? "GET" : "POST",
        agent: false,
        minVersion: "TLSv1.3",
        timeout: LIMIT_MS,
        signal: AbortSignal.timeout(LIMIT_MS),
        headers: { "content-type": "application/json" },
        ...(own === undefined ? {} : { cert: own.certificateChain, key: own.privateKey }),
        ...(trust === undefined
          ? { rejectUnauthorized: false }
          : {
              ca: trust.roots,
              checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
                controlPlaneProblem(certificate, trust.trustDomain),
            }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MAX_ANSWER_BYTES) sent.destroy(new Error("the answer is too large"));
        });
        response.on("error", (error) => fail(error.message, error));
        response.on("end", () => {
          try {
            const value = JSON.parse(text) as T & { readonly message?: unknown };
            if (response.statusCode === 200) resolve(value);
            else fail(String(value.message ?? `answers with status ${response.statusCode}`));
          } catch (error) {
            fail(`answers with status ${response.statusCode}, and with something that is not JSON`, error);
          }
        });
      },
    );
    sent.on("error", (error) => fail(error.message, error));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A workload's certificate comes from the same authority: only the control plane's own name will do. */
function controlPlaneProblem(certificate: PeerCertificate, trustDomain: string): Error | undefined {
  const expected = controlPlaneSpiffeId(trustDomain);
  const names = new X509Certificate(certificate.raw).subjectAltName?.split(", ") ?? [];
  if (names.includes(`URI:${expected}`)) return undefined;
  return new Error(`its certificate is for ${names.join(", ")}, not for ${expected}`);
}
