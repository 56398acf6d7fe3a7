import { createHash } from "node:crypto";
import { anchorChain, type BroughtAuthority } from "../brought-authority.js";
import { certificateFacts } from "../pem.js";
import type { Result } from "../result.js";

/** A root with what signs under it, as it is stored. Holds a secret: never log it. */
export interface StoredGeneration extends BroughtAuthority {
  /** Of a root that is ours, so that its intermediate can be renewed. */
  readonly rootKeyPem?: string;
}

/** The roots in force. All replicas read them, and the one that leads decides. */
export interface GenerationsRecord {
  readonly signing: StoredGeneration & GivenAway;
  /** Trusted, and signs nothing yet. */
  readonly next?: StoredGeneration & { readonly sinceMs: number; readonly trusting: Trusting };
  readonly retiring?: StoredGeneration & GivenAway;
}

/** By replica: `trustMark` of the workloads whose proxies have acknowledged the root there. None is ever taken back. */
export type Trusting = Readonly<Record<string, readonly string[]>>;

interface GivenAway {
  /** No certificate that was given away under this root ends later. Milliseconds since 1970. */
  readonly leavesEndMs: number;
}

/** No certificate of the mesh lives longer. */
export const MAX_LEAF_LIFE_MS = 24 * 60 * 60 * 1000;

/** Keys of a Secret in cert-manager's form, and of ours beside them. */
export const AUTHORITY_KEYS = {
  chainPem: "tls.crt",
  keyPem: "tls.key",
  rootsPem: "ca.crt",
  rootKeyPem: "root.key",
} as const;
const TRUSTING_PREFIX = "next.trusting.";
const TIME_KEYS = { leavesEndMs: "leaves-end", sinceMs: "since" } as const;

/** A Secret holds a mebibyte; whoever is not among them is waited for a day. */
const MAX_MARKS = 20_000;

type Data = Readonly<Record<string, string>>;

/** The authority in a Secret of cert-manager's form. */
export function readAuthority(data: Data, prefix = ""): Result<StoredGeneration> {
  const of = (part: keyof typeof AUTHORITY_KEYS) => data[`${prefix}${AUTHORITY_KEYS[part]}`] ?? "";
  const rootKeyPem = of("rootKeyPem");
  const authority = { chainPem: of("chainPem"), keyPem: of("keyPem"), rootsPem: of("rootsPem") };
  const missing = (["chainPem", "keyPem", "rootsPem"] as const).find((part) => authority[part] === "");
  if (missing !== undefined) return { ok: false, message: `it has no ${prefix}${AUTHORITY_KEYS[missing]}` };
  return { ok: true, value: { ...authority, ...(rootKeyPem === "" ? {} : { rootKeyPem }) } };
}

export function writeAuthority(authority: StoredGeneration, prefix = ""): Data {
  const { chainPem, keyPem, rootsPem, rootKeyPem } = authority;
  return {
    [`${prefix}${AUTHORITY_KEYS.chainPem}`]: chainPem,
    [`${prefix}${AUTHORITY_KEYS.keyPem}`]: keyPem,
    [`${prefix}${AUTHORITY_KEYS.rootsPem}`]: rootsPem,
    ...(rootKeyPem === undefined ? {} : { [`${prefix}${AUTHORITY_KEYS.rootKeyPem}`]: rootKeyPem }),
  };
}

export function readGenerations(data: Data): Result<GenerationsRecord> {
  const time = (generation: string, key: keyof typeof TIME_KEYS): number => {
    const ms = Date.parse(data[`${generation}.${TIME_KEYS[key]}`] ?? "");
    // What nobody can read must not make a root leave early.
    return Number.isFinite(ms) ? ms : Number.MAX_SAFE_INTEGER;
  };
  const has = (generation: string) => data[`${generation}.${AUTHORITY_KEYS.chainPem}`] !== undefined;
  const signing = readAuthority(data, "signing.");
  if (!signing.ok) return signing;
  const next = has("next") ? readAuthority(data, "next.") : undefined;
  if (next?.ok === false) return next;
  const retiring = has("retiring") ? readAuthority(data, "retiring.") : undefined;
  if (retiring?.ok === false) return retiring;
  return {
    ok: true,
    value: {
      signing: { ...signing.value, leavesEndMs: time("signing", "leavesEndMs") },
      ...(next === undefined
        ? {}
        : { next: { ...next.value, sinceMs: time("next", "sinceMs"), trusting: readTrusting(data) } }),
      ...(retiring === undefined
        ? {}
        : { retiring: { ...retiring.value, leavesEndMs: time("retiring", "leavesEndMs") } }),
    },
  };
}

