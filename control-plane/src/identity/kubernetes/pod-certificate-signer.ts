import { BACK_DATE_MS } from "../authority-material.js";
import type { MeshAuthority } from "../mesh-authority.js";
import { requestKey } from "../request-key.js";
import { type CertificateAnswer, issuedStatus, MIN_LIFE_MS, type RequestStatus, refusedStatus } from "./answer.js";
import type { ApiObject, ApiServer } from "./api-server.js";
import { type Decision, decide } from "./decision.js";
import { SIGNER_NAME } from "./names.js";
import { type PodCertificateRequest, readPodCertificateRequest } from "./pod-certificate-request.js";
import { readSurroundings } from "./surroundings.js";
import { createWorkQueue } from "./work-queue.js";

export interface PodCertificateSignerOptions {
  readonly api: ApiServer;
  readonly authority: Pick<MeshAuthority, "signWorkload">;
  /** Of a certificate whose volume allows so much. */
  readonly ttlMs: number;
  /** A request has its answer. */
  readonly onAnswer?: (answer: CertificateAnswer) => void;
  readonly logger: Readonly<
    Record<"info" | "warn", (message: string, fields?: Readonly<Record<string, unknown>>) => void>
  >;
  /** Ends it: another replica leads. */
  readonly signal: AbortSignal;
  /** Default: 0.5 to 30 s, doubling. */
  readonly backOffMs?: (attempt: number) => number;
}

const PATH = "/apis/certificates.k8s.io/v1/podcertificaterequests";
const CONCURRENCY = 8;
/** More wait at the API server, and are found by the next list. */
const MAX_REQUESTS = 10_000;
const FULL_WAIT_MS = 5_000;

/**
 * Answers the requests of pods for a certificate of the mesh, until the signal aborts. A request is answered once and for
 * ever, so it is refused only for what cannot become right; everything else is tried again.
 */
export async function signPodCertificates(options: PodCertificateSignerOptions): Promise<void> {
  const { api, logger, signal } = options;
  const queue = createWorkQueue<ApiObject>({
    work: (object, attempt) => answer(options, object, attempt),
    concurrency: CONCURRENCY,
    maxItems: MAX_REQUESTS,
    backOffMs:
      options.backOffMs ?? ((attempt) => Math.min(30_000, 500 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2)),
    signal,
  });
  while (!signal.aborted) {
    const full = new AbortController();
    await api.follow(
      PATH,
      { fieldSelector: `spec.signerName=${SIGNER_NAME}`, signal: AbortSignal.any([signal, full.signal]) },
      (object) => {
        const key = `${object.metadata.namespace}/${object.metadata.name}`;
        if (isUnanswered(object) && !queue.add(key, object) && !full.signal.aborted) {
          logger.warn(`more than ${MAX_REQUESTS} pods wait for certificates; the others are asked for again`);
          setTimeout(() => full.abort(), FULL_WAIT_MS).unref();
        }
      },
    );
  }
  await queue.idle();
}

function isUnanswered(object: ApiObject): boolean {
  const read = readPodCertificateRequest(object);
  return !read.ok || !read.value.isAnswered;
}

/** @returns whether nothing is left to do */
async function answer(options: PodCertificateSignerOptions, object: ApiObject, attempt: number): Promise<boolean> {
  const { api, logger } = options;
  const read = readPodCertificateRequest(object);
  if (!read.ok) {
    logger.warn(`a PodCertificateRequest cannot be read: ${read.message}`);
    return true;
  }
  const request = read.value;
  const where = `${request.namespace}/${request.name}`;
  if (request.signerName !== SIGNER_NAME || request.isAnswered) return true;
  const path = `/apis/certificates.k8s.io/v1/namespaces/${request.namespace}/podcertificaterequests/${request.name}`;
  try {
    // What was read a while ago may have been answered since.
    const current = attempt === 1 ? object : await api.read(path);
    if (current === undefined || current.metadata.uid !== request.uid || !isUnanswered(current)) return true;
    const status = await statusFor(options, request);
    if ((await api.replace(`${path}/status`, { ...current, status })) === undefined) return false;
    options.onAnswer?.(status.conditions[0].type);
    tell(options, request, status);
    return true;
  } catch (error) {
    // Once, and when it goes on: the first may be a moment's.
    if (attempt === 1 || attempt === 5)
      logger.warn(`PodCertificateRequest ${where} is not answered yet: ${messageOf(error)}`, {
        pod: `${request.namespace}/${request.podName}`,
        attempt,
      });
    return false;
  }
}

/** @throws Error when it may be another one a little later */
async function statusFor(options: PodCertificateSignerOptions, request: PodCertificateRequest): Promise<RequestStatus> {
  const [known, key] = await Promise.all([readSurroundings(options.api, request), requestKey(request.request)]);
  const decision = decide(request, known, key);
  // To the second, as the times in certificates are.
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  if (decision.kind === "refuse") return refusedStatus(decision, nowMs);
  return issuedStatus(await sign(options, request, decision, nowMs), nowMs, Math.random());
}

async function sign(
  { authority, ttlMs }: PodCertificateSignerOptions,
  request: PodCertificateRequest,
  { namespace, serviceAccount, workload, uid }: Extract<Decision, { readonly kind: "sign" }>,
  nowMs: number,
): Promise<string> {
  // The API server counts from the beginning, which is dated back.
  const longestMs = request.maxExpirationMs - BACK_DATE_MS;
  const signed = await authority.signWorkload(request.request, {
    ...{ namespace, serviceAccount, workload, uid },
    ttlMs: Math.min(ttlMs, longestMs),
    nowMs,
  });
  if (!signed.ok) throw new Error(signed.message);
  if (signed.notAfterMs - (nowMs - BACK_DATE_MS) < MIN_LIFE_MS)
    throw new Error(`the authority ends at ${new Date(signed.notAfterMs).toISOString()}, too soon for a certificate`);
  return signed.chainPem;
}

function tell({ logger }: PodCertificateSignerOptions, request: PodCertificateRequest, status: RequestStatus): void {
  const [{ type, reason, message }] = status.conditions;
  const pod = `${request.namespace}/${request.podName}`;
  if (type === "Issued") logger.info(`${pod} has a certificate until ${status.notAfter}`, { kind: "identity", pod });
  else
    logger.warn(`${pod} gets no certificate: ${message}`, {
      ...{ kind: "identity", pod, reason, request: `${request.namespace}/${request.name}` },
      // Of the kubelet that asked, as it says.
      node: request.nodeName,
    });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
