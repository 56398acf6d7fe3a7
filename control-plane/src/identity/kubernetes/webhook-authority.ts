import { RENEW_BEFORE_MS } from "../authority-folder.js";
import { type AuthorityMaterial, createAuthorityMaterial } from "../authority-material.js";
import { certificateFacts } from "../pem.js";
import type { Result } from "../result.js";

/** What the webhooks' certificates come from, and what tells the API server from others. Holds secrets: never log it. */
export interface WebhookRecord {
  /** The rest of the path at which the API server calls. */
  readonly token: string;
  /** In the order in which they were made; at least one. */
  readonly authorities: readonly WebhookAuthority[];
}

export interface WebhookAuthority extends AuthorityMaterial {
  readonly madeAtMs: number;
}

/** How long the API servers have to learn of a root before it signs. */
export const LEARN_MS = 10 * 60_000;
const KEYS = { token: "token", authorities: "authorities.json" } as const;
const MAX_AUTHORITIES = 8;

/** A stand-in: the webhooks' authority is for DNS names, and knows no workloads. */
export const WEBHOOK_TRUST_DOMAIN = "webhook.weft.mesh";

export function readWebhookRecord(data: Readonly<Record<string, string>>): Result<WebhookRecord> {
  const { [KEYS.token]: token = "", [KEYS.authorities]: text = "" } = data;
  if (!/^[a-z0-9]{32,63}$/.test(token)) return { ok: false, message: `it has no ${KEYS.token}` };
  try {
    const authorities = JSON.parse(text) as readonly WebhookAuthority[];
    if (Array.isArray(authorities) && authorities.length > 0 && authorities.every(isAuthority))
      return { ok: true, value: { token, authorities: authorities.slice(-MAX_AUTHORITIES) } };
  } catch {
    // Told below; what the parser says may quote a key.
  }
  return { ok: false, message: `its ${KEYS.authorities} is not what we wrote` };
}

export function writeWebhookRecord({ token, authorities }: WebhookRecord): Readonly<Record<string, string>> {
  return { [KEYS.token]: token, [KEYS.authorities]: JSON.stringify(authorities) };
}

function isAuthority(value: unknown): value is WebhookAuthority {
  const { rootPem, intermediatePem, intermediateKeyPem, madeAtMs } = (value ?? {}) as Partial<WebhookAuthority>;
  return (
    [rootPem, intermediatePem, intermediateKeyPem].every((pem) => typeof pem === "string") &&
    typeof madeAtMs === "number"
  );
}

/** The newest that all API servers have had time to learn of; the first where there is no other. */
export function signingAuthority({ authorities }: WebhookRecord, nowMs: number): WebhookAuthority {
  const known = authorities.filter(({ madeAtMs }) => nowMs - madeAtMs >= LEARN_MS);
  const [first] = authorities;
  const signing = known.at(-1) ?? first;
  if (signing === undefined) throw new RangeError("a webhook record without an authority");
  return signing;
}

/** All roots that may be met, PEM. */
export function webhookRoots({ authorities }: WebhookRecord): string {
  return authorities.map(({ rootPem }) => rootPem).join("");
}

/** The record as it should be: another authority before the newest ends, and none that nothing comes from any more. */
export async function maintained(
  record: WebhookRecord | undefined,
  nowMs: number,
  createToken: () => string,
): Promise<WebhookRecord> {
  const token = record?.token ?? createToken();
  const usable = (record?.authorities ?? []).filter((authority) => endOf(authority) > nowMs);
  const newest = usable.at(-1);
  const isDue = newest === undefined || endOf(newest) - nowMs <= RENEW_BEFORE_MS;
  if (record !== undefined && !isDue && usable.length === record.authorities.length) return record;
  return { token, authorities: isDue ? [...usable, await createWebhookAuthority(nowMs)] : usable };
}

async function createWebhookAuthority(nowMs: number): Promise<WebhookAuthority> {
  // The root's key is not kept: whoever has it could be our webhooks for ten years.
  const { rootKeyPem: _, ...material } = await createAuthorityMaterial({ trustDomain: WEBHOOK_TRUST_DOMAIN, nowMs });
  return { ...material, madeAtMs: nowMs };
}

function endOf({ intermediatePem }: WebhookAuthority): number {
  return certificateFacts(intermediatePem).notAfterMs;
}
