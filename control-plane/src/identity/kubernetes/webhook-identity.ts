import { randomBytes } from "node:crypto";
import { BACK_DATE_MS } from "../authority-material.js";
import { openCertificateAuthority } from "../certificate-authority.js";
import { certificateValidity, createCertificateRequest, createPrivateKeyPem } from "../certificate-request.js";
import { IdentityError } from "../identity-error.js";
import { renewalTime } from "../renewal-time.js";
import { requestKey } from "../request-key.js";
import type { IdentityLogger } from "../tls-identity.js";
import { type ApiServer, encodeSecretData, secretData } from "./api-server.js";
import { WEBHOOK_SECRET } from "./names.js";
import {
  maintained,
  readWebhookRecord,
  signingAuthority,
  WEBHOOK_TRUST_DOMAIN,
  type WebhookRecord,
  webhookRoots,
  writeWebhookRecord,
} from "./webhook-authority.js";

/** What the webhooks show to the API server, and how they tell it from others. Holds secrets: never log it. */
export interface WebhookCredentials {
  /** PEM, leaf first. */
  readonly certificateChain: string;
  readonly privateKey: string;
  /** The rest of the path that only the API server knows. */
  readonly token: string;
  /** PEM of all roots that the certificate may come from. */
  readonly roots: string;
}

export interface WebhookIdentity {
  readonly current: WebhookCredentials;
  /** Called with each new one. Returns what ends it. */
  subscribe(listener: (credentials: WebhookCredentials) => void): () => void;
  close(): Promise<void>;
}

export interface WebhookIdentityOptions {
  readonly api: ApiServer;
  /** Of the control plane. */
  readonly namespace: string;
  /** By which the API server calls. */
  readonly dnsNames: readonly string[];
  /** Whether this replica may replace the authority. */
  readonly isLeading: () => boolean;
  readonly logger: IdentityLogger;
  /** Between two looks at the Secret. Default: 10 seconds. */
  readonly lookMs?: number;
}

const TTL_MS = 7 * 24 * 60 * 60 * 1000;
const LOOK_MS = 10_000;

/**
 * A certificate for the webhooks of this replica, by an authority that all replicas share in Secret `weft-webhook`, made by
 * whoever is first. The leaf and its key are in memory only.
 *
 * @throws IdentityError, or what the API server says
 */
export async function openWebhookIdentity(options: WebhookIdentityOptions): Promise<WebhookIdentity> {
  const { api, namespace, logger, lookMs = LOOK_MS } = options;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const privateKey = await createPrivateKeyPem();
  const key = await requestKey(await createCertificateRequest(privateKey));
  if (!key.ok) throw new Error(key.message);
  const listeners = new Set<(credentials: WebhookCredentials) => void>();
  let problem = "";

  const read = async (): Promise<WebhookRecord> => {
    const found = await api.read(`${secrets}/${WEBHOOK_SECRET}`);
    if (found === undefined) {
      const record = await maintained(undefined, Date.now(), createToken);
      const created = await api.create(secrets, secretOf(namespace, record));
      return created === undefined ? await read() : record;
    }
    const record = readWebhookRecord(secretData(found));
    if (!record.ok)
      throw new IdentityError(
        "damaged",
        `Secret ${namespace}/${WEBHOOK_SECRET}: ${record.message}. Delete it: another one is made at once`,
      );
    if (!options.isLeading()) return record.value;
    const next = await maintained(record.value, Date.now(), createToken);
    if (next === record.value) return next;
    const data = encodeSecretData(writeWebhookRecord(next));
    const written = await api.replace(`${secrets}/${WEBHOOK_SECRET}`, { ...found, data });
    if (written === undefined) return read();
    logger.info("the webhooks have another authority, which signs when all API servers know it");
    return next;
  };

  const issue = async (record: WebhookRecord): Promise<WebhookCredentials> => {
    const nowMs = Date.now();
    const opened = await openCertificateAuthority(signingAuthority(record, nowMs), {
      trustDomain: WEBHOOK_TRUST_DOMAIN,
      nowMs,
    });
    if (!opened.ok) throw new IdentityError("damaged", `Secret ${namespace}/${WEBHOOK_SECRET}: ${opened.message}`);
    const leaf = await opened.value.issue({
      publicKey: key.publicKey,
      names: options.dnsNames.map((value) => ({ type: "dns", value }) as const),
      notBeforeMs: nowMs - BACK_DATE_MS,
      notAfterMs: nowMs + TTL_MS,
    });
    return {
      certificateChain: `${leaf.toString("pem")}\n${opened.value.intermediatePem}`,
      privateKey,
      token: record.token,
      roots: webhookRoots(record),
    };
  };

  /** What the certificate of now was made from; another text is another certificate. */
  const basisOf = (record: WebhookRecord) =>
    JSON.stringify([record.token, webhookRoots(record), signingAuthority(record, Date.now()).intermediatePem]);
  const first = await read();
  let current = await issue(first);
  let basis = basisOf(first);
  let dueAtMs = renewalTime(certificateValidity(current.certificateChain), Math.random());

  const look = async (): Promise<void> => {
    try {
      const record = await read();
      if (basisOf(record) !== basis || Date.now() >= dueAtMs) {
        current = await issue(record);
        basis = basisOf(record);
        dueAtMs = renewalTime(certificateValidity(current.certificateChain), Math.random());
        for (const listener of listeners) listener(current);
      }
      problem = "";
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      if (told !== problem) logger.warn(`the webhooks keep the certificate that they have: ${told}`);
      problem = told;
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, lookMs).unref();
  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

function secretOf(namespace: string, record: WebhookRecord): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: WEBHOOK_SECRET, namespace },
    type: "Opaque",
    data: encodeSecretData(writeWebhookRecord(record)),
  };
}

/** Of lower-case letters and digits: the API server wants each part of a path to be a DNS name. */
function createToken(): string {
  return randomBytes(32).toString("hex").slice(0, 63);
}
