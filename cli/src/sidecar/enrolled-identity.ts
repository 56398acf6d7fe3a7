import { join } from "node:path";
import { readIfThere, writeAtomic } from "@weft/control-plane/identity/atomic-file";
import { createCertificateRequest, isCertificateForKey } from "@weft/control-plane/identity/certificate-request";
import type { IssuedIdentity } from "@weft/control-plane/identity/enrolment-server";
import { parseToken } from "@weft/control-plane/identity/enrolment-token";
import { peerIdentity } from "@weft/control-plane/identity/peer-identity";
import { MAX_PEM_BYTES, WORKLOAD_FILES } from "@weft/control-plane/identity/workload-folder";
import { type EnrolmentServerAddress, enrol, fetchNews, renew } from "./enrolment-client.js";
import { loadOrCreateKey } from "./identity-folder.js";
import type { CertificateSource } from "./renewal.js";
import { SidecarError } from "./sidecar-error.js";

/** What a folder knows of its enrolment. Not secret. */
export interface Enrolment {
  /** `host:port` of the control plane's enrolment. */
  readonly server: string;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
}

const ENROLMENT_FILE = "identity/enrolment.json";

/** Enrols a folder with a one-time token: key, certificate and roots are in it afterwards. Throws a SidecarError. */
export async function enrolFolder(workloadDir: string, server: string, tokenText: string): Promise<Enrolment> {
  const token = parseToken(tokenText);
  if (!token.ok) throw new SidecarError("identity", token.message);
  const keyPem = await loadOrCreateKey(workloadDir);
  const request = await createCertificateRequest(keyPem);
  const issued = await enrol(addressOf(server), token.value, { text: tokenText.trim(), request });
  await writeIdentity(workloadDir, issued, keyPem);
  const { trustDomain, namespace, workload, serviceAccount } = issued;
  const enrolment = { server, trustDomain, namespace, workload, serviceAccount };
  await writeAtomic(join(workloadDir, ENROLMENT_FILE), `${JSON.stringify(enrolment)}\n`);
  return enrolment;
}

/** The enrolment of a folder; undefined when it has none. */
export async function readEnrolment(workloadDir: string): Promise<Enrolment | undefined> {
  const file = join(workloadDir, ENROLMENT_FILE);
  const text = await readIfThere(file, MAX_PEM_BYTES);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Enrolment;
    addressOf(value.server);
    return value;
  } catch (error) {
    throw new SidecarError("identity", `${file}: is damaged; enrol the workload again`, { cause: error });
  }
}

/** Renews over the network, with the certificate that is in the folder. */
export function enrolledSource(workloadDir: string, enrolment: Enrolment, keyPem: string): CertificateSource {
  const address = addressOf(enrolment.server);
  const own = async () => {
    const [certificateChain, roots] = await Promise.all(
      [WORKLOAD_FILES.certificateChain, WORKLOAD_FILES.trustBundle].map((file) =>
        readIfThere(join(workloadDir, file), MAX_PEM_BYTES),
      ),
    );
    if (certificateChain === undefined || roots === undefined)
      throw new SidecarError("identity", `${workloadDir}: has no certificate; enrol the workload again`);
    return { pair: { certificateChain, privateKey: keyPem }, trust: { roots, trustDomain: enrolment.trustDomain } };
  };
  return {
    async request() {
      const { pair, trust } = await own();
      const request = await createCertificateRequest(keyPem);
      await writeIdentity(workloadDir, await renew(address, trust, { ...pair, request }), keyPem);
    },
    async look() {
      const { pair, trust } = await own();
      const news = await fetchNews(address, trust, pair);
      if (news.trustBundle !== trust.roots)
        await writeAtomic(join(workloadDir, WORKLOAD_FILES.trustBundle), news.trustBundle);
      return news.renew;
    },
  };
}

async function writeIdentity(workloadDir: string, issued: IssuedIdentity, keyPem: string): Promise<void> {
  const { certificateChain, trustBundle, trustDomain } = issued;
  const peer = peerIdentity(certificateChain, trustDomain);
  if (!peer.ok)
    throw new SidecarError("identity", `the control plane gave a certificate that is none: ${peer.message}`);
  if (!isCertificateForKey(certificateChain, keyPem))
    throw new SidecarError("identity", "the control plane gave a certificate for another key");
  // The roots first: who finds the certificate can use it at once.
  await writeAtomic(join(workloadDir, WORKLOAD_FILES.trustBundle), trustBundle);
  await writeAtomic(join(workloadDir, WORKLOAD_FILES.certificateChain), certificateChain);
}

function addressOf(server: string): EnrolmentServerAddress {
  const [, host = "", port = ""] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(server) ?? [];
  if (host === "" || Number(port) > 65535)
    throw new SidecarError("identity", `${JSON.stringify(server)} is not of the form <host>:<port>`);
  return { host, port: Number(port) };
}