function readTrusting(data: Data): Trusting {
  const entries = Object.entries(data).filter(([key]) => key.startsWith(TRUSTING_PREFIX));
  return Object.fromEntries(entries.map(([key, text]) => [key.slice(TRUSTING_PREFIX.length), text.split(" ")]));
}

function writeTrusting(trusting: Trusting): Data {
  const entries = Object.entries(trusting).map(([replica, marks]) => [`${TRUSTING_PREFIX}${replica}`, marks.join(" ")]);
  return Object.fromEntries(entries);
}

/** Stands for a workload, `<namespace>/<name>`, where thousands must fit into a Secret. */
export function trustMark(workload: string): string {
  return createHash("sha256").update(workload).digest("hex").slice(0, 10);
}

export function writeGenerations({ signing, next, retiring }: GenerationsRecord): Data {
  const timed = (generation: string, key: keyof typeof TIME_KEYS, ms: number): Data => ({
    // The end of time, for a time that could not be read.
    [`${generation}.${TIME_KEYS[key]}`]: new Date(Math.min(ms, 8.64e15)).toISOString(),
  });
  return {
    ...writeAuthority(signing, "signing."),
    ...timed("signing", "leavesEndMs", signing.leavesEndMs),
    ...(next === undefined
      ? {}
      : {
          ...writeAuthority(next, "next."),
          ...timed("next", "sinceMs", next.sinceMs),
          ...writeTrusting(next.trusting),
        }),
    ...(retiring === undefined
      ? {}
      : { ...writeAuthority(retiring, "retiring."), ...timed("retiring", "leavesEndMs", retiring.leavesEndMs) }),
  };
}

/**
 * The roots in force when this authority is to sign. With another root than the one that signs it comes beside it first,
 * and waits while one is retiring. The authority must have been found to fit together.
 */
export function wanting(
  record: GenerationsRecord | undefined,
  wanted: StoredGeneration,
  nowMs: number,
): GenerationsRecord {
  // Nobody knows what was given away under it before there was a record, but not for how long.
  if (record === undefined) return { signing: { ...wanted, leavesEndMs: nowMs + MAX_LEAF_LIFE_MS } };
  const { signing, next, retiring } = record;
  const root = rootOf(wanted);
  // Given up: it has signed nothing.
  if (root === rootOf(signing))
    return {
      signing: { ...wanted, leavesEndMs: signing.leavesEndMs },
      ...(retiring === undefined ? {} : { retiring }),
    };
  if (retiring !== undefined) return record;
  const isSame = next !== undefined && rootOf(next) === root;
  const known = isSame ? next : { sinceMs: nowMs, trusting: {} };
  return { signing, next: { ...wanted, sinceMs: known.sinceMs, trusting: known.trusting } };
}

/** The next root signs from now on. */
export function promoted(record: GenerationsRecord, nowMs: number): GenerationsRecord {
  const { signing, next } = record;
  if (next === undefined) return record;
  const { sinceMs: _since, trusting: _trusting, ...authority } = next;
  return { signing: { ...authority, leavesEndMs: nowMs }, retiring: signing };
}

/** With what a replica has learned of its proxies. The same record when there is nothing new. */
export function withTrusting(
  record: GenerationsRecord,
  replica: string,
  workloads: readonly string[],
): GenerationsRecord {
  const { next } = record;
  if (next === undefined) return record;
  const known = new Set(next.trusting[replica] ?? []);
  const before = known.size;
  for (const workload of workloads) if (known.size < MAX_MARKS) known.add(trustMark(workload));
  if (known.size === before) return record;
  return { ...record, next: { ...next, trusting: { ...next.trusting, [replica]: [...known].sort() } } };
}

/** Fingerprint of the root that an authority goes up to; "" when it does not fit together. */
export function rootOf(authority: BroughtAuthority): string {
  const chain = anchorChain(authority);
  return chain.ok ? certificateFacts(chain.value.anchor).fingerprint : "";
}
